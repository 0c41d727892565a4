"""`tuneq schema`: what a request may say, as JSON Schema."""

from typing import Any

import click
import orjson

from tuneq_shared.domain.request import FineTuneRequest

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID = "urn:tuneq:request"


@click.command(epilog="\b\nExample:\n  tuneq schema > request.schema.json")
@click.option("--json", "as_json", is_flag=True, help="It is JSON in any case.")
def schema(*, as_json: bool) -> None:
    """Print the JSON Schema of a request, the same for every door."""
    del as_json
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    """The schema, indented, with a line's end at the end."""
    document: dict[str, Any] = {"$schema": _DIALECT, "$id": _ID}
    document.update(FineTuneRequest.model_json_schema())
    document["title"] = "tuneq fine-tune request"
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(document, option=options).decode()
