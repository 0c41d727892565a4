"""What `[accounts.NAME.options]` may say of an account of the OpenAI dialect."""

from pydantic import BaseModel, ConfigDict


class OpenAIOptions(BaseModel):
    """Nothing: what such servers differ in are capabilities."""

    model_config = ConfigDict(extra="forbid", frozen=True)
