import json
from pathlib import Path
from typing import Any

import openai
import pytest
from tests.sandbox.provider_server import ProviderServer, wait_until

USER = [{"role": "user", "content": "Options:(A) red (B) nine"}]


def line(number: int) -> str:
    body = {"model": "sandbox-base", "messages": USER}
    request = {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions"}
    return json.dumps({**request, "body": body}) + "\n"


def batch_of(client: openai.OpenAI, content: str, purpose: Any = "batch") -> Any:
    file = client.files.create(file=("b.jsonl", content.encode()), purpose=purpose)
    return client.batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id=file.id
    )


def lines_of(client: openai.OpenAI, file_id: str) -> list[Any]:
    return [json.loads(row) for row in client.files.content(file_id).text.splitlines()]


def test_a_killed_server_goes_on_and_what_is_late_expires(tmp_path: Path) -> None:
    with ProviderServer(tmp_path, seconds_per_batch_request=0.2, batch_window_s=1.1) as server:
        client = server.client()
        batch = batch_of(client, "".join(map(line, range(50))))
        server.kill()
        server.start()
        client = server.client()
        wait_until(lambda: client.batches.retrieve(batch.id).status == "expired", "it expires")
        (ended,) = client.batches.list().data
        assert ended.output_file_id
        assert ended.error_file_id
        answered = lines_of(client, ended.output_file_id)
        late = lines_of(client, ended.error_file_id)
        assert [row["custom_id"] for row in answered + late] == [str(n) for n in range(50)]
        assert len(answered) == 5
        assert {row["error"]["code"] for row in late} == {"batch_expired"}
        assert answered[0]["response"]["body"]["choices"]
        with pytest.raises(openai.BadRequestError, match="purpose"):
            batch_of(client, line(0), "fine-tune")
        twice = batch_of(client, line(0) + line(0))
        failed = client.batches.retrieve(twice.id)
        assert failed.status == "failed"
        assert failed.errors
        assert failed.errors.data
        assert (failed.errors.data[0].line, failed.errors.data[0].code) == (
            2,
            "duplicate_custom_id",
        )
