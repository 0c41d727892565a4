"""From entries of the request stream to runs, or to refusals. Safe to be done twice."""

import errno
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.request import FineTuneRequest
from tuneq_shared.end_dates import Calendar, calendar_of, models_of
from tuneq_shared.errors import InvalidInputError, NotFoundError, TuneqError
from tuneq_shared.intake import (
    Door,
    ForeignDoor,
    accept,
    conflict,
    parse_request,
    too_large,
)
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_shared.ports.fleet import Fleet
from tuneq_shared.ports.items import ItemStore, NewItem
from tuneq_shared.ports.requests import Entry, Refusal, RequestStream
from tuneq_shared.references import Reference
from tuneq_shared.settings import Settings
from tuneq_worker.doors.redaction import kept_reason, kept_text, kept_value
from tuneq_worker.evaluation.scorers import ConfiguredScorers

log = logging.getLogger(__name__)

BATCH = 100
"""Entries taken at once: few enough to be done with within a second or so."""

_FIELD = b"request"
# What a request's own words may cause; any other trouble with a file is that of its place.
_ITS_OWN = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
_ITS_OWN_NUMBERS = frozenset({errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL})


class RememberingDoor:
    """A door that looks at each file once: a batch often names the same one."""

    def __init__(self, door: Door) -> None:
        self._admit = cache(door.admit)

    def admit(self, reference: Reference) -> Reference:
        """As the door does; what it refuses is asked anew."""
        return self._admit(reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTaker:
    """Takes entries off the stream, batch by batch.

    Each is created, then settled: whoever dies in between leaves it to another, for whom the run
    is there already. What is no valid request is refused; what fails by our own trouble stays.
    """

    stream: RequestStream
    items: ItemStore
    catalogue: Catalogue
    data: DataRoot
    fleet: Fleet
    settings: Settings
    idle_s: float = 60.0  # after which a reader that holds an entry is taken for dead
    batch: int = BATCH

    def take_in(self, stopping: Callable[[], bool]) -> int:
        """Deal with one batch, or with its beginning when stopping; answers how many there were.

        Raises:
            DataRootError: the data root is away or is another one; nothing was refused for it.
            RedisError: Redis is away.
        """
        entries = self.stream.take(self.batch, self.idle_s)
        if not entries:
            return 0
        door = RememberingDoor(ForeignDoor(self.data))
        calendar = calendar_of(self.settings, self.fleet)
        accepted: list[tuple[Entry, NewItem]] = []
        refused: list[Refusal] = []
        for entry in entries:
            if stopping():
                break
            try:
                accepted.append((entry, self._accepted(entry, door, calendar)))
            except (InvalidInputError, NotFoundError) as error:
                if self._is_its_own_fault(error):
                    refused.append(_refusal(entry, error))
                else:
                    reason = kept_reason(error.message)
                    log.warning("request %s is tried again later: %s", entry.id, reason)
            except Exception:  # one entry that shows a fault of ours must not stop the rest
                log.exception("request %s is tried again later", entry.id)
        self._create(accepted, refused)
        return len(entries)

    def _accepted(self, entry: Entry, door: Door, calendar: Calendar) -> NewItem:
        request = _parsed(entry, self.settings.max_request_bytes)
        try:
            new = accept(request, self.settings, door)
        except ValueError as error:  # of file systems, such as for a NUL in a path
            raise InvalidInputError(
                f"a file cannot be named so: {error}", hint="name it as data:, sha256: or file-..."
            ) from error
        account, _ = self.settings.account(request.account)
        try:
            if wanted := request.evaluation:
                scorers = ConfiguredScorers(self.settings)
                scorers.require(wanted.scorer, wanted.scorer_options)
            for name, models in models_of(request).items():
                trains = (name or account) == account
                calendar.refuse_ended(name or account, models, trains=trains)
        except InvalidInputError:
            # Sent again, or created by somebody who died before it was settled: the run goes on.
            if self.catalogue.read([new.item]) == [None]:
                raise
        return new

    def _is_its_own_fault(self, error: TuneqError) -> bool:
        cause = error.__cause__
        if isinstance(cause, OSError):
            if not isinstance(cause, _ITS_OWN) and cause.errno not in _ITS_OWN_NUMBERS:
                return False
            # A file may also seem to be away because all of them are.
            self.data.settle(self.fleet)
        return True

    def _create(self, accepted: Sequence[tuple[Entry, NewItem]], refused: list[Refusal]) -> None:
        answers = self.items.create([new for _, new in accepted])
        done = []
        for (entry, new), answer in zip(accepted, answers, strict=True):
            clash = conflict(new, answer)
            if clash is None:
                done.append(entry.id)
            else:
                refused.append(_refusal(entry, clash))
        if done or refused:
            self.stream.settle(done, refused)
        if refused:
            log.warning("requests refused: %d, the last: %s", len(refused), refused[-1].reason)


def _parsed(entry: Entry, longest: int) -> FineTuneRequest:
    if [name for name, _ in entry.fields] != [_FIELD]:
        raise InvalidInputError(
            "an entry has one field, request, and no other",
            hint="XADD <key_prefix>:requests * request '<JSON>'",
        )
    if entry.size > longest:
        raise too_large(entry.size, longest)
    return parse_request(entry.fields[0][1], longest)


def _refusal(entry: Entry, error: TuneqError) -> Refusal:
    if [name for name, _ in entry.fields] == [_FIELD]:
        request = kept_text(entry.fields[0][1])
    else:
        request = kept_value(
            {
                name.decode(errors="replace"): value.decode(errors="replace")
                for name, value in entry.fields
            }
        )
    return Refusal(
        entry=entry.id,
        reason=kept_reason(error.message),
        hint=kept_reason(error.hint),
        request=request,
    )
