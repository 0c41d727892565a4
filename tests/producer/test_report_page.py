"""`tuneq report --html` and `--png`: what the page says, and that it needs nothing else."""

import base64
import hashlib
import json
import re
import shutil
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.producer.filled_store import (
    BASE,
    evaluated_run,
    put_evaluation,
    put_run,
    run_of,
    spec_of,
)

from tuneq_producer.client import Client
from tuneq_producer.commands.report import report
from tuneq_producer.report.html.engine import page_script
from tuneq_shared.domain.evaluation import Outcome
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.errors import InvalidInputError

C, W = Outcome.CORRECT, Outcome.WRONG
EVIL = "</script><script>alert('x')</script><img src=//evil.example/x>"
STEPS = [{"step": n, "train_loss": 2 / n, "valid_loss": 2.5 / n} for n in range(1, 20)]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)

# Looks into the page from around it: its own policy allows no other script within.
FRAME = """<!doctype html><style>:root {{ color-scheme: light dark; }}</style><pre></pre>
<iframe src="{name}" width="{width}" height="900" style="border: 0"></iframe>
<script>
setTimeout(() => {{
  const page = document.querySelector("iframe").contentDocument;
  const plots = [...page.querySelectorAll("svg.marks")];
  document.querySelector("pre").textContent = JSON.stringify({{
    plots: plots.length,
    widest: Math.max(...plots.map((plot) => plot.getBoundingClientRect().width)),
    page: page.scrollingElement.scrollWidth,
    paper: getComputedStyle(page.body).backgroundColor,
    ink: getComputedStyle(plots[0].querySelector("text")).fill,
    fetched: page.defaultView.performance.getEntriesByType("resource").map((each) => each.name),
  }});
}}, 4000);
</script>"""


class Page(HTMLParser):
    """The elements of a page with their attributes, and the texts within."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.setdefault(self.elements[-1][0], []).append(data)

    def plots(self) -> list[Any]:
        kinds = [a.get("type") for tag, a in self.elements if tag == "script"]
        texts = self.texts["script"]
        return [json.loads(t) for k, t in zip(kinds, texts, strict=True) if k is not None]


@pytest.fixture(scope="module")
def script() -> str:
    """The page's own script, made once: that takes a second or two."""
    return page_script()


