"""docs/producers.md says what is so."""

import base64
import hashlib
import re
from pathlib import Path

from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.request import MAX_REQUEST_BYTES, FineTuneRequest, short_id
from tuneq_shared.intake import parse_request
from tuneq_shared.intake.parse import MAX_DEPTH
from tuneq_shared.redis_store.requests import FIELD, MAX_REJECTED, rejected_key, requests_key
from tuneq_shared.wire import celery_prefix
from tuneq_worker.doors.redaction import MAX_KEPT
from tuneq_worker.tasks import SUBMIT

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "producers.md").read_text()


def test_its_names_and_numbers_are_the_codes() -> None:
    for words in (
        f"XADD {requests_key('tuneq')} * {FIELD} ",
        f"`{rejected_key('tuneq')}`",
        f"`{celery_prefix('tuneq')}`",
        f'send_task("{SUBMIT}"',
        f"{MAX_REJECTED:,}",
        f"at most {MAX_KEPT:,} characters",
        f"{MAX_REQUEST_BYTES // 1024} KiB and {MAX_DEPTH} levels",
        *(f"`{stage.value}`" for stage in RunStage),
    ):
        assert words in TEXT


def test_its_request_and_those_of_the_examples_are_valid() -> None:
    node = (ROOT / "examples" / "node" / "README.md").read_text()
    cli = (ROOT / "examples" / "redis-cli.md").read_text()
    found = re.findall(r'\{"model": "gpt[^}]*\}', TEXT + node + cli)
    assert len(found) == 3
    for text in found:
        assert isinstance(parse_request(text), FineTuneRequest)


def test_the_recipe_for_a_runs_id_is_right() -> None:
    (recipe,) = re.findall(r"```python\n(base64.*)\n```", TEXT)
    known = {"base64": base64, "hashlib": hashlib}
    assert eval(recipe, known) == short_id("order-4711")  # noqa: S307 - our own document
