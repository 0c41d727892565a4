"""Wiring: from the configuration to the ports that the producer works with."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuneq_shared.archive import Archive
from tuneq_shared.archived_catalogue import ArchivedCatalogue
from tuneq_shared.data_root import DataRoot
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_shared.ports.fleet import Fleet
from tuneq_shared.ports.items import ItemStore
from tuneq_shared.ports.learnt import LearntBook
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect, reachable
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.learnt import RedisLearntBook
from tuneq_shared.redis_store.retention import RedisRetention
from tuneq_shared.settings import Settings, load_settings

if TYPE_CHECKING:
    from pandas import DataFrame

    from tuneq_producer.tables.reading import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A producer at work: its configuration, and the Redis and the data root that it names."""

    settings: Settings
    items: ItemStore
    catalogue: Catalogue  # what is archived can be read by it, too
    archive: Archive
    fleet: Fleet
    learnt: LearntBook
    data: DataRoot

    def runs_frame(self, target: str) -> "DataFrame":
        """The runs of a group, or one run: a row each, with settings, accuracy and cost.

        Raises:
            NotFoundError: no group and no run goes by that.
        """
        return self._frame("runs", target)

    def evaluations_frame(self, target: str) -> "DataFrame":
        """Every evaluation that these runs have asked for, once, with its counts.

        Raises:
            NotFoundError: no group and no run goes by that.
        """
        return self._frame("evaluations", target)

    def comparisons_frame(self, target: str) -> "DataFrame":
        """Tuned against baseline, sample by sample; reads their predictions.

        Raises:
            NotFoundError: no group and no run goes by that.
        """
        return self._frame("comparisons", target)

    def curves_frame(self, target: str) -> "DataFrame":
        """Accuracy by the number of training samples, for each curve of the report.

        Raises:
            NotFoundError: no group and no run goes by that.
        """
        return self._frame("curves", target)

    def step_metrics_frame(self, target: str) -> "DataFrame":
        """Losses and token accuracies by run and step.

        Raises:
            NotFoundError: no group and no run goes by that.
        """
        return self._frame("step_metrics", target)

    def predictions_frame(self, evaluation: str) -> "DataFrame":
        """What was answered to each sample of an evaluation, by its id.

        Raises:
            NotFoundError: there is no such evaluation, or its predictions are gone.
            UnreadableError: they are damaged.
        """
        return self._frame("predictions", evaluation)

    def _frame(self, name: "TableName", of: str) -> "DataFrame":
        # Imported here: pandas takes half a second to load, and no command needs it for this.
        from tuneq_producer.tables.reading import read_frame  # noqa: PLC0415 - see above

        return read_frame(self, name, of)


def open_client(settings: Settings | None = None) -> Client:
    """Connect as configured; by default, as the configuration that is found says.

    Raises:
        ConfigurationError: the configuration is wrong.
        RedisUnreachableError: Redis does not answer.
        DataRootError: the data root's URL cannot be used.
    """
    settings = settings or load_settings()
    redis = connect(settings.redis_url)
    with reachable(settings.redis_url):
        redis.ping()
    data = DataRoot(settings.data_url, settings.allowed_roots)
    archive = Archive(data, RedisRetention(redis, settings.key_prefix))
    return Client(
        settings=settings,
        items=RedisItems(redis, settings.key_prefix),
        catalogue=ArchivedCatalogue(RedisCatalogue(redis, settings.key_prefix), archive),
        archive=archive,
        fleet=RedisFleet(redis, settings.key_prefix),
        learnt=RedisLearntBook(redis, settings.key_prefix),
        data=data,
    )
