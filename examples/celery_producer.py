"""Submit requests from any Celery application, without tuneq: the task is called by its name.

    python examples/celery_producer.py requests.jsonl

One JSON object a line. TUNEQ_REDIS_URL and TUNEQ_KEY_PREFIX say where to, as for tuneq itself.
"""

import json
import os
import sys
from pathlib import Path

from celery import Celery


def make_app(redis_url: str, key_prefix: str) -> Celery:
    """An application that shares the broker with tuneq's workers."""
    app = Celery("shop", broker=redis_url)
    app.conf.update(
        # What the workers' own keys begin with: without it they would not see a message.
        broker_transport_options={"global_keyprefix": f"{key_prefix}:celery:"},
        task_serializer="json",
        task_ignore_result=True,
    )
    return app


def main() -> None:
    """Send a task for each line."""
    app = make_app(
        os.environ.get("TUNEQ_REDIS_URL", "redis://127.0.0.1:6379/0"),
        os.environ.get("TUNEQ_KEY_PREFIX", "tuneq"),
    )
    lines = [line for line in Path(sys.argv[1]).read_text("utf-8").splitlines() if line.strip()]
    for line in lines:
        app.send_task("tuneq.submit", args=[json.loads(line)], queue="runs")
    print(f"{len(lines)} requests sent")


if __name__ == "__main__":
    main()
