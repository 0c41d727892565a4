"""What producers, workers and foreign programs agree on beside the store's keys."""


def celery_prefix(key_prefix: str) -> str:
    """What Celery's own keys begin with."""
    return f"{key_prefix}:celery:"
