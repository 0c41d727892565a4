"""`tuneq prepare` as it is typed."""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tuneq_producer.commands.check import check
from tuneq_producer.commands.prepare import prepare
from tuneq_producer.prepare.template import parse_template
from tuneq_shared.errors import InvalidInputError

PROBLEM = {
    "question": "Which is longer?",
    "choices": ["an inch", "a foot", "a yard"],
    "answer": 2,
    "hint": "Measure.",
    "image": None,
    "subject": "natural science",
    "topic": "units",
}
LINE = {
    "messages": [
        {
            "role": "user",
            "content": "Context: Measure.\nQuestion: Which is longer?\n"
            "Options:(A) an inch (B) a foot (C) a yard\nAnswer:",
        },
        {"role": "assistant", "content": "C"},
    ],
    "metadata": {
        "choices": ["an inch", "a foot", "a yard"],
        "label": "natural science",
        "subject": "natural science",
    },
}


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(prepare, [str(argument) for argument in arguments])


def done(*arguments: str | Path) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.exception
    return json.loads(result.stdout)


def refused(*arguments: str | Path) -> InvalidInputError:
    error = run(*arguments).exception
    assert isinstance(error, InvalidInputError), error
    return error


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A release with a sound problem, one with an image and one without a hint or subject."""
    folder = tmp_path / "official"
    folder.mkdir()
    bare = {key: PROBLEM[key] for key in ("question", "choices", "answer")}
    problems = {"1": PROBLEM, "2": {**PROBLEM, "image": "image.png"}, "3": {**bare, "hint": ""}}
    (folder / "problems.json").write_text(json.dumps(problems))
    splits = {"val": ["3"], "train": ["1", "2", "3"], "minival": ["1"]}
    (folder / "pid_splits.json").write_text(json.dumps(splits))
    return folder


def test_the_official_release(official: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    counts = done("scienceqa", official, "--out", out)["splits"]
    assert [(count["split"], count["problems"], count["written"]) for count in counts] == [
        ("train", 3, 2),
        ("val", 1, 1),
    ]
    assert counts[0]["with_image"] == 1
    first, second = lines(out / "train.jsonl")
    assert first == LINE
    assert second["messages"][0]["content"].startswith("Context: \nQuestion: ")
    assert second["metadata"] == {"choices": PROBLEM["choices"]}
    assert sorted(path.name for path in out.iterdir()) == ["train.jsonl", "val.jsonl"]


def test_a_hint_may_be_required(official: Path, tmp_path: Path) -> None:
    result = run("scienceqa", official, "--out", tmp_path, "--require-hint", "--split", "train")
    assert lines(tmp_path / "train.jsonl") == [LINE]
    assert result.stdout.splitlines()[1].split()[:5] == ["train", "3", "1", "1", "1"]
    assert not (tmp_path / "val.jsonl").exists()


def test_a_split_is_chosen_by_name(official: Path, tmp_path: Path) -> None:
    done("scienceqa", official, "--out", tmp_path, "--split", "minival")
    assert lines(tmp_path / "minival.jsonl") == [LINE]
    error = refused("scienceqa", official, "--out", tmp_path, "--split", "dev")
    assert "'dev'" in error.message
    assert error.hint == "its splits are: train, val, minival"


@pytest.mark.parametrize("packed", [True, False])
def test_one_file_of_all_splits(tmp_path: Path, *, packed: bool) -> None:
    records = [{**PROBLEM, "split": "val"}, {**PROBLEM, "split": "train"}]
    content = "".join(json.dumps(record) + "\n" for record in records).encode()
    source = tmp_path / ("problems.jsonl.gz" if packed else "problems.jsonl")
    source.write_bytes(gzip.compress(content) if packed else content)
    done("scienceqa", source, "--out", tmp_path)
    assert lines(tmp_path / "train.jsonl") == lines(tmp_path / "val.jsonl") == [LINE]


def test_problems_of_any_texts_and_numbers_of_choices(tmp_path: Path) -> None:
    quoted = {"question": 'a "b"\\', "choices": ['"', "50%\n", "ü"], "answer": 1, "hint": "\t"}
    short = {"question": "q", "choices": ["x", "y"], "answer": 0, "topic": 'to"pic'}
    source = tmp_path / "problems.jsonl"
    problems = [{**each, "split": "train"} for each in (quoted, short)]
    source.write_text("".join(json.dumps(each) + "\n" for each in problems))
    done("scienceqa", source, "--out", tmp_path / "out")
    first, second = lines(tmp_path / "out" / "train.jsonl")
    assert first["messages"][0]["content"] == (
        'Context: \t\nQuestion: a "b"\\\nOptions:(A) " (B) 50%\n (C) ü\nAnswer:'
    )
    assert first["messages"][1] == {"role": "assistant", "content": "B"}
    assert first["metadata"] == {"choices": quoted["choices"]}
    assert second["metadata"] == {"choices": ["x", "y"], "label": 'to"pic'}


@pytest.mark.parametrize(
    ("options", "written"), [([], [6508, 2144, 2224]), (["--require-hint"], [2137, 764, 789])]
)
def test_the_reference_data(
    reference_data: Path, tmp_path: Path, options: list[str], written: list[int]
) -> None:
    counts = done("scienceqa", reference_data / "scienceqa", "--out", tmp_path, *options)["splits"]
    assert [count["written"] for count in counts] == written
    assert [len(lines(Path(count["file"]))) for count in counts] == written


def test_the_reference_table_repeats_itself_but_for_whitespace(
    reference_data: Path, tmp_path: Path
) -> None:
    for split in ("train", "test"):
        source, out = reference_data / "banking77" / f"banking77_{split}.csv", tmp_path / split
        columns = ("--prompt", "{text}", "--response", "category", "--label", "category")
        done("table", source, *columns, "--out", out)
    result = CliRunner().invoke(
        check, [str(tmp_path / "train"), "--evaluation", str(tmp_path / "test"), "--json"]
    )
    train, test = json.loads(result.stdout)["files"]
    assert (train["examples"], test["examples"]) == (10_003, 3_080)
    # Six repeat a training query but for whitespace around it, one for a space within; none does
    # so byte for byte. Counted apart from tuneq, with the csv module.
    assert test["counts"] == {"overlap_line_normalised": 7}
    assert train["counts"] == {"duplicate_normalised": 4}
    assert len(train["labels"]) == len(test["answers"]) == 77


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answer": 3}, "answer is 3, but there are 3 choices"),
        ({"answer": -1}, "answer"),
        ({"choices": []}, "choices"),
        ({"question": None}, "question"),
        ({"split": None}, "no split"),
    ],
)
def test_a_malformed_problem_is_named_and_nothing_is_written(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    source = tmp_path / "problems.jsonl"
    records = [{**PROBLEM, "split": "train"}, {**PROBLEM, "split": "train", **change}]
    source.write_text("".join(json.dumps(record) + "\n" for record in records))
    error = refused("scienceqa", source, "--out", tmp_path / "out")
    assert f"{source}:2" in error.message
    assert words in error.message
    assert not list((tmp_path / "out").glob("*"))


def test_a_release_whose_files_differ_is_refused(official: Path, tmp_path: Path) -> None:
    (official / "pid_splits.json").write_text('{"train": ["9"]}')
    assert "problem 9 is missing" in refused("scienceqa", official, "--out", tmp_path).message
    (official / "pid_splits.json").unlink()
    assert "pid_splits.json" in refused("scienceqa", official, "--out", tmp_path).message


def test_what_is_no_scienceqa_is_refused(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "missing", tmp_path / "missing.jsonl"):
        assert str(source) in refused("scienceqa", source, "--out", tmp_path).message


def test_files_are_not_overwritten_unless_forced(official: Path, tmp_path: Path) -> None:
    (tmp_path / "val.jsonl").write_text("mine")
    assert "val.jsonl exists" in refused("scienceqa", official, "--out", tmp_path).message
    assert (tmp_path / "val.jsonl").read_text() == "mine"
    assert not (tmp_path / "train.jsonl").exists()
    done("scienceqa", official, "--out", tmp_path, "--force")
    assert lines(tmp_path / "train.jsonl")[0] == LINE


TABLE = ("--prompt", "Query: {text}\n{{Intent}}:", "--response", "intent")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b'text,intent\n"a, b",007\n NA ,true\n'),
        ("t.csv", b'\xef\xbb\xbftext,intent\r\n"a, b",007\r\n NA ,true\r\n'),
        ("t.tsv", b"text\tintent\na, b\t007\n NA \ttrue\n"),
        ("t.csv.gz", gzip.compress(b'text,intent\n"a, b",007\n NA ,true\n', mtime=0)),
        (
            "t.jsonl",
            b'{"text": "a, b", "intent": "007"}\n\n{"intent": true, "text": " NA ", "n": null}',
        ),
    ],
)
def test_a_table_row_by_row(tmp_path: Path, name: str, content: bytes) -> None:
    source = tmp_path / name
    source.write_bytes(content)
    out = tmp_path / "out" / "train.jsonl"
    assert done("table", source, *TABLE, "--out", out) == {"file": str(out), "written": 2}
    assert [[message["content"] for message in line["messages"]] for line in lines(out)] == [
        ["Query: a, b\n{Intent}:", "007"],
        ["Query:  NA \n{Intent}:", "true"],
    ]


def test_a_system_message_and_a_label(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("text,intent\nhello,greet\n")
    out = tmp_path / "out.jsonl"
    result = run(
        "table", source, *TABLE, "--out", out, "--system", "Be brief.", "--label", "intent"
    )
    assert result.stdout == f"1 lines written to {out}\n"
    [line] = lines(out)
    assert line["messages"][0] == {"role": "system", "content": "Be brief."}
    assert line["metadata"] == {"label": "greet"}


def test_a_table_of_many_chunks(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("text,intent\n" + "".join(f"q{n},a{n}\n" for n in range(25_001)))
    out = tmp_path / "out.jsonl"
    assert done("table", source, *TABLE, "--out", out)["written"] == 25_001
    assert lines(out)[-1]["messages"][1]["content"] == "a25000"


@pytest.mark.parametrize("text", ['a "quote" \\\\ and\\u2028', "tab\\t", "\\x7f", "\\x00ü"])
def test_any_text_comes_out_as_it_was(tmp_path: Path, text: str) -> None:
    source, out = tmp_path / "t.jsonl", tmp_path / "out.jsonl"
    rows = [{"text": text, "intent": "plain"}, {"text": "plain", "intent": text}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done("table", source, *TABLE, "--out", out, "--system", text, "--label", "text")
    for line, row in zip(lines(out), rows, strict=True):
        system, user, assistant = (message["content"] for message in line["messages"])
        assert system == text
        assert user == f"Query: {row['text']}\n{{Intent}}:"
        assert assistant == row["intent"]
        assert line["metadata"] == {"label": row["text"]}


def test_rows_of_other_names_and_two_values_on_a_line(tmp_path: Path) -> None:
    source, out = tmp_path / "t.jsonl", tmp_path / "out.jsonl"
    source.write_text(
        '{"text": "a", "intent": "b", "c": 1}\n{"d": 1, "intent": "b", "text": "a"}\n'
    )
    assert done("table", source, *TABLE, "--out", out)["written"] == 2
    source.write_text('{"text": "a", "intent": "b"}{"text": "a", "intent": "b"}\n\n')
    words = refused("table", source, *TABLE, "--out", out, "--force").message
    assert "something follows the object" in words


def test_what_csv_leaves_open(tmp_path: Path) -> None:
    source, out = tmp_path / "t.csv", tmp_path / "out.jsonl"
    source.write_text('text,intent,text\n\n   \n"a\nb",c,d\ne,f\n')
    assert done("table", source, *TABLE, "--out", out)["written"] == 2
    assert [line["messages"][0]["content"] for line in lines(out)] == [
        "Query: a\nb\n{Intent}:",
        "Query: e\n{Intent}:",
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "text,intent\na,b\n ,c\nd,\n", "row 2 has an empty 'text'"),
        ("t.csv", "text,intent\na,b\n ,c\nd,\n", "row 3 has an empty 'intent'"),
        ("t.csv", "text,intent\na\n", "row 1 has an empty 'intent'"),
        ("t.csv", "text,intent\na,b,c\n", "is not a table"),
        ("t.csv", 'text,intent\n"a,b\n', "is not a table"),
        ("t.csv", "", "is not a table"),
        ("t.csv", "text,intent\n", "has no rows"),
        ("t.csv", "text,answer\na,b\n", "no column 'intent', which --response names"),
        ("t.csv", "query,intent\na,b\n", "no column 'text', which --prompt names"),
        ("t.jsonl", '{"text": "a", "intent": null}\n', "t.jsonl:1 has an empty 'intent'"),
        ("t.jsonl", '{"text": "a", "intent": "b"}\n{\n', "t.jsonl:2: not JSON"),
        ("t.jsonl", "[]\n", "t.jsonl:1: not an object"),
        ("t.xlsx", "", "none of .csv"),
        ("t.csv.gz", "text,intent\n", "t.csv.gz"),
    ],
)
def test_a_bad_table_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    source = tmp_path / name
    source.write_text(content)
    out = tmp_path / "out" / "train.jsonl"
    assert words in refused("table", source, *TABLE, "--out", out).message
    assert not list((tmp_path / "out").glob("*"))


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("text,answer\na,b\n")
    error = refused("table", source, *TABLE, "--out", tmp_path / "o.jsonl", "--label", "x")
    assert error.hint == "the columns are: text, answer"


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_bytes(b"text,intent\ncaf\xe9,b\n")
    assert "utf-8" in refused("table", source, *TABLE, "--out", tmp_path / "o.jsonl").message


def test_a_table_is_not_overwritten_unless_forced(tmp_path: Path) -> None:
    source, out = tmp_path / "t.csv", tmp_path / "out.jsonl"
    source.write_text("text,intent\na,b\n")
    out.write_text("mine")
    assert "exists already" in refused("table", source, *TABLE, "--out", out).message
    assert out.read_text() == "mine"
    done("table", source, *TABLE, "--out", out, "--force")
    assert len(lines(out)) == 1


def test_an_out_that_cannot_be_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "t.csv"
    source.write_text("text,intent\na,b\n")
    assert "cannot write" in refused("table", source, *TABLE, "--out", source / "o.jsonl").message


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    error = refused("table", tmp_path / "t.parquet", *TABLE, "--out", tmp_path / "o.jsonl")
    assert error.hint == "pip install 'tuneq-producer[parquet]'"


def test_parquet(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    source, out = tmp_path / "t.parquet", tmp_path / "o.jsonl"
    parquet.write_table(pa.table({"text": ["a", "b"], "intent": [7, 8]}), source)
    assert done("table", source, *TABLE, "--out", out)["written"] == 2
    assert lines(out)[1]["messages"][1]["content"] == "8"
    source.write_text("no parquet at all")
    assert "not a Parquet" in refused("table", source, *TABLE, "--out", out, "--force").message


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{a}", "x"),
        ("{a}{b c}{a}", "xyx"),
        ("{{a}} {a}}}", "{a} x}"),
        ("{a} {{{b c}}}", "x {y}"),
        ("{a:>5}", None),
        ("50% of {a}%s", "50% of x%s"),
    ],
)
def test_templates(text: str, filled: str | None) -> None:
    template = parse_template(text)
    cells = {"a": ["x", "%s"], "b c": ["y", "y"], "a:>5": ["no format, a name"] * 2}
    expected = filled or "no format, a name"
    assert template.fill(cells) == expected + expected.replace("x", "%s")


@pytest.mark.parametrize("text", ["{", "a } b", "{}", "{a{b}}", "no column", "{{a}}"])
def test_templates_that_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="--prompt"):
        parse_template(text)


@pytest.mark.parametrize("command", [[], ["scienceqa"], ["table"]])
def test_help_has_an_example(command: list[str]) -> None:
    assert "Example:\n    tuneq prepare " in run(*command, "--help").stdout
