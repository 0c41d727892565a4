"""The face of Fireworks: datasets, supervised fine-tuning jobs, deployments, models and chat."""

from tuneq_sandbox.provider.faces.face import Face
from tuneq_sandbox.provider.faces.fireworks.errors import shaped
from tuneq_sandbox.provider.faces.fireworks.models import called
from tuneq_sandbox.provider.faces.fireworks.names import ACCOUNT, SIGNED
from tuneq_sandbox.provider.faces.fireworks.routing import routes

FACE = Face(
    routes=routes,
    path="",
    demo_model="accounts/fireworks/models/qwen3-8b",
    options={"account_id": ACCOUNT},
    called=called,
    error=shaped,
    signed=SIGNED,
)
