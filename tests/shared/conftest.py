"""What tests of the store share."""

import pytest

from tuneq_shared.redis_store.catalogue import RedisCatalogue
from tuneq_shared.redis_store.connection import connect
from tuneq_shared.redis_store.items import RedisItems


@pytest.fixture
def items(redis_url: str, store_prefix: str) -> RedisItems:
    return RedisItems(connect(redis_url), store_prefix)


@pytest.fixture
def catalogue(redis_url: str, store_prefix: str) -> RedisCatalogue:
    return RedisCatalogue(connect(redis_url), store_prefix)