@pytest.fixture
def page_file(client: Client, tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page of a sweep, whose names and labels are hostile where they can be."""
    base = put_evaluation(
        client, spec_of(BASE, shots=1), outcomes=[C] * 60 + [W] * 40, cost_usd=0.125
    )
    evil = put_evaluation(client, spec_of(EVIL), outcomes=[C] * 50 + [W] * 50)
    kept = "runs/n400/a.metrics.jsonl"
    with client.data.write(kept) as file:
        file.writelines(json.dumps(step).encode() + b"\n" for step in STEPS)
    for samples, right in ((100, 72), (200, 80), (400, 85)):
        evaluated_run(
            client,
            f"n{samples}",
            samples,
            [W] * 3 + [C] * right + [W] * (97 - right),
            base,
            evil,
            labels={"note": EVIL},
            artifacts=[kept] if samples == 400 else [],
        )
    put_run(client, run_of("late", RunStage.TRAINING))
    monkeypatch.setattr("tuneq_producer.report.html.page.page_script", lambda: script)
    invoke("g", "--html", tmp_path / "report.html")
    return tmp_path / "report.html"


def test_the_page_says_what_the_report_does(page_file: Path) -> None:
    page = Page(page_file.read_text())
    words = " ".join(text for texts in page.texts.values() for text in texts)
    for said in (
        "n400 is right", "85.00 %", "the best of 3 runs", "+25.00 points",
        "28 samples fixed, 3 broken",
        "points per doubling", "forecast at 800 samples", "Tuned against baseline",
        "Against gpt-4.1-mini-2025-04-14:1, sample by sample", "Without a result: 1 of 4 runs",
        "Losses in training", "Cost against accuracy", "e" * 64, f"ft:{BASE}:n400",
        "tuneq submit --manifest",
    ):  # fmt: skip
        assert said in words
    titles = [text.strip() for text in page.texts["h2"]]
    assert len(titles) == len(set(titles))
    curve, losses, costs = page.plots()
    (measured,) = (
        layer["data"]["values"]
        for layer in curve["layer"]
        if {row.get("what") for row in layer["data"]["values"]} == {"measured"}
        and layer["mark"]["type"] == "point"
    )
    assert [(row["samples"], row["accuracy"]) for row in measured] == [
        (100, 72),
        (200, 80),
        (400, 85),
    ]
    assert measured[0]["low"] < 72 < measured[0]["high"]
    assert {row["of"] for row in losses["data"]["values"]} == {"training", "validation"}
    assert {(r["role"], r["cost"]) for r in costs["data"]["values"]} == {
        ("tuned", 0.25),
        ("baseline", 0.125),
    }


def test_nothing_of_a_user_becomes_an_element_or_a_script(page_file: Path) -> None:
    page = Page(page_file.read_text())
    tags = [tag for tag, _ in page.elements]
    assert "img" not in tags
    assert tags.count("script") == 1 + len(page.plots())
    requests = [json.loads(line) for line in "".join(page.texts["pre"]).splitlines()]
    assert [each["name"] for each in requests] == ["n100", "n200", "n400", "late"]
    assert requests[0]["labels"] == {"note": EVIL}
    assert any(EVIL in text for text in page.texts["td"])


def test_the_page_fetches_nothing_and_runs_but_its_own_script(page_file: Path) -> None:
    text = page_file.read_text()
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert not {"src", "href", "srcset", "data", "action"} & attributes.keys()
    assert not re.search(r"@import|url\(", "".join(page.texts["style"]))
    (policy,) = (a["content"] or "" for _, a in page.elements if "http-equiv" in a)
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'"
    )
    assert len(text) < 1_200_000


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(
    ("width", "scheme", "paper"),
    [(390, 0, "rgb(20, 24, 28)"), (1100, 1, "rgb(255, 255, 255)")],
    ids=["phone, dark", "desk, light"],
)
def test_a_browser_draws_it(page_file: Path, width: int, scheme: int, paper: str) -> None:
    frame = page_file.with_name("frame.html")
    frame.write_text(FRAME.format(width=width, name=page_file.name))
    shown = subprocess.run(
        [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu",
            "--allow-file-access-from-files", f"--user-data-dir={page_file.parent / 'profile'}",
            f"--blink-settings=preferredColorScheme={scheme}", "--virtual-time-budget=8000",
            "--dump-dom", frame.as_uri(),
        ],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    seen = json.loads(shown.stdout.partition("<pre>")[2].partition("</pre>")[0])
    assert seen["plots"] == 3
    assert width / 2 < seen["widest"] < width
    assert seen["page"] <= width  # nothing but tables is wider, and they scroll by themselves
    assert seen["paper"] == paper
    assert seen["ink"] != paper
    assert seen["fetched"] == []


def test_the_curve_as_a_picture(client: Client, tmp_path: Path) -> None:
    put_run(client, run_of("late", RunStage.TRAINING))
    with pytest.raises(InvalidInputError, match="no curve"):
        draw(tmp_path)
    for samples, right in ((100, 72), (200, 80), (400, 100)):  # no power law for the perfect
        evaluated_run(client, f"n{samples}", samples, [C] * right + [W] * (100 - right))
    head = draw(tmp_path).read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    assert width > 1200
    assert height > 800


@pytest.mark.parametrize(("option", "module"), [("--html", "jinja2"), ("--png", "vl_convert")])
def test_without_the_extra_it_says_what_to_do(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, module: str
) -> None:
    evaluated_run(client, "r", 100, [C] * 9 + [W])
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidInputError, match="not installed") as caught:
        invoke("g", option, tmp_path / "f")
    assert caught.value.hint == "pip install 'tuneq-producer[plots]'"
    assert not (tmp_path / "f").exists()


def invoke(*words: object) -> None:
    CliRunner().invoke(report, [str(word) for word in words], catch_exceptions=False)


def draw(folder: Path) -> Path:
    invoke("g", "--png", folder / "curve.png")
    return folder / "curve.png"
