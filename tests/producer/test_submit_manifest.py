"""`tuneq submit --manifest`: all or nothing, and the same whatever the format."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.producer.producer_site import Site

from tuneq_producer.manifest.reading import read_manifest
from tuneq_producer.manifest.row import Row
from tuneq_producer.submission.creating import create_runs
from tuneq_producer.submission.door import ClientDoor
from tuneq_producer.submission.kept_runs import keeping
from tuneq_producer.submission.planning import Plan, make_plan
from tuneq_shared.domain.item import ItemId, Kind
from tuneq_shared.domain.record import load
from tuneq_shared.domain.run import Run

REQUESTS = [
    {
        "name": f"n{n}",
        "group": "g",
        "model": "m",
        "training_file": "t.jsonl",
        "seed": n,
        "method": {"supervised": {"hyperparameters": {"n_epochs": 3}}},
        "evaluation": {"dataset": "e.jsonl", "baselines": [{"model": "b", "shots": 2}]},
    }
    for n in range(3)
]
CSV = """\
name,group,model,training_file,seed,method.supervised.hyperparameters.n_epochs,\
evaluation.dataset,evaluation.baselines.0.model,evaluation.baselines.0.shots,suffix
n0,g,m,t.jsonl,0,3,e.jsonl,b,2,
n1,g,m,t.jsonl,1,3,e.jsonl,b,2,

n2,g,m,t.jsonl,2,3,e.jsonl,b,2,
"""
YAML = "".join(f"- {json.dumps(request)}\n" for request in REQUESTS)
JSONL = "".join(json.dumps(request) + "\n" for request in REQUESTS)
TOML = "".join(
    f"""[[request]]
