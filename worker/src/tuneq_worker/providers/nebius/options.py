"""What `[accounts.NAME.options]` may say of a Nebius account."""

from pydantic import BaseModel, ConfigDict


class NebiusOptions(BaseModel):
    """Vendor specifics; all have a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_models: dict[str, str] = {}
    """By the name under which a model is tuned, the one under which its adapters are served."""
