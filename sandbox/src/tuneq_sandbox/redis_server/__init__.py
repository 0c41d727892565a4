"""The Redis that tuneq starts itself where none is configured."""

from tuneq_sandbox.redis_server.embedded import EmbeddedRedis
from tuneq_sandbox.redis_server.ensure import RunningRedis, ensure_redis

__all__ = ["EmbeddedRedis", "RunningRedis", "ensure_redis"]
