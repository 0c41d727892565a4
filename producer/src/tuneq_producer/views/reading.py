"""From run ids to views, a chunk at a time, so that a large group needs little memory."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from tuneq_producer.client import Client
from tuneq_producer.views.deployment_view import read_deployments
from tuneq_producer.views.evaluation_view import read_evaluations
from tuneq_producer.views.loading import loaded, tell
from tuneq_producer.views.run_view import RunView, run_view
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import NotFoundError, UnreadableError

_CHUNK = 500


def run_views(
    client: Client,
    ids: Iterable[str],
    unreadable: Callable[[ItemId, UnreadableError], None] = lambda _, error: tell(error),
) -> Iterator[RunView]:
    """The runs that are there, in order. Each chunk takes two pipelined reads, or three.

    What cannot be read is left out; who calls may be told of it, and else stderr is.
    """
    source = iter(ids)
    while chunk := list(islice(source, _CHUNK)):
        pairs = []
        for record in filter(None, client.catalogue.read([ItemId(Kind.RUN, key) for key in chunk])):
            try:
                pairs.append((loaded(record, Run), record))
            except UnreadableError as error:
                unreadable(record.item, error)
        wanted = (asked.evaluation for run, _ in pairs for asked in run.asked)
        evaluations = read_evaluations(client.catalogue, wanted)
        deployments = read_deployments(client, [run for run, _ in pairs])
        for run, record in pairs:
            deployment = deployments.get(run.id)
            yield run_view(run, record, evaluations, client.data.url, deployment)


def one_run_view(client: Client, text: str) -> RunView:
    """The run that is meant by an id, a unique prefix of it, or GROUP/NAME.

    Raises:
        NotFoundError: no run, or more than one, goes by that.
        UnreadableError: this tuneq cannot read it.
    """
    for view in run_views(client, [client.catalogue.find_run(text)], _refuse):
        return view
    raise NotFoundError(f"run {text!r} is gone", hint="`tuneq ls` lists the runs")


def _refuse(item: ItemId, error: UnreadableError) -> None:
    del item
    raise error
