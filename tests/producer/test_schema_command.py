"""`tuneq schema`, and its copy in the documentation."""

import json
from pathlib import Path

from click.testing import CliRunner

from tuneq_producer.commands.schema import schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "request.schema.json"


def test_the_published_schema_is_the_real_one() -> None:
    result = CliRunner().invoke(schema)
    assert result.exit_code == 0
    assert result.stdout == PUBLISHED.read_text(), "run `tuneq schema > docs/request.schema.json`"


def test_unknown_fields_are_ruled_out_and_two_are_required() -> None:
    document = json.loads(PUBLISHED.read_text())
    assert document["required"] == ["model", "training_file"]
    assert document["additionalProperties"] is False
