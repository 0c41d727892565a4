"""Models of a Nebius account: what a job has learnt is served once a custom model is made of it."""

import logging
from collections.abc import Iterable, Iterator
from urllib.parse import quote

import httpx2

from tuneq_shared.domain.failure import ErrorKind
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.deployments import DeploymentState, RemoteDeployment
from tuneq_worker.ports.provider import ProviderError
from tuneq_worker.providers.ending import unless_gone
from tuneq_worker.providers.nebius.documents import (
    CustomModelDocument,
    CustomModelsDocument,
    short_name,
)
from tuneq_worker.providers.nebius.options import NebiusOptions
from tuneq_worker.providers.openai.caller import Entry
from tuneq_worker.providers.openai.errors import read_answer
from tuneq_worker.providers.openai.jobs import JobCalls
from tuneq_worker.providers.openai.models import ModelCalls

log = logging.getLogger(__name__)


class CustomModelCalls(JobCalls, ModelCalls):
    """The part of the port that is about models and deployments.

    A tuned model is named by its job, which means the job's last checkpoint, or by
    `<job>:<checkpoint>`. All that is served has a name with a slash in it.
    """

    _options: NebiusOptions
    _models_url: str

    def serves(self, model: str) -> str | None:
        """Base models and custom ones by their own names."""
        return model if "/" in model or not self._capabilities.deployment else None

    def find_deployments(self, name: str) -> list[RemoteDeployment]:
        """Those made under that name, of which there may be several."""
        # Of foreign ones nothing is read: they may be told in any way.
        entries = [each for each in self._entries() if short_name(str(each.get("name"))) == name]
        return _standing(read_answer(CustomModelDocument, entry) for entry in entries)

    def all_deployments(self) -> Iterator[RemoteDeployment]:
        """Every custom model, whatever it was made of; one that cannot be read is left out."""
        yield from _standing(_readable(self._entries()))

    def deploy(self, model: str, name: str, check: Check | None = None) -> RemoteDeployment:
        """Make a custom model of a checkpoint, with one POST."""
        job_id, _, checkpoint = model.partition(":")
        base = self.job(job_id).model
        order = {
            "name": name,
            "base_model": self._options.base_models.get(base, base),
            "source": f"{job_id}:{checkpoint or self._last_checkpoint(job_id)}",
            "description": model,
        }
        made = self._read(
            CustomModelDocument,
            lambda: self._buyer.post(self._models_url, cast_to=httpx2.Response, body=order),
            check,
        )
        return made.to_deployment()

    def deployment(self, deployment_id: str) -> RemoteDeployment:
        """Look at a custom model by its full name; one that was deleted is not found."""
        url = self._url_of(deployment_id)
        document = self._read(
            CustomModelDocument, lambda: self._client.get(url, cast_to=httpx2.Response)
        )
        found = document.to_deployment()
        if found.state is DeploymentState.GONE:
            raise ProviderError(ErrorKind.NOT_FOUND, f"custom model {deployment_id} was deleted")
        return found

    def remove_deployment(self, deployment_id: str) -> None:
        """Delete a custom model, unless it is gone; the checkpoint stays."""
        url = self._url_of(deployment_id)
        with unless_gone():
            self._fetch(lambda: self._client.delete(url, cast_to=httpx2.Response))

    def _entries(self) -> list[Entry]:
        url = self._models_url
        return self._read(
            CustomModelsDocument, lambda: self._client.get(url, cast_to=httpx2.Response)
        ).root

    def _last_checkpoint(self, job_id: str) -> str:
        told = [each for each in self.checkpoints(job_id) if isinstance(each.get("id"), str)]
        steps = {str(each["id"]): each.get("step_number") for each in told}
        numbered = {name: step for name, step in steps.items() if isinstance(step, int | float)}
        if not numbered:
            words = f"job {job_id} has no checkpoint that could be deployed"
            raise ProviderError(ErrorKind.BAD_REQUEST, words)
        return max(numbered, key=lambda name: numbered[name])

    def _url_of(self, name: str) -> str:
        return f"{self._models_url}/{quote(name)}"


def _readable(entries: Iterable[Entry]) -> Iterator[CustomModelDocument]:
    for entry in entries:
        try:
            yield read_answer(CustomModelDocument, entry)
        except ProviderError as error:
            log.warning("a custom model is left out: %s", error)


def _standing(documents: Iterable[CustomModelDocument]) -> list[RemoteDeployment]:
    told = [document.to_deployment() for document in documents]
    return [each for each in told if each.state is not DeploymentState.GONE]
