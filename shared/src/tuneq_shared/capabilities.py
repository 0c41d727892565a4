"""What an account can do: one record a dialect, each field of which a configuration may correct."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Capabilities(BaseModel):
    """What differs between providers of the same shape. The defaults are those of OpenAI."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metadata: bool = True
    """Jobs keep their metadata, by which a purchase is found again."""
    plain_file_bytes: int = Field(default=512 * 10**6, gt=0)
    """The largest file that is sent in one request; a larger one is sent in parts."""
    part_bytes: int = Field(default=64 * 2**20, gt=0)
    """The size of each of those parts but the last."""
    largest_file_bytes: int = Field(default=8 * 2**30, gt=0)
    """The largest file that is sent at all."""


DIALECTS: Mapping[str, Capabilities] = {"openai": Capabilities()}
"""Every dialect that tuneq speaks. Sizes: OpenAI's API reference, files and uploads."""


def corrected(dialect: str, corrections: Mapping[str, Any]) -> dict[str, Any]:
    """A dialect's record with a configuration's corrections, not yet validated."""
    record = DIALECTS.get(dialect)
    return {**(record.model_dump() if record else {}), **corrections}
