"""Wiring: from the configuration to the ports that the producer works with."""

from dataclasses import dataclass

from tuneq_shared.archive import Archive
from tuneq_shared.archived_catalogue import ArchivedCatalogue
from tuneq_shared.data_root import DataRoot
from tuneq_shared.ports.catalogue import Catalogue
from tuneq_shared.ports.fleet import Fleet
from tuneq_shared.ports.items import ItemStore
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect, reachable
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.retention import RedisRetention
from tuneq_shared.settings import Settings, load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A producer at work: its configuration, and the Redis and the data root that it names."""

    settings: Settings
    items: ItemStore
    catalogue: Catalogue  # what is archived can be read by it, too
    archive: Archive
    fleet: Fleet
    data: DataRoot


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
        data=data,
    )
