"""Everything on one machine: Redis, the sandbox provider, run workers and evaluators."""

from tuneq_sandbox.stack.configuration import configured_redis_url
from tuneq_sandbox.stack.roles import Role, evaluators, run_workers
from tuneq_sandbox.stack.stack import Addresses, Stack

__all__ = [
    "Addresses",
    "Role",
    "Stack",
    "configured_redis_url",
    "evaluators",
    "run_workers",
]
