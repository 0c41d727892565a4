"""What lets requests in at an account: a key, or a token that is renewed while it is used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Credential(Protocol):
    """Several threads may use it at once."""

    @property
    def secret(self) -> str:
        """What must be shown nowhere; empty while there is none."""

    @property
    def stale(self) -> bool:
        """Whether the next headers take time, because somebody else must be asked for them."""

    def headers(self) -> Mapping[str, str]:
        """The headers of the next request.

        Raises:
            ProviderError: there are none to be had.
        """


@dataclass(frozen=True, slots=True)
class Bearer:
    """A key in the header that OpenAI's servers and their likes read."""

    secret: str = field(repr=False)
    stale: bool = field(default=False, init=False)

    def headers(self) -> Mapping[str, str]:
        """The same for every request."""
        return {"Authorization": f"Bearer {self.secret}"}
