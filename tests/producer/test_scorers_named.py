"""Scorers as commands and manifests name them, with their options."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.producer.producer_site import Site

from tuneq_shared.data.digest import sha256_of_stream
from tuneq_shared.domain.evaluation import Evaluation, EvaluationSpec
from tuneq_shared.domain.item import Queue
from tuneq_shared.domain.record import load
from tuneq_shared.domain.request import EvaluationRequest
from tuneq_shared.ports.fleet import WorkerInfo

SPEC = EvaluationSpec(
    account="main",
    model="m",
    dataset="d",
    dataset_digest="d",
    scorer="choice",
    max_tokens=8,
    temperature=0.0,
)


def wanted(site: Site, run: str) -> EvaluationRequest:
    evaluation = site.run(run).request.evaluation
    assert evaluation is not None
    return evaluation


def flags(site: Site, *words: str) -> list[object]:
    files = ["--train", site.data("t.jsonl"), "--evaluate", site.data("e.jsonl")]
    return [*files, "--model", "m", *words]


def evaluator(site: Site, *scorers: str) -> None:
    worker = WorkerInfo(
        name="e",
        queues=(Queue.EVALUATION,),
        concurrency=1,
        accounts={"main": ""},
        version="0",
        scorers=scorers,
    )
    site.client().fleet.heartbeat(worker)


def test_options_are_given_one_by_one(site: Site) -> None:
    options = ["--scorer-option", "relative=0.01", "--scorer-option", "take=last"]
    (run,) = site.ids(*flags(site, "--scorer", "numeric", *options))
    assert wanted(site, run).scorer == "numeric"
    assert wanted(site, run).scorer_options == {"relative": 0.01, "take": "last"}


def test_a_default_that_is_said_makes_no_other_request(site: Site) -> None:
    (run,) = site.ids(*flags(site, "--scorer", "numeric"))
    again = site.ids(*flags(site, "--scorer", "numeric", "--scorer-option", "take=only"))
    assert again == [run]


def test_columns_of_a_table_are_options_too(site: Site) -> None:
    site.data("t.jsonl")
    site.data("e.jsonl")
    Path(site.folder, "m.csv").write_text(
        "model,training_file,evaluation.dataset,evaluation.scorer,"
        "evaluation.scorer_options.pattern,evaluation.scorer_options.group\n"
        'm,t.jsonl,e.jsonl,regex,"#### (\\d+)",1\n'
    )
    (run,) = site.ids("--manifest", site.folder / "m.csv")
    assert wanted(site, run).scorer_options == {"pattern": r"#### (\d+)", "group": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--scorer", "regex"], "evaluation.scorer_options.pattern: Field required"),
        (["--scorer-option", "a=1"], "evaluation.scorer_options.a: unknown field"),
        (["--scorer", "numeric", "--scorer-option", "absolute=-1"], "greater than or equal to 0"),
        (["--scorer", "os:system"], "evaluation.scorer: String should match"),
    ],
)
def test_what_no_scorer_takes_is_refused(site: Site, words: list[str], told: str) -> None:
    result = site.tuneq("submit", *flags(site, *words))
    assert result.exit_code == 2
    assert told in result.stderr
    asked = ["--model", "m", "--dataset", site.data("e.jsonl"), *words]
    result = site.tuneq("evaluate", *asked)
    assert result.exit_code == 2
    assert told.removeprefix("evaluation.") in result.stderr


def test_options_need_an_evaluation(site: Site) -> None:
    words = ["--train", site.data("t.jsonl"), "--model", "m", "--scorer-option", "a=1"]
    assert "'--scorer-option' needs '--evaluate'" in site.tuneq("submit", *words).stderr


def test_a_name_that_no_worker_knows_is_refused_where_that_is_known(site: Site) -> None:
    (run,) = site.ids(*flags(site, "--scorer", "mine"))  # nobody is there to say
    evaluator(site, "theirs")
    assert site.ids(*flags(site, "--scorer", "mine")) == [run], "the same request is the same run"
    result = site.tuneq("submit", *flags(site, "--scorer", "thiers"))
    assert result.exit_code == 2
    assert "no evaluation worker has the scorer 'thiers' (did you mean theirs?)" in result.stderr
    assert len(site.ids(*flags(site, "--scorer", "theirs", "--scorer-option", "n=1"))) == 1
    result = site.tuneq(
        "evaluate", "--model", "m", "--dataset", site.data("e.jsonl"), "--scorer", "mine"
    )
    assert result.exit_code == 2
    assert "no evaluation worker has the scorer 'mine'" in result.stderr


def test_tuneq_evaluate_asks_for_what_it_was_told(site: Site) -> None:
    dataset = site.data("e.jsonl")
    words = ["--model", "m", "--dataset", dataset, "--max-tokens", "8", "--timeout", "0"]
    options = ["--scorer", "regex", "--scorer-option", r"pattern=(\d+)"]
    assert site.tuneq("evaluate", *words, *options).exit_code == 124
    with dataset.open("rb") as file:
        digest = sha256_of_stream(file)
    spec = replace(
        SPEC,
        dataset=f"sha256:{digest}",
        dataset_digest=digest,
        scorer="regex",
        scorer_options={"pattern": r"(\d+)"},
    )
    (record,) = site.client().catalogue.read([Evaluation.item_of(spec.fingerprint())])
    assert record is not None
    assert load(record, Evaluation).spec == spec


def test_options_are_part_of_the_fingerprint_and_their_absence_is_not() -> None:
    assert SPEC.fingerprint() == "6f83d076a4958717fbee38c82ee05c09"
    one = replace(SPEC, scorer="regex", scorer_options={"pattern": "a"})
    other = replace(SPEC, scorer="regex", scorer_options={"pattern": "b"})
    assert len({each.fingerprint() for each in (SPEC, one, other)}) == 3
