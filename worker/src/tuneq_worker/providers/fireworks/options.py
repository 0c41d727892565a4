"""What `[accounts.x.options]` may say of a Fireworks account."""

from pydantic import BaseModel, ConfigDict, Field


class FireworksOptions(BaseModel):
    """Whose account it is, and how its tuned models are deployed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """As in `accounts/<account_id>/models/...`."""
    deployment_shape: str = Field(default="default", min_length=1)
    """A tested set of hardware and settings; by default Fireworks chooses one for the model."""
    min_replicas: int = Field(default=0, ge=0)
    """0: a deployment that nobody asks anything for a while costs nothing until it is asked."""
    max_replicas: int = Field(default=1, ge=1)
    scale_to_zero_s: int = Field(default=600, ge=300)
    """How long that while is, in seconds."""
