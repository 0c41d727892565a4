"""A worker without an account's key: it says so, and the account's runs wait, visibly."""

import json
from pathlib import Path

from tests.e2e.site import show, tuneq, tuneq_up, until

LINES = "".join(
    json.dumps(
        {
            "messages": [
                {"role": "user", "content": f"{n}?"},
                {"role": "assistant", "content": "yes"},
            ]
        }
    )
    + "\n"
    for n in range(12)
)


def test_runs_wait_for_a_worker_that_has_the_key(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(LINES)
    elsewhere = {
        "TUNEQ_ACCOUNTS__ELSEWHERE__BASE_URL": "http://127.0.0.1:9/v1",
        "TUNEQ_ACCOUNTS__ELSEWHERE__API_KEY_ENV": "ELSEWHERE_KEY",
    }
    folder = tmp_path / "up"
    with tuneq_up(folder, "--evaluators", 0, more=elsewhere) as ready:
        config = Path(ready["config"])
        words = ("--train", tmp_path / "train.jsonl", "--model", "m", "--account", "elsewhere")
        submitted = tuneq("submit", *words, config=config, more=elsewhere)
        assert submitted.returncode == 0, submitted.stderr
        assert "ELSEWHERE_KEY" in submitted.stderr
        run = submitted.stdout.strip()
        waiting = until(lambda: show(config, run)["waiting_for"], "the run to wait")
        assert waiting["kind"] == "account"
        assert waiting["on"] == "elsewhere"
        assert "ELSEWHERE_KEY" in waiting["reason"]
        doctor = tuneq("doctor", config=config, more=elsewhere)
        assert doctor.returncode == 1
        assert "ELSEWHERE_KEY" in doctor.stdout
        assert "ELSEWHERE_KEY" in (folder / "logs" / "worker1.log").read_text()
        assert tuneq("cancel", run, config=config, more=elsewhere).returncode == 0
        assert tuneq("wait", run, "--timeout", 60, config=config).returncode == 1
        assert show(config, run)["stage"] == "cancelled"
