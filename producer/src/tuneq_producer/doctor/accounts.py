"""The accounts: which worker can use them, and which are stopped."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from tuneq_producer.client import Client
from tuneq_producer.doctor.finding import Finding, fail, ok, warn
from tuneq_producer.live_workers import live_workers, trouble_with_account
from tuneq_shared.domain.account import AccountState, account_id
from tuneq_shared.domain.lifecycle import AccountStage
from tuneq_shared.domain.record import load
from tuneq_shared.ports.fleet import WorkerInfo
from tuneq_shared.redis_store.connection import without_password

_CHECK = "accounts"


def check_accounts(client: Client) -> Iterator[Finding]:
    """Look at each configured account."""
    live = live_workers(client.fleet)
    names = sorted(client.settings.accounts)
    records = client.catalogue.read([account_id(name) for name in names])
    for name, record in zip(names, records, strict=True):
        yield from _address(name, client.settings.accounts[name].base_url)
        yield from _keys(name, live)
        if record is not None:
            yield from _trouble(load(record, AccountState))


def _address(name: str, base_url: str) -> Iterator[Finding]:
    shown = f"{name}: {without_password(base_url)}"
    if base_url.startswith("https://") or _is_loopback(urlsplit(base_url).hostname or ""):
        yield ok(_CHECK, shown)
    else:
        yield warn(_CHECK, shown, "use https: the key would cross the network in the clear")


def _keys(name: str, live: list[WorkerInfo]) -> Iterator[Finding]:
    usable = [worker.name for worker in live if worker.accounts.get(name) == ""]
    if usable:
        yield ok(_CHECK, f"{name}: usable by {', '.join(usable)}")
    elif trouble := trouble_with_account(live, name):
        yield fail(_CHECK, trouble, "put the key there, in the surroundings of a worker")
    for worker in live:
        said = worker.accounts.get(name, "does not know the account")
        if usable and said:
            hint = "give every worker the same configuration and keys"
            yield warn(_CHECK, f"{name}: not usable by {worker.name}: {said}", hint)


def _trouble(account: AccountState) -> Iterator[Finding]:
    failure = account.failure
    reason = f"{failure.code}: {failure.message}" if failure else "no reason given"
    if account.stage is AccountStage.STOPPED:
        hint = f"when that is settled, `tuneq release --account {account.id}`"
        yield fail(_CHECK, f"{account.id} is stopped: {reason}", hint)
    elif failure:
        hint = "runs in training go on at the provider; the workers keep asking"
        yield warn(_CHECK, f"{account.id}: no news of its jobs: {reason}", hint)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
