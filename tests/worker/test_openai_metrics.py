import base64
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuneq_worker.ports.provider import StepMetric
from tuneq_worker.providers.openai.metrics import read_metrics

OPENAI = b"""step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy
1,2.5,0.25,,
2,6e-05,1.0,0.5,0.667
"""
AZURE = (
    b"step,train_loss,train_mean_token_accuracy,valid_loss,validation_mean_token_accuracy,"
    b"full_valid_loss,full_valid_mean_token_accuracy\r\n"
    b"1,2.5,0.25,,,,\r\n2,1,0.5,0.4,0.6,0.3,0.7\r\n"
)


@pytest.mark.parametrize(
    "raw",
    [
        OPENAI,
        base64.b64encode(OPENAI),
        base64.encodebytes(OPENAI),
        b"\xef\xbb\xbf" + OPENAI,
        OPENAI.replace(b"\n", b"\r\n"),
        OPENAI.replace(b",", b", "),
    ],
)
def test_openai_columns_plain_or_base64(raw: bytes) -> None:
    assert read_metrics(raw) == [
        StepMetric(1, train_loss=2.5, train_accuracy=0.25),
        StepMetric(2, 6e-05, 1.0, 0.5, 0.667),
    ]


def test_azure_columns() -> None:
    assert read_metrics(AZURE) == [
        StepMetric(1, 2.5, 0.25),
        StepMetric(2, 1.0, 0.5, 0.4, 0.6, 0.3, 0.7),
    ]


def test_what_is_no_finite_number_is_none() -> None:
    raw = b"step,train_loss,other\n1.0,nan,x\n2, ,x\n3,inf\n"
    assert read_metrics(raw) == [StepMetric(1), StepMetric(2), StepMetric(3)]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no column 'step'"),
        (b"weights\x00\xff", "no column 'step'"),
        (b"a,b\n1,2\n", "no column 'step'"),
        (base64.b64encode(b"a,b\n1,2\n"), "no column 'step'"),
        (b"step,train_loss\n", "no rows"),
        (b"step,train_loss\n1,0.5\n,0.4\n", "no step in line 3"),
        (b"step,train_loss\n1,0.5\n2,low\n", "'low' for a number in line 3"),
    ],
)
def test_what_holds_no_metrics_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_metrics(raw)


CELLS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
METRICS = st.builds(StepMetric, st.integers(0, 10**6), CELLS, CELLS, CELLS, CELLS, CELLS, CELLS)


@given(
    st.lists(METRICS, min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.permutations(range(7)),
)
def test_metrics_survive_the_round_trip(
    metrics: list[StepMetric], encoded: bool, line_end: str, order: list[int]
) -> None:
    columns = [
        ("step", "step"),
        ("train_loss", "train_loss"),
        ("train_accuracy", "train_accuracy"),
        ("valid_loss", "valid_loss"),
        ("valid_accuracy", "valid_mean_token_accuracy"),
        ("full_valid_loss", "full_valid_loss"),
        ("full_valid_accuracy", "full_valid_mean_token_accuracy"),
    ]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerow([columns[place][1] for place in order])
    for metric in metrics:
        writer.writerow([getattr(metric, columns[place][0]) for place in order])
    raw = text.getvalue().encode()
    assert read_metrics(base64.b64encode(raw) if encoded else raw) == metrics


@given(st.binary() | st.text().map(lambda text: b"step,train_loss\n" + text.encode()))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        metrics = read_metrics(raw)
    except ValueError:
        return
    assert metrics