name = "n{n}"
group = "g"
model = "m"
training_file = "t.jsonl"
seed = {n}
[request.method.supervised.hyperparameters]
n_epochs = 3
[request.evaluation]
dataset = "e.jsonl"
baselines = [{{model = "b", shots = 2}}]
"""
    for n in range(3)
)


def write(site: Site, name: str, text: str) -> Path:
    folder = site.folder / "manifests"
    folder.mkdir(exist_ok=True)
    inner = Site(folder)
    inner.data("t.jsonl")
    inner.data("e.jsonl")
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [("m.jsonl", JSONL), ("m.csv", CSV), ("m.yaml", YAML), ("m.toml", TOML)],
)
def test_every_format_makes_the_same_runs(site: Site, name: str, text: str) -> None:
    ids = site.ids("--manifest", write(site, name, text))
    again = site.ids("--manifest", write(site, "other.jsonl", JSONL))
    assert ids == again
    assert len(set(ids)) == 3
    assert site.run(ids[2]).request.seed == 2


def test_the_json_lines_are_in_the_order_of_the_rows(site: Site) -> None:
    result = site.tuneq("submit", "--manifest", write(site, "m.jsonl", JSONL), "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["name"] for row in rows] == ["n0", "n1", "n2"]
    assert all(row["created"] and row["group"] == "g" for row in rows)


def test_one_wrong_row_and_nothing_is_created(site: Site) -> None:
    wrong = [
        {**REQUESTS[0], "trainin_file": "t.jsonl"},
        REQUESTS[1],
        {**REQUESTS[2], "training_file": "absent.jsonl"},
    ]
    text = "".join(json.dumps(request) + "\n" for request in wrong) + "\n{not json\n"
    path = write(site, "m.jsonl", text)
    result = site.tuneq("submit", "--manifest", path)
    assert result.exit_code == 2
    assert f"{path}:1: row 1: trainin_file: unknown field (did you mean training_file?)" in (
        result.stderr
    )
    assert f"{path}:3: row 3: " in result.stderr
    assert f"{path}:5: row 4: " in result.stderr
    assert "row 2" not in result.stderr
    assert site.runs() == []
    assert not (site.folder / "tuneq-data").exists()


def test_no_more_than_twenty_faults_are_listed(site: Site) -> None:
    path = write(site, "m.jsonl", '{"model": "m"}\n' * 50)
    result = site.tuneq("submit", "--manifest", path)
    assert result.stderr.count("training_file: Field required") == 20


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        ({**REQUESTS[1], "name": "n0"}, "row 2: row 1 has the same name, n0, in group g"),
        ({**REQUESTS[1], "idempotency_key": "k"}, "row 2: row 1 has the same idempotency key"),
    ],
)
def test_rows_must_not_contradict_each_other(
    site: Site, second: dict[str, object], complaint: str
) -> None:
    rows = [{**REQUESTS[0], "idempotency_key": "k"}, second]
    path = write(site, "m.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    result = site.tuneq("submit", "--manifest", path)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert site.runs() == []


def test_a_row_that_comes_twice_is_one_run(site: Site) -> None:
    ids = site.ids("--manifest", write(site, "m.jsonl", JSONL + JSONL))
    assert ids[:3] == ids[3:]
    assert len(site.runs()) == 3


def test_a_stored_name_is_found_before_anything_is_created(site: Site) -> None:
    site.ids("--train", site.data("t.jsonl"), "--model", "m", "--group", "g", "--name", "n2")
    result = site.tuneq("submit", "--manifest", write(site, "m.jsonl", JSONL))
    assert result.exit_code == 2
    assert "row 3: group g has another run of the name n2" in result.stderr
    assert len(site.runs()) == 1


def test_a_sample_that_is_too_large_is_told_with_its_row(site: Site) -> None:
    rows = [REQUESTS[0], {**REQUESTS[1], "samples": {"n": 21}}]
    path = write(site, "m.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    result = site.tuneq("submit", "--manifest", path)
    assert result.exit_code == 2
    assert "row 2: samples.n is 21" in result.stderr


def test_a_file_with_errors_is_told_once(site: Site) -> None:
    path = write(site, "m.jsonl", JSONL)
    with (path.parent / "t.jsonl").open("a") as file:
        file.write("not json\n")
    result = site.tuneq("submit", "--manifest", path)
    assert result.exit_code == 2
    assert result.stderr.count("t.jsonl:21: ") == 1


def test_a_rehearsal_adds_up(site: Site) -> None:
    path = write(site, "m.jsonl", JSONL)
    words = ("submit", "--manifest", path, "--dry-run", "--json")
    document = json.loads(site.tuneq(*words).stdout)
    assert (document["rows"], document["groups"], document["evaluated"]) == (3, {"g": 3}, 3)
    assert document["cost_usd"] == pytest.approx(document["training_tokens"] / 10_000)
    assert "3 rows would make 3 runs" in site.tuneq(*words[:-1]).stdout
    assert site.runs() == []


def test_a_rehearsal_counts_tokens_where_a_cost_depends_on_it(site: Site) -> None:
    pytest.importorskip("bpe_openai")
    path = write(site, "m.jsonl", JSONL.replace('"m"', '"gpt-4.1-mini"'))
    words = ("submit", "--manifest", path, "--dry-run", "--json")
    assert json.loads(site.tuneq(*words).stdout)["token_method"] == "characters/4"
    with (site.folder / "tuneq.toml").open("a") as config:
        config.write('[accounts.main.prices."gpt-4.1-mini"]\ntraining = 5.0\n')
    assert json.loads(site.tuneq(*words).stdout)["token_method"] == "o200k_base"


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("m.txt", "", "no manifest by its suffix"),
        ("m.jsonl", "", "empty"),
        ("m.jsonl", "[1]\n", "a request is a JSON object"),
        ("m.csv", "model,model\nm,m\n", "exclude each other"),
        ("m.csv", "method,method.type\nm,m\n", "exclude each other"),
        ("m.csv", "model,,x\nm,m,m\n", "column 2 has no name"),
        ("m.csv", "model,training_file\nm,t.jsonl,3\n", "m.csv:2: row 1: 3 cells"),
        ("m.csv", 'model,training_file\nm,"t.jsonl\n', "not CSV"),
        ("m.csv", "model,training_file,seed\nm,t.jsonl,one\n", "seed: "),
        ("m.yaml", "model: m\n", "not a list"),
        ("m.yaml", "- {model: m\n", "not YAML"),
        ("m.yaml", "- model: m\n  name: 2024-01-01\n", "m.yaml:1: row 1: "),
        ("m.toml", "model = 'm'\n", "[[request]]"),
        ("m.toml", "model = \n", "not TOML"),
    ],
)
def test_what_is_no_manifest_is_refused(site: Site, name: str, text: str, complaint: str) -> None:
    result = site.tuneq("submit", "--manifest", write(site, name, text))
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr
    assert "Traceback" not in result.stderr


def test_what_was_checked_is_created_whatever_becomes_of_the_manifest(site: Site) -> None:
    path = write(site, "m.jsonl", JSONL)
    client = site.client()
    door = ClientDoor(client.data, path.parent)
    with keeping() as runs:
        plan = make_plan(read_manifest(path), client.settings, door, runs.keep)
        path.unlink()
        [made] = create_runs(runs, client)
    assert [each.run for each in made] == list(plan.runs)
    read = client.catalogue.read([ItemId(Kind.RUN, run) for run in plan.runs])
    assert [load(record, Run).request.seed for record in read if record] == [0, 1, 2]


def test_many_rows_are_not_held(site: Site) -> None:
    write(site, "m.jsonl", "")
    client = site.client()
    door = ClientDoor(client.data, site.folder / "manifests")
    request = {**REQUESTS[0], "labels": {"padding": "x" * 500}}

    def rows(count: int) -> Iterator[Row]:
        for n in range(count):
            yield Row(f"row {n}", {**request, "name": f"n{n}"})

    def peak(count: int) -> tuple[int, Plan]:
        tracemalloc.start()
        with keeping() as runs:
            plan = make_plan(rows(count), client.settings, door, runs.keep)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, plan

    peak(10)
    (few, _), (many, plan) = peak(500), peak(2_500)
    assert len(plan.runs) == 2_500
    # A request alone takes some kilobytes; what is kept of it, some hundred bytes.
    assert (many - few) / 2_000 < 900
