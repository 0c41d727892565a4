"""Batches of chat requests."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from openai import OpenAI, omit
from pydantic import BaseModel, ValidationError

from tuneq_shared.domain.failure import ErrorKind
from tuneq_shared.ports.limits import Headroom
from tuneq_worker.ports.batches import Answer, Batch, BatchStatus
from tuneq_worker.ports.check import Check
from tuneq_worker.ports.provider import Completion, ProviderError
from tuneq_worker.providers.openai.caller import PAGE, Caller, Entry
from tuneq_worker.providers.openai.chat import ChatDocument
from tuneq_worker.providers.openai.documents import PURCHASE_KEY, Fields, Id, Number, Text
from tuneq_worker.providers.openai.errors import read_answer, refused
from tuneq_worker.providers.openai.listings import found, purchase_of

log = logging.getLogger(__name__)

_STATUSES = {
    "completed": BatchStatus.COMPLETED,
    "expired": BatchStatus.EXPIRED,
    "cancelled": BatchStatus.CANCELLED,
    "failed": BatchStatus.FAILED,
}
# What these codes would be answered with, were they answers to a request.
_AS_STATUS = {
    "token_limit_exceeded": HTTPStatus.TOO_MANY_REQUESTS,
    "batch_expired": HTTPStatus.SERVICE_UNAVAILABLE,
    "batch_cancelled": HTTPStatus.SERVICE_UNAVAILABLE,
    "billing_hard_limit_reached": HTTPStatus.PAYMENT_REQUIRED,
}


class BatchDocument(BaseModel):
    """A batch, as far as we read it."""

    id: Id
    status: str
    created_at: Number = None
    metadata: Fields = {}
    input_file_id: Text = None
    output_file_id: Text = None
    error_file_id: Text = None
    errors: Fields = {}

    def to_batch(self, key: str) -> Batch:
        """In our words; a status that we do not know is no end."""
        status = _STATUSES.get(self.status, BatchStatus.ACTIVE)
        purchase = self.metadata.get(PURCHASE_KEY)
        return Batch(
            id=self.id,
            status=status,
            raw_status=self.status,
            created_at=self.created_at or None,
            purchase=purchase if isinstance(purchase, str) else None,
            requests=self.input_file_id,
            answers=tuple(filter(None, (self.output_file_id, self.error_file_id))),
            failure=self._failure(key) if status is BatchStatus.FAILED else None,
        )

    def _failure(self, key: str) -> ProviderError:
        """The first of the errors, which stands for all."""
        data = self.errors.get("data")
        first = data[0] if isinstance(data, list) and data else {"message": "no reason is given"}
        return _refused(HTTPStatus.BAD_REQUEST, first, key)


class _Response(BaseModel):
    status_code: int
    body: Any = None


class _Row(BaseModel):
    custom_id: str
    response: _Response | None = None
    error: Fields = {}


class BatchCalls(Caller):
    """The part of the port that is about batches."""

    _buyer: OpenAI  # whose answers are bounded as a purchase's grace assumes

    def request_line(
        self,
        request: str,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> bytes:
        """The line by whose `custom_id` its answer is known."""
        body = {**parameters, "model": model, "messages": messages}
        line = {"custom_id": request, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

    def create_batch(
        self, requests: str, purchase: str | None, check: Check | None = None
    ) -> Batch:
        """Buy the answers with one POST."""
        batches = self._buyer.batches.with_raw_response
        return self._batch(
            self._read(
                BatchDocument,
                lambda: batches.create(
                    completion_window="24h",
                    endpoint="/v1/chat/completions",
                    input_file_id=requests,
                    metadata=omit if purchase is None else {PURCHASE_KEY: purchase},
                ),
                check,
            )
        )

    def find_batches(self, purchase: str, requests: str, since: float) -> list[Batch]:
        """What a batch says of itself counts more than its file."""
        batches = self._client.batches.with_raw_response

        def is_ours(entry: Entry) -> bool:
            said = purchase_of(entry)
            return said == purchase or (said is None and entry.get("input_file_id") == requests)

        pages = self._pages(lambda after: batches.list(limit=PAGE, after=after))
        ours = found(pages, since, is_ours)
        # One of ours that cannot be read is an error: it must not be bought again.
        return [self._batch(read_answer(BatchDocument, entry)) for entry in ours]

    def batch(self, batch_id: str) -> Batch:
        """Look at a batch."""
        batches = self._client.batches.with_raw_response
        return self._batch(self._read(BatchDocument, lambda: batches.retrieve(batch_id)))

    def cancel_batch(self, batch_id: str) -> Batch:
        """A refusal, as by one that is being cancelled already, does not say how it stands."""
        batches = self._client.batches.with_raw_response
        try:
            return self._batch(self._read(BatchDocument, lambda: batches.cancel(batch_id)))
        except ProviderError as error:
            if error.kind not in {ErrorKind.BAD_REQUEST, ErrorKind.SERVER}:
                raise
        return self.batch(batch_id)

    def read_answers(self, raw: bytes) -> Iterator[Answer]:
        """Both kinds of file: answers, and what went wrong."""
        for line in raw.splitlines():
            if not line.strip():
                continue
            try:
                row = _Row.model_validate_json(line)
            except ValidationError:
                log.warning("account %s: a line of a batch cannot be read", self._account)
                continue
            yield Answer(row.custom_id, _result(row, self._key))

    def _batch(self, document: BatchDocument) -> Batch:
        return document.to_batch(self._key)


def _result(row: _Row, key: str) -> Completion | ProviderError:
    response = row.response
    if response is None:
        return _refused(HTTPStatus.INTERNAL_SERVER_ERROR, row.error, key)
    if response.status_code >= HTTPStatus.MULTIPLE_CHOICES:
        return refused(response.status_code, response.body, {}, key)
    try:
        return read_answer(ChatDocument, response.body).to_completion(Headroom())
    except ProviderError as error:
        return error


def _refused(status: int, error: Mapping[str, Any], key: str) -> ProviderError:
    meant = _AS_STATUS.get(str(error.get("code")), HTTPStatus(status))
    return refused(meant, {"error": error}, {}, key)
