"""Intake: requests parsed, resolved, and made items that can be read back."""

import json
from pathlib import Path
from typing import Any

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_shared.data_root import DataRoot
from tuneq_shared.domain.lifecycle import RunStage
from tuneq_shared.domain.record import Record, load
from tuneq_shared.domain.request import MAX_REQUEST_BYTES, FineTuneRequest
from tuneq_shared.domain.run import Run
from tuneq_shared.errors import ConfigurationError, InvalidInputError, NotFoundError
from tuneq_shared.intake import ForeignDoor, accept, conflict, new_run, parse_request, resolve
from tuneq_shared.ports.items import Creation
from tuneq_shared.settings import Account, Settings

DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("TUNEQ_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    accounts = {name: Account(base_url="https://example.org") for name in ("main", "other")}
    return Settings(accounts=accounts, default_account="main")


@pytest.fixture
def data(tmp_path: Path) -> DataRoot:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "t.jsonl").write_text("{}\n")
    return DataRoot(str(tmp_path / "root"), ["memory://allowed"])


def request(**fields: Any) -> FineTuneRequest:
    return parse_request({"model": "m", "training_file": "data:t.jsonl", **fields})


@pytest.mark.parametrize(
    ("given_request", "complaint"),
    [
        (b"{", "not JSON"),
        (b"[]", "a request is a JSON object"),
        (b"{}", "model: Field required; training_file: Field required"),
        ({"modell": "m"}, r"modell: unknown field \(did you mean model\?\)"),
        ({"samples": {"m": 3}}, r"samples\.m: unknown field"),
        (
            {"evaluation": {"dataset": "d", "baselines": [{"model": "b", "shot": 1}]}},
            r"evaluation\.baselines\.0\.shot: unknown field \(did you mean shots\?\)",
        ),
        (
            {"method": {"supervised": {"hyperparameters": {"n_epoch": 1}}}},
            r"n_epoch: unknown field \(did you mean n_epochs\?\)",
        ),
        ({"wholly_strange": 1}, "wholly_strange: unknown field$"),
        ({"labels": {"a": "x" * MAX_REQUEST_BYTES}}, "larger than"),
        (b" " * (MAX_REQUEST_BYTES + 1), "larger than"),
        ({"labels": [[[[[[[[[1]]]]]]]]]}, "nested deeper"),
        ({"seed": 2**70}, "cannot be written as JSON"),
        ({1: 2}, "cannot be written as JSON"),
        ({"model": "\ud800"}, "cannot be written as JSON"),
    ],
)
def test_what_is_no_request_is_refused_with_its_fault(given_request: Any, complaint: str) -> None:
    with pytest.raises(InvalidInputError, match=complaint) as caught:
        parse_request(given_request)
    assert caught.value.hint


def test_json_and_mappings_are_read_alike() -> None:
    mapping = {"model": "m", "training_file": DIGEST, "seed": 3}
    assert parse_request(json.dumps(mapping)) == parse_request(mapping)
    assert parse_request(json.dumps(mapping).encode()) == parse_request(mapping)


def test_the_account_is_resolved(settings: Settings, data: DataRoot) -> None:
    assert resolve(request(), settings, ForeignDoor(data)).account == "main"
    assert resolve(request(account="other"), settings, ForeignDoor(data)).account == "other"
    with pytest.raises(ConfigurationError, match="nobody"):
        resolve(request(account="nobody"), settings, ForeignDoor(data))


def test_naming_the_default_account_makes_no_other_run(settings: Settings, data: DataRoot) -> None:
    door = ForeignDoor(data)
    named = accept(request(account="main"), settings, door)
    unnamed = accept(request(), settings, door)
    assert named == unnamed


def test_a_foreign_door_takes_what_all_can_open(settings: Settings, data: DataRoot) -> None:
    with fsspec.open("memory://allowed/t.jsonl", "wb") as file:
        file.write(b"{}\n")
    for reference in ("data:t.jsonl", "memory://allowed/t.jsonl", "file-abc"):
        accept(request(training_file=reference), settings, ForeignDoor(data))


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("t.jsonl", InvalidInputError),
        ("/etc/passwd", InvalidInputError),
        ("data:../root/t.jsonl", InvalidInputError),
        ("file:///etc/passwd", InvalidInputError),
        ("sha256:123", InvalidInputError),
        ("data:absent.jsonl", NotFoundError),
        (DIGEST, NotFoundError),
    ],
)
def test_a_foreign_door_refuses_all_else(
    settings: Settings, data: DataRoot, reference: str, error: type[Exception]
) -> None:
    for fields in (
        {"training_file": reference},
        {"validation_file": reference},
        {"evaluation": {"dataset": reference}},
    ):
        with pytest.raises(error):
            accept(request(**fields), settings, ForeignDoor(data))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"samples": {"n": 20}}, "samples"),
        ({"budget_usd": 1}, "budget_usd"),
        (
            {"evaluation": {"dataset": "data:t.jsonl", "baselines": [{"model": "b", "shots": 1}]}},
            "shots",
        ),
        ({"evaluation": {"dataset": "file-abc"}}, "evaluation.dataset"),
    ],
)
def test_what_needs_the_content_is_refused_with_the_providers_own_file(
    settings: Settings, data: DataRoot, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInputError, match=named):
        accept(request(training_file="file-abc", **fields), settings, ForeignDoor(data))


