"""`tuneq sweep`: a grid as runs of one group, and what it may cost."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.producer.producer_site import Site

PRICES = """
[accounts.main.prices."b"]
input = 1000.0
output = 2000.0
[accounts.main.prices."ft:m"]
input = 10.0
output = 20.0
batch_discount = 0.25
[accounts.other.prices."b"]
input = 1.0
output = 1.0
"""


def sweep(site: Site, *words: object) -> Any:
    train = site.data("t.jsonl", 40)
    return site.tuneq("sweep", "--name", "g", "--train", train, "--model", "m", *words)


def configure(site: Site, words: str, first: str = "") -> None:
    path = site.folder / "tuneq.toml"
    path.write_text(f"{first}\n{path.read_text()}{words}\n")


def rehearsed(site: Site, *words: object) -> dict[str, Any]:
    result = sweep(site, *words, "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def names(site: Site) -> set[str]:
    return {site.run(run).name for run in site.runs()}


def test_every_point_is_a_run_of_the_group(site: Site) -> None:
    result = sweep(site, "--samples", "10,20", "--epochs", "3,4", "--seeds", "1,2", "--json")
    assert result.exit_code == 0, result.stderr
    made = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["group"] for line in made} == {"g"}
    assert [line["name"] for line in made][:3] == [
        "m-samples-10-epochs-3-seed-1",
        "m-samples-10-epochs-3-seed-2",
        "m-samples-10-epochs-4-seed-1",
    ]
    assert len(made) == 8
    request = site.run(made[1]["run"]).request
    assert request.samples is not None
    assert (request.seed, request.samples.n, request.samples.seed) == (2, 10, 2)
    assert request.method.supervised.hyperparameters.n_epochs == 3


def test_the_same_command_again_adds_only_what_is_new(site: Site) -> None:
    first = sweep(site, "--samples", "10")
    again = sweep(site, "--samples", "10,20,10", "--model", "m2", "--json")
    created = {json.loads(line)["name"]: json.loads(line) for line in again.stdout.splitlines()}
    assert created["m-samples-10"] == {
        "run": first.stdout.strip(), "name": "m-samples-10", "group": "g", "created": False,
    }  # fmt: skip
    assert [name for name, each in created.items() if each["created"]] == [
        "m-samples-20",
        "m2-samples-10",
        "m2-samples-20",
    ]
    assert rehearsed(site, "--samples", "10,20,30")["known"] == 2
    assert len(site.runs()) == 4


def test_other_hyperparameters_are_axes_too(site: Site) -> None:
    configure(site, '[accounts.neb]\ndialect = "nebius"\nbase_url = "https://n.invalid"')
    words = ("--account", "neb", "--hyperparameter", "lora_r=8,16", "--hyperparameter", "lora=true")
    assert sweep(site, *words, "--learning-rate-multiplier", "auto").exit_code == 2
    assert sweep(site, *words).exit_code == 0
    assert names(site) == {"m-lora_r-8-lora-true", "m-lora_r-16-lora-true"}


def test_a_name_can_be_made_of_any_model(site: Site) -> None:
    long = "a/" * 90
    assert sweep(site, "--model", f"acc/models/x,{long}m,{long}n").exit_code == 0
    assert {"m", "acc-models-x"} < names(site)
    assert sorted(map(len, names(site))) == [1, 12, 128, 128]


def file(site: Site, text: str) -> Path:
    folder = site.folder / "inner"
    folder.mkdir()
    Site(folder).data("t.jsonl")
    Site(folder).data("e.jsonl")
    path = folder / "sweep.toml"
    path.write_text(text)
    return path


def test_a_file_says_the_same(site: Site) -> None:
    path = file(
        site,
        'name = "g"\ntrain = "t.jsonl"\nevaluate = "e.jsonl"\nmodel = "m"\nsamples = [10, 20]\n'
        'epochs = 3\nscorer = "choice"\nmax_tokens = 8\nprompt = "Q: {input}"\n'
        'baseline = ["b:2", {model = "x@y", shots = 1, account = "other"}]\n[label]\nteam = "qa"\n',
    )
    result = site.tuneq("sweep", "--file", path, "--epochs", "4", "--seeds", "7")
    assert result.exit_code == 0, result.stderr
    assert names(site) == {"m-samples-10-epochs-4-seed-7", "m-samples-20-epochs-4-seed-7"}
    request = site.run(result.stdout.split()[0]).request
    assert request.evaluation is not None
    asked = request.evaluation
    assert (asked.scorer, asked.max_tokens, asked.prompt) == ("choice", 8, "Q: {input}")
    assert [(b.model, b.shots, b.account) for b in asked.baselines] == [
        ("b", 2, None),
        ("x@y", 1, "other"),
    ]
    assert request.labels == {"team": "qa"}


def test_a_text_of_a_file_stays_a_text(site: Site) -> None:
    text = 'name = "g"\ntrain = "t.jsonl"\nevaluate = "e.jsonl"\nmodel = "m"\nscorer = "regex"\n'
    path = file(site, f'{text}[scorer_option]\npattern = "1"\ngroup = 0\n')
    result = site.tuneq("sweep", "--file", path)
    assert result.exit_code == 0, result.stderr
    (run,) = site.runs()
    asked = site.run(run).request.evaluation
    assert asked is not None
    assert asked.scorer_options == {"pattern": "1", "group": 0}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("sample = 1", "unknown key sample (did you mean samples?)"),
        ("dry_run = true", "unknown key dry_run"),
        ("samples = ['few']", "'few' is not a valid integer"),
        ("name = ", "is not TOML"),
        ("baseline = [{model = 'b', shot = 1}]", "shot: unknown field (did you mean shots?)"),
    ],
)
def test_what_the_file_may_not_say_is_named(site: Site, text: str, complaint: str) -> None:
    path = file(site, text)
    words = ("--name", "g", "--train", path.parent / "t.jsonl", "--model", "m")
    result = site.tuneq("sweep", "--file", path, *words, "--evaluate", path.parent / "e.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr
    assert site.runs() == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--samples", "10,,20"), "empty value"),
        (("--samples", "10,41"), "m-samples-41: samples.n is 41"),
        (("--hyperparameter", "lora_r"), "NAME=VALUE"),
        (("--baseline", "b"), "needs '--evaluate'"),
        (("--budget", "0"), "--budget"),
        (("--learning-rate-multiplier", "inf"), "finite number"),
    ],
)
def test_wrong_usage_makes_nothing(site: Site, words: tuple[str, ...], complaint: str) -> None:
    result = sweep(site, *words)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert site.runs() == []


def test_a_rehearsal_counts_what_is_shared_once(site: Site) -> None:
    configure(site, PRICES)
    evaluated = ("--evaluate", site.data("e.jsonl"), "--max-tokens", 8, "--baseline", "b:2")
    told = rehearsed(site, "--samples", "10,20", *evaluated, "--baseline", "b@other", "--limit", 5)
    assert (told["runs"], told["known"], told["groups"]) == (2, 0, {"g": 2})
    small, large = told["trainings"]
    assert (small["samples"], large["samples"]) == (10, 20)
    assert large["tokens"] == pytest.approx(2 * small["tokens"], abs=3)
    assert told["cost_usd"] == pytest.approx(told["training_tokens"] / 10_000)
    tuned, shot, other = told["evaluations"]
    assert (tuned["role"], tuned["evaluations"]) == ("tuned", 2)
    assert (shot["role"], shot["shots"], shot["evaluations"]) == ("baseline", 2, 1)
    assert (other["account"], other["shots"], other["evaluations"]) == ("other", 0, 1)
    assert {each["output_tokens"] for each in told["evaluations"]} == {5 * 8}
    assert shot["input_tokens"] == pytest.approx(3 * tuned["input_tokens"], rel=0.1)
    paid = 2 * (10 * tuned["input_tokens"] + 20 * 40) + 1000 * shot["input_tokens"] + 2000 * 40
    paid += other["input_tokens"] + 40
    assert told["evaluation_usd"] == pytest.approx(paid / 1e6)
    assert told["total_usd"] == pytest.approx(told["cost_usd"] + told["evaluation_usd"])
    assert told["groups_usd"] == {"g": pytest.approx(told["total_usd"])}
    batch = rehearsed(site, "--samples", "10,20", *evaluated, "--mode", "batch", "--limit", 5)
    assert batch["evaluations"][0]["usd"] == pytest.approx(0.75 * tuned["usd"])
    shown = sweep(site, "--samples", "10,20", *evaluated, "--dry-run").stdout
    assert "1 x m, 10 samples, 3 epochs" in shown
    assert "2 x tuned m at main" in shown
    assert site.runs() == []


def test_over_the_budget_nothing_is_made(site: Site) -> None:
    configure(site, PRICES)
    words = ("--samples", "10,20", "--evaluate", site.data("e.jsonl"), "--baseline", "b")
    whole = rehearsed(site, *words)["total_usd"]
    refused = sweep(site, *words, "--budget", 0.99 * whole, "--json")
    assert refused.exit_code == 2
    assert json.loads(refused.stdout)["error"]["code"] == "over_budget"
    assert (site.runs(), (site.folder / "tuneq-data").exists()) == ([], False)
    dry = sweep(site, *words, "--budget", 0.99 * whole, "--dry-run", "--json")
    assert (dry.exit_code, json.loads(dry.stdout)["over_budget"]) == (2, True)
    assert "over the budget" in dry.stderr
    made = sweep(site, *words, "--budget", 1.01 * whole)
    assert made.exit_code == 0
    assert len(site.runs()) == 2
    assert "the budget counts 3; --epochs says how many" in made.stderr
    # Nothing is bought by what is there already.
    again = sweep(site, *words, "--budget", 0.99 * whole)
    assert (again.exit_code, again.stdout) == (0, made.stdout)


def test_a_budget_that_is_no_number_allows_nothing(site: Site) -> None:
    assert sweep(site, "--budget", "nan").exit_code == 2
    assert site.runs() == []


def test_a_budget_needs_prices(site: Site) -> None:
    words = ("--samples", "10,20", "--evaluate", site.data("e.jsonl"), "--budget", 1000)
    refused = sweep(site, *words)
    assert refused.exit_code == 2
    assert "no price for the answers of main/m is configured" in refused.stderr
    assert site.runs() == []


def test_a_budget_that_no_worker_looks_at_needs_them_for_one_run_too(site: Site) -> None:
    words = ("--train", site.data("t.jsonl"), "--model", "unpriced", "--budget", 1000)
    assert site.tuneq("sweep", "--name", "g", *words).exit_code == 2
    row = {"model": "unpriced", "training_file": "t.jsonl"}
    (site.folder / "m.jsonl").write_text(json.dumps(row))
    manifest = ("--manifest", site.folder / "m.jsonl", "--budget", 1000)
    assert site.tuneq("submit", *manifest).exit_code == 2
    assert site.runs() == []
    assert site.tuneq("submit", *words).exit_code == 0
    assert [site.run(run).request.budget_usd for run in site.runs()] == [1000.0]


def test_a_baseline_of_several_groups_is_told_once(site: Site) -> None:
    configure(site, PRICES)
    site.data("t.jsonl")
    site.data("e.jsonl")
    asked = {"dataset": "e.jsonl", "baselines": [{"model": "b"}]}
    row = {"model": "m", "training_file": "t.jsonl", "evaluation": asked}
    rows = [json.dumps({**row, "group": group}) for group in "gh"]
    (site.folder / "m.jsonl").write_text("\n".join(rows))
    dry = site.tuneq("submit", "--manifest", site.folder / "m.jsonl", "--dry-run", "--json")
    told = [each for each in json.loads(dry.stdout)["evaluations"] if each["role"] == "baseline"]
    assert [(each["group"], each["evaluations"]) for each in told] == [("g", 1)]


def test_a_manifest_has_a_budget_for_the_whole(site: Site) -> None:
    site.data("t.jsonl")
    row = {"model": "m", "training_file": "t.jsonl", "budget_usd": 50.0}
    rows = [json.dumps({**row, "name": f"n{n}"}) for n in range(2)]
    (site.folder / "m.jsonl").write_text("\n".join(rows))
    words = ("submit", "--manifest", site.folder / "m.jsonl", "--budget")
    refused = site.tuneq(*words, 0.001)
    assert (refused.exit_code, site.runs()) == (2, [])
    made = site.tuneq(*words, 50)
    assert [site.run(run).request.budget_usd for run in made.stdout.split()] == [50.0, 50.0]


def test_above_a_sum_somebody_is_asked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(site, "", "confirm_above_usd = 0.001")
    refused = sweep(site, "--samples", "10,20")
    assert refused.exit_code == 2
    assert "confirm_above_usd is 0.0010" in refused.stderr
    assert "--yes" in refused.stderr
    assert site.runs() == []
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return len(asked) > 1

    monkeypatch.setattr("tuneq_producer.submission.spending.is_terminal", lambda: True)
    monkeypatch.setattr("tuneq_producer.submission.spending.click.confirm", answer)
    assert (sweep(site, "--samples", "10").exit_code, site.runs()) == (2, [])
    assert sweep(site, "--samples", "10").exit_code == 0
    assert sweep(site, "--samples", "10").exit_code == 0  # it is there: nothing is asked
    assert len(asked) == 2
    assert sweep(site, "--samples", "10,20", "--yes").exit_code == 0
    assert len(site.runs()) == 2
