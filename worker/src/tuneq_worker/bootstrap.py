"""Wiring: from the configuration to the ports that stages work with."""

from dataclasses import dataclass
from functools import cached_property
from threading import Lock

from tuneq_shared.archive import Archive
from tuneq_shared.archived_catalogue import ArchivedCatalogue
from tuneq_shared.data_root import DataRoot
from tuneq_shared.errors import ConfigurationError
from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.fleet import RedisFleet
from tuneq_shared.redis_store.items import RedisItems
from tuneq_shared.redis_store.retention import RedisRetention
from tuneq_shared.redis_store.slots import RedisSlotBook
from tuneq_shared.settings import Settings
from tuneq_worker.evaluation.lane import LoopLane
from tuneq_worker.evaluation.scorers import ConfiguredScorers
from tuneq_worker.keys import read_key
from tuneq_worker.ports.provider import Provider
from tuneq_worker.ports.stage import Ports
from tuneq_worker.providers.registry import build_provider


class ConfiguredAccounts:
    """`Accounts` from the configuration; one provider an account, made when first used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Provider] = {}
        self._lock = Lock()

    def provider(self, name: str) -> Provider:
        """The account's provider, with its key."""
        with self._lock:
            if name not in self._made:
                name, account = self._settings.account(name)
                key = read_key(name, account)
                timeout = self._settings.request_timeout_s
                self._made[name] = build_provider(name, account, key, timeout)
            return self._made[name]

    def health(self) -> dict[str, str]:
        """Every configured account: empty where usable here, else what is missing."""
        return {name: self._trouble(name) for name in sorted(self._settings.accounts)}

    def _trouble(self, name: str) -> str:
        try:
            self.provider(name)
        except ConfigurationError as error:
            return error.message
        return ""


@dataclass(frozen=True)
class World:
    """All that a worker process holds: made once, shared by its threads."""

    settings: Settings

    @cached_property
    def accounts(self) -> ConfiguredAccounts:
        """The accounts as configured here."""
        return ConfiguredAccounts(self.settings)

    @cached_property
    def fleet(self) -> RedisFleet:
        """The registry of workers."""
        return RedisFleet(connect(self.settings.redis_url), self.settings.key_prefix)

    @cached_property
    def ports(self) -> Ports:
        """What stages are given."""
        client, prefix = connect(self.settings.redis_url), self.settings.key_prefix
        data = DataRoot(self.settings.data_url, self.settings.allowed_roots)
        retention = RedisRetention(client, prefix)
        archive = Archive(data, retention)
        return Ports(
            items=RedisItems(client, prefix),
            slots=RedisSlotBook(client, prefix),
            catalogue=ArchivedCatalogue(RedisCatalogue(client, prefix), archive),
            retention=retention,
            archive=archive,
            data=data,
            accounts=self.accounts,
            lane=LoopLane(self.accounts, self.settings),
            scorers=ConfiguredScorers(self.settings),
            settings=self.settings,
        )