@pytest.mark.parametrize(
    "labels", [{str(n): "" for n in range(17)}, {"": "x"}, {"n" * 65: ""}, {"n": "x" * 513}]
)
def test_labels_are_bounded(settings: Settings, data: DataRoot, labels: dict[str, str]) -> None:
    with pytest.raises(InvalidInputError, match="labels"):
        accept(request(labels=labels), settings, ForeignDoor(data))


def test_the_item_says_all_that_the_store_needs(settings: Settings, data: DataRoot) -> None:
    new = accept(request(name="n", group="g", priority="high"), settings, ForeignDoor(data))
    assert (new.stage, new.group, new.name, new.rank) == (RunStage.SUBMITTED, "g", "n", 0)
    unnamed = accept(request(), settings, ForeignDoor(data))
    assert (unnamed.group, unnamed.name, unnamed.rank) == ("default", unnamed.item.key, 1)


def test_refusals_of_the_store_are_told(settings: Settings, data: DataRoot) -> None:
    new = accept(request(name="n", group="g"), settings, ForeignDoor(data))
    assert conflict(new, Creation.CREATED) is None
    assert conflict(new, Creation.EXISTS) is None
    taken, other = conflict(new, Creation.NAME_TAKEN), conflict(new, Creation.OTHER_CONTENT)
    assert taken is not None
    assert other is not None
    assert "group g has another run of the name n" in taken.message
    assert new.item.key in other.message


NAMES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:@+-]{0,20}\Z")
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
REQUESTS = st.fixed_dictionaries(
    {"model": TEXTS, "training_file": TEXTS},
    optional={
        "validation_file": TEXTS,
        "name": NAMES,
        "group": NAMES,
        "account": NAMES,
        "suffix": TEXTS,
        "seed": st.integers(-(2**63), 2**63 - 1),
        "samples": st.fixed_dictionaries(
            {"n": st.integers(1, 10**6)}, optional={"seed": st.integers(0, 9)}
        ),
        "method": st.fixed_dictionaries(
            {},
            optional={
                "supervised": st.fixed_dictionaries(
                    {},
                    optional={
                        "hyperparameters": st.fixed_dictionaries(
                            {},
                            optional={
                                "n_epochs": st.integers(1, 50) | st.just("auto"),
                                "learning_rate_multiplier": st.floats(0.001, 10),
                            },
                        )
                    },
                )
            },
        ),
        "evaluation": st.fixed_dictionaries(
            {"dataset": TEXTS},
            optional={
                "scorer": st.sampled_from(["choice", "exact"]),
                "temperature": st.floats(0, 2),
                "baselines": st.lists(
                    st.fixed_dictionaries(
                        {"model": TEXTS}, optional={"shots": st.integers(0, 100)}
                    ),
                    max_size=3,
                ),
            },
        ),
        "budget_usd": st.floats(0.01, 1e6),
        "labels": st.dictionaries(TEXTS, TEXTS, max_size=4),
        "priority": st.sampled_from(["high", "normal", "low"]),
        "idempotency_key": TEXTS,
    },
)


@given(REQUESTS)
def test_what_is_stored_is_the_request_again(mapping: dict[str, Any]) -> None:
    parsed = parse_request(mapping)
    new = new_run(parsed)
    stored = json.loads(json.dumps({"fixed": new.fixed, "doc": new.doc}))
    record = Record(item=new.item, stage=new.stage, created_at=1.5, **stored)
    run = load(record, Run)
    assert run.request == parsed
    assert (run.id, run.name, run.created_at) == (new.item.key, new.name, 1.5)
    assert run.request.digest() == new.digest
    assert parse_request(parsed.model_dump(mode="json")) == parsed


def baselines(*accounts: str | None) -> dict[str, Any]:
    asked = [{"model": "b", **({"account": name} if name else {})} for name in accounts]
    return {"dataset": "data:t.jsonl", "baselines": asked}


def test_a_baseline_may_be_asked_at_any_configured_account(
    settings: Settings, data: DataRoot
) -> None:
    door = ForeignDoor(data)
    named = resolve(request(evaluation=baselines("main", "other")), settings, door)
    silent = resolve(request(evaluation=baselines(None, "other")), settings, door)
    assert named.identity() == silent.identity()
    assert named.evaluation is not None
    assert [each.account for each in named.evaluation.baselines] == [None, "other"]
    with pytest.raises(ConfigurationError, match="'third' is not configured"):
        resolve(request(evaluation=baselines("third")), settings, door)


def test_a_baseline_is_asked_in_batches_where_there_are_any(
    settings: Settings, data: DataRoot
) -> None:
    other = settings.accounts["other"]
    without = other.model_copy(
        update={"capabilities": other.capabilities.model_copy(update={"batch": False})}
    )
    settings = settings.model_copy(update={"accounts": {**settings.accounts, "other": without}})
    asked = {**baselines("other"), "mode": "batch"}
    with pytest.raises(InvalidInputError, match="account other: an evaluation in batches"):
        resolve(request(evaluation=asked), settings, ForeignDoor(data))
