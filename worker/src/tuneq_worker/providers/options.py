"""Reading `[accounts.NAME.options]`, whose meaning only the dialect's adapter knows."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tuneq_shared.errors import ConfigurationError
from tuneq_shared.settings import Account, describe

Options = TypeVar("Options", bound=BaseModel)


def read_options(shape: type[Options], name: str, account: Account) -> Options:
    """An account's options in the shape that its dialect gives them.

    Raises:
        ConfigurationError: one is wrong or unknown; the words name its place, never its value.
    """
    try:
        return shape.model_validate(account.options)
    except ValidationError as error:
        known = ", ".join(shape.model_fields) or "none"
        failure = ConfigurationError(
            f"wrong configuration: accounts.{name}.options.{describe(error)}",
            hint=f"correct it; the options of the dialect {account.dialect} are: {known}",
        )
    raise failure
