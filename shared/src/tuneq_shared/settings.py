"""Configuration: `tuneq.toml` and `TUNEQ_` environment variables, which win."""

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from tuneq_shared.capabilities import Capabilities
from tuneq_shared.deadlines import Deadlines
from tuneq_shared.dialects import Dialect, corrected
from tuneq_shared.domain.request import MAX_REQUEST_BYTES
from tuneq_shared.domain.scoring import BUILT_IN, ScorerName
from tuneq_shared.errors import ConfigurationError

CONFIG_NAME = "tuneq.toml"
AccountName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
OwnScorer = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]


class Limits(BaseModel):
    """What an account allows; learnt from its answers where absent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: int | None = Field(default=None, gt=0)
    """Chat requests to one model, of the whole fleet."""
    tokens_per_minute: int | None = Field(default=None, gt=0)
    """Tokens of those requests and of their answers."""
    max_active_jobs: int | None = Field(default=None, gt=0)
    """Jobs that may be active at once for each base model."""
    requests_in_flight: int = Field(default=64, gt=0)
    """Chat requests that one evaluation shard keeps open at once."""
    poll_interval_s: float = Field(default=30.0, gt=0)
    """Seconds between two looks at the account's active jobs."""


class Price(BaseModel):
    """USD per million tokens of one model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    training: float = Field(default=0.0, ge=0)
    input: float = Field(default=0.0, ge=0)
    output: float = Field(default=0.0, ge=0)
    batch_discount: float = Field(default=0.5, ge=0, le=1)
    """Share that is taken off input and output where they go in batches."""
    hour: float = Field(default=0.0, ge=0)
    """USD an hour while a model tuned on it is deployed."""


class Account(BaseModel):
    """A provider profile. The key itself is read by workers alone and never kept here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dialect: Dialect = "openai"
    base_url: str = Field(pattern=r"^https?://")
    api_key_env: str | None = None
    api_key_file: Path | None = None
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()
    capabilities: Capabilities = Capabilities()
    """The dialect's, with what the configuration says otherwise."""
    options: dict[str, JsonValue] = {}
    """What only the dialect's adapter knows the meaning of, such as the name of a resource."""
    prices: dict[str, Price] = {}
    context_tokens: dict[str, Annotated[int, Field(gt=0)]] = {}
    """How many tokens an example may have that a model is trained on."""
    end_dates: dict[str, date] = {}
    """The last day of a model, where the provider's list does not tell it or tells it wrongly."""

    @model_validator(mode="before")
    @classmethod
    def _dialect_corrected(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        corrections = given.get("capabilities", {})
        if not isinstance(corrections, dict):
            return given
        dialect, base_url = (str(given.get(k, "")) for k in ("dialect", "base_url"))
        record = corrected(dialect or "openai", base_url, corrections)
        return {**given, "capabilities": record}


class Settings(BaseSettings):
    """All that producers and workers read; every field also as `TUNEQ_<NAME>`, nested by `__`."""

    model_config = SettingsConfigDict(
        env_prefix="TUNEQ_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    redis_url: str = "redis://127.0.0.1:6379/0"
    data_url: str = "./tuneq-data"
    """fsspec URL of the data root; a relative path is relative to the configuration file."""
    allowed_roots: list[str] = []
    key_prefix: str = Field(default="tuneq", pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    default_account: str | None = None
    retention_days: int = Field(default=90, gt=0)
    max_request_bytes: int = Field(default=MAX_REQUEST_BYTES, gt=0)
    """Of a request as JSON, through whichever door."""
    answer_cache_bytes: int = Field(default=0, ge=0)
    """Room under the data root for answers that need not be asked for again; 0: none is kept."""
    confirm_above_usd: float | None = Field(default=None, ge=0)
    """What a submission may be estimated at without being asked for; none: it is never asked."""
    accounts: dict[AccountName, Account] = {}
    scorers: dict[ScorerName, OwnScorer] = {}
    """Functions by the names under which requests may have them as scorers; workers import them."""
    lease_s: float = Field(default=60.0, gt=0)
    """How long a worker may hold an item before another may take it."""
    request_timeout_s: float = Field(default=30.0, gt=0)
    """How long a provider may take to connect, and to send more of an answer."""
    purchase_grace_s: float = Field(default=180.0, gt=0)
    """How long a job is looked for whose creation was not answered, before it is bought anew.

    At least the lease, three request timeouts, and the time until a list shows a new job.
    """
    dispatch_interval_s: float = Field(default=0.25, gt=0)
    """How often a run worker looks for due items."""

    @classmethod
    def settings_customise_sources(  # the order is the precedence
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file over defaults."""
        del dotenv_settings, file_secret_settings
        path = find_config()
        file = (TomlConfigSettingsSource(settings_cls, toml_file=path),) if path else ()
        return (init_settings, env_settings, *file)

    @model_validator(mode="after")
    def _grace_outlasts_a_purchase(self) -> Self:
        # A request waits three times at most: to connect, to send, and for the answer.
        least = self.lease_s + 3 * self.request_timeout_s
        if self.purchase_grace_s < least:
            msg = f"purchase_grace_s must be at least lease_s + 3 request_timeout_s = {least:g}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _default_account_exists(self) -> Self:
        if self.default_account is not None and self.default_account not in self.accounts:
            known = ", ".join(sorted(self.accounts)) or "none"
            msg = f"default_account is {self.default_account!r}, but the accounts are: {known}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _built_in_scorers_stay(self) -> Self:
        taken = sorted(BUILT_IN.keys() & self.scorers.keys())
        if taken:
            msg = f"scorers: {', '.join(taken)} is there in any case: give yours another name"
            raise ValueError(msg)
        return self

    def account(self, name: str | None) -> tuple[str, Account]:
        """The named account, or the default one.

        Raises:
            ConfigurationError: it is not configured, or no name is given and none is the default.
        """
        chosen = name or self.default_account
        if chosen is None:
            raise ConfigurationError(
                "no account is named and no default_account is configured",
                hint="name one with --account, or set default_account in tuneq.toml",
            )
        if chosen not in self.accounts:
            known = ", ".join(sorted(self.accounts)) or "none"
            raise ConfigurationError(
                f"account {chosen!r} is not configured",
                hint=f"configured accounts: {known}; add [accounts.{chosen}] to {CONFIG_NAME}",
            )
        return chosen, self.accounts[chosen]


def find_config() -> Path | None:
    """`TUNEQ_CONFIG`, else `tuneq.toml` in the current folder, else in the user's config folder.

    Raises:
        ConfigurationError: `TUNEQ_CONFIG` names no file.
    """
    named = os.environ.get("TUNEQ_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ConfigurationError(
                f"no configuration file at {named}", hint="correct --config or TUNEQ_CONFIG"
            )
        return Path(named).resolve()
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for place in (Path.cwd() / CONFIG_NAME, home / "tuneq" / CONFIG_NAME):
        if place.is_file():
            return place.resolve()
    return None


def load_settings() -> Settings:
    """Read the configuration; relative paths in it become absolute.

    Raises:
        ConfigurationError: the file is not TOML, or a key or value is wrong.
    """
    path = find_config()
    try:
        settings = Settings()
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        where = f" in {path} or in TUNEQ_ variables" if path else " in TUNEQ_ variables"
        raise ConfigurationError(f"wrong configuration{where}: {describe(error)}") from error
    base = path.parent if path else Path.cwd()
    return settings.model_copy(
        update={
            "data_url": _absolute(settings.data_url, base),
            "allowed_roots": [_absolute(root, base) for root in settings.allowed_roots],
            "accounts": {
                name: account.model_copy(
                    update={"api_key_file": account.api_key_file and base / account.api_key_file}
                )
                for name, account in settings.accounts.items()
            },
        }
    )


def describe(error: ValidationError) -> str:
    """A validation error in one line: where, and what is wrong there. Values are left out."""
    parts = []
    for item in error.errors(include_url=False, include_input=False):
        place = ".".join(str(step) for step in item["loc"])
        what = "unknown field" if item["type"] == "extra_forbidden" else item["msg"]
        parts.append(f"{place}: {what}" if place else what)
    return "; ".join(parts)


def _absolute(url: str, base: Path) -> str:
    return url if "://" in url else str((base / url).resolve())
