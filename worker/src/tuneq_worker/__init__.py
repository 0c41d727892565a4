"""Does the work of tuneq: tasks, stages, providers, evaluation.

`celery -A tuneq_worker worker -Q runs` finds the application through `celery` below; nothing else
is loaded until it is asked for.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name == "celery":
        from tuneq_worker.app import app  # noqa: PLC0415 - reads the configuration

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
