"""The present state of many jobs in few calls, whatever the dialect."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from tuneq_shared.domain.failure import STOPS_ACCOUNT, ErrorKind
from tuneq_worker.ports.provider import Job, ProviderError

log = logging.getLogger(__name__)

Look = Callable[[str], Job]

_OF_ONE_JOB = frozenset({ErrorKind.NOT_FOUND, ErrorKind.MALFORMED})  # and the provider is there
_OF_ALL_JOBS = STOPS_ACCOUNT | {ErrorKind.RATE}  # the next one would be refused alike
_MAX_UNANSWERED = 3  # in a row: then it is the provider that is away, and not a job


def sweep(
    job_ids: Sequence[str], pages: Iterator[list[Job]], look: Look, *, others: bool
) -> list[Job]:
    """These jobs, from the listing as long as it is cheaper than asking for them one by one.

    A page without any of them cost as much as asking for one: when such pages outnumber what is
    still missing, the rest is asked for singly. Left out are those that are gone, and those of
    which nothing can be learned: not all must go unseen for one.

    Args:
        job_ids: Whose state is wanted.
        pages: The account's jobs as its listing tells them, newest first; read as far as needed.
        look: Asks for one job.
        others: Every further active job of the first page, too, which is read in any case, and of
            those pages that are read anyway.

    Raises:
        ProviderError: nothing else was heard.
    """
    missing = dict.fromkeys(job_ids)
    found: list[Job] = []
    barren = 1  # so that a single job is asked for by its id at once
    reads_on, heard = others or barren < len(missing), False
    while reads_on:
        page, heard = _next(pages, heard=heard), True
        if page is None:
            break
        hits = [job for job in page if job.id in missing]
        found += hits
        if others:
            found += [job for job in page if job.id not in missing and job.status.is_active]
        barren += not hits
        for job in hits:
            del missing[job.id]
        reads_on = barren < len(missing)
    return found + _singly(missing, look, heard=heard)


def _singly(job_ids: Iterable[str], look: Look, *, heard: bool) -> list[Job]:
    """Those of these that can be looked at; an error where errors are all that is heard."""
    found: list[Job] = []
    trouble: ProviderError | None = None
    unanswered = 0
    for job_id in job_ids:
        try:
            found.append(look(job_id))
        except ProviderError as error:
            unanswered = unanswered + 1 if error.kind is ErrorKind.NETWORK else 0
            if error.kind in _OF_ALL_JOBS or unanswered == _MAX_UNANSWERED:
                raise
            if error.kind in _OF_ONE_JOB:
                heard = True
            else:
                log.warning("no news of %s: %s", job_id, error)
                trouble = error
        else:
            heard, unanswered = True, 0
    if trouble is not None and not heard:
        raise trouble
    return found


def _next(pages: Iterator[list[Job]], *, heard: bool) -> list[Job] | None:
    """The next page; none also where a listing that has begun well cannot be read on."""
    try:
        return next(pages, None)
    except ProviderError as error:
        if not heard or error.kind is not ErrorKind.MALFORMED:
            raise
        return None
