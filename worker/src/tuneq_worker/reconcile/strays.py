"""Deployments of ours that no evaluation needs: they may cost by the hour."""

from collections.abc import Iterable
from dataclasses import dataclass

from tuneq_shared.domain.deployment import named_deployments
from tuneq_shared.domain.lifecycle import DeploymentStage
from tuneq_shared.domain.record import Record
from tuneq_shared.ports.items import Asked
from tuneq_worker.ports.deployments import RemoteDeployment
from tuneq_worker.ports.provider import Provider, ProviderError
from tuneq_worker.ports.stage import Ports


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A deployment that bears a name of ours and that nobody needs here, or not any more."""

    remote: RemoteDeployment
    deed: str = ""  # removed, or why not

    @property
    def stands(self) -> bool:
        """Whether it is still there, as far as is known."""
        return self.deed != _REMOVED


_REMOVED = "removed"
# A newer tuneq may know stages in which it is needed.
_OVER = {DeploymentStage.RELEASING, DeploymentStage.RELEASED, DeploymentStage.FAILED}


def strays(account: str, ports: Ports, *, removes: bool) -> list[Stray]:
    """The strays of an account, removed where that is wished.

    A deployment is here before it is asked for at the provider, so of those that were listed
    before this tuneq was asked, those that are not here are nobody's.

    Raises:
        ProviderError: they cannot be listed.
    """
    provider = ports.accounts.provider(account)
    found = [Stray(remote=each) for each in _unneeded(account, provider.all_deployments(), ports)]
    return [_without(account, each, provider, ports) for each in found] if removes else found


def _unneeded(
    account: str, listed: Iterable[RemoteDeployment], ports: Ports
) -> list[RemoteDeployment]:
    accounts = {account, *ports.settings.accounts}  # several may be one at the provider
    ours = [(each, item) for each in listed if (item := named_deployments(accounts, each.name))]
    records = ports.catalogue.read([item for _, items in ours for item in items])
    needed = {record.item for record in records if record is not None and _is_needed(record)}
    return [each for each, items in ours if needed.isdisjoint(items)]


def _is_needed(record: Record) -> bool:
    return record.stage not in _OVER and record.asked != Asked.CANCEL


def _without(account: str, stray: Stray, provider: Provider, ports: Ports) -> Stray:
    if not _unneeded(account, [stray.remote], ports):
        return Stray(remote=stray.remote, deed="not removed: an evaluation needs it by now")
    try:
        provider.remove_deployment(stray.remote.id)
    except ProviderError as error:
        return Stray(remote=stray.remote, deed=f"not removed: {error.code}: {error.message}")
    return Stray(remote=stray.remote, deed=_REMOVED)
