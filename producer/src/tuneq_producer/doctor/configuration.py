"""The configuration: where it is from and what it says, without its secrets."""

from collections.abc import Iterator

from tuneq_producer.doctor.finding import Finding, ok, warn
from tuneq_shared.redis_store.connection import without_password
from tuneq_shared.settings import Settings, find_config

_CHECK = "configuration"


def check_configuration(settings: Settings) -> Iterator[Finding]:
    """Say what is in force."""
    path = find_config()
    if path is None:
        hint = "write tuneq.toml here or in the user's config folder, or name it with --config"
        yield warn(_CHECK, "no configuration file; only TUNEQ_ variables count", hint)
    else:
        yield ok(_CHECK, f"{path}")
    values = {
        "redis_url": without_password(settings.redis_url),
        "data_url": without_password(settings.data_url),
        "key_prefix": settings.key_prefix,
        "retention_days": settings.retention_days,
        "lease_s": settings.lease_s,
        "purchase_grace_s": settings.purchase_grace_s,
    }
    yield ok(_CHECK, ", ".join(f"{name} {value}" for name, value in values.items()))
    if not settings.accounts:
        yield warn(_CHECK, "no accounts", "add [accounts.NAME] with base_url to tuneq.toml")
    elif settings.default_account is None:
        hint = "set default_account, or name the account with each request"
        yield warn(_CHECK, "no default account", hint)
