"""Models of an account, of which each answers as soon as it is there."""

from collections.abc import Iterator
from datetime import date

from openai import omit
from pydantic import BaseModel, ValidationError

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.deployments import RemoteDeployment, RemoteModel
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.openai.caller import Caller, Entry

_NONE_HERE = "this account's models answer without being deployed"


class _ModelDocument(BaseModel):
    id: str
    shutdown_date: date | None = None


class ModelCalls(Caller):
    """The part of the port that is about models, where none needs to be deployed."""

    def models(self) -> list[RemoteModel]:
        """The listing, which has one page; a date that cannot be read is none."""
        models = self._client.models.with_raw_response
        pages = self._pages(lambda after: models.list(extra_query=_after(after)))
        return [model for page in pages for entry in page if (model := _read(entry))]

    def serves(self, model: str) -> str | None:
        """By its own name."""
        return model

    def find_deployments(self, name: str) -> list[RemoteDeployment]:
        """None."""
        del name
        return []

    def all_deployments(self) -> Iterator[RemoteDeployment]:
        """None."""
        return iter(())

    def deploy(self, model: str, name: str, check: Check | None = None) -> RemoteDeployment:
        """Refused.

        Raises:
            ProviderError: always.
        """
        del model, name, check
        raise ProviderError(ErrorKind.BAD_REQUEST, _NONE_HERE)

    def deployment(self, deployment_id: str) -> RemoteDeployment:
        """Not found.

        Raises:
            ProviderError: always.
        """
        raise ProviderError(ErrorKind.NOT_FOUND, f"no deployment {deployment_id}: {_NONE_HERE}")

    def remove_deployment(self, deployment_id: str) -> None:
        """There is none."""


def _after(after: object) -> dict[str, object]:
    return {} if after is omit else {"after": after}


def _read(entry: Entry) -> RemoteModel | None:
    try:
        document = _ModelDocument.model_validate(entry)
    except ValidationError:
        named = entry.get("id")
        return RemoteModel(named) if isinstance(named, str) else None
    return RemoteModel(document.id, document.shutdown_date)
