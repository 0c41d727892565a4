"""What `[accounts.NAME.options]` may say of an Azure account."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tuneq_shared.settings import find_config

Name = Annotated[str, Field(pattern=r"^[^/?#\s]+$")]  # one part of an address
Address = Annotated[str, Field(pattern=r"^https?://[^?#\s]+$")]


class AzureOptions(BaseModel):
    """Vendor specifics. What is not secret only: tokens come from where these fields point."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entra: bool = False
    """Let in by tokens of the surroundings' identity, in place of a key."""
    entra_scope: str = "https://cognitiveservices.azure.com/.default"
    """What those tokens are good for."""
    training_type: str | None = Field(default=None, min_length=1)
    """`trainingType` of every job, such as GlobalStandard or developerTier."""
    subscription: Name | None = None
    resource_group: Name | None = None
    resource: Name | None = None
    """These three say where deployments are made."""
    sku: Name = "Standard"
    """Of a deployment."""
    capacity: int = Field(default=1, gt=0)
    """Of a deployment, in units of its sku: with Standard, thousands of tokens a minute."""
    management_url: Address = "https://management.azure.com"
    management_api_version: Name = "2024-10-01"
    management_token_env: Name | None = None
    """A variable that holds a token for the management; without it, that of the identity."""
    management_token_file: Path | None = None
    """A file that holds it, relative to the configuration file; read anew for every request."""

    @model_validator(mode="after")
    def _whole_address(self) -> Self:
        parts = (self.subscription, self.resource_group, self.resource)
        if any(parts) and not all(parts):
            raise ValueError("set all of subscription, resource_group and resource, or none")
        return self

    @property
    def token_file(self) -> Path | None:
        """The token's file; a relative path is relative to the configuration."""
        config = find_config()
        if self.management_token_file is None or config is None:
            return self.management_token_file
        return config.parent / self.management_token_file.expanduser()
