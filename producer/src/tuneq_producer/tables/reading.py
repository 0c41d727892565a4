"""The tables of a group, a run or an evaluation, as pandas DataFrames."""

from typing import Literal, assert_never

import pandas as pd

from tuneq_producer.client import Client
from tuneq_producer.report.assemble import assemble_target, target_ids
from tuneq_producer.tables.curves import curves_table
from tuneq_producer.tables.evaluations import comparisons_table, evaluations_table
from tuneq_producer.tables.frame import frame_of
from tuneq_producer.tables.predictions import predictions_table
from tuneq_producer.tables.runs import runs_table
from tuneq_producer.tables.step_metrics import step_metrics_table
from tuneq_producer.tables.table import Table
from tuneq_producer.views.evaluation_view import evaluation_view, read_evaluations
from tuneq_producer.views.reading import run_views
from tuneq_shared.errors import NotFoundError

TableName = Literal["runs", "evaluations", "comparisons", "curves", "step_metrics", "predictions"]


def read_frame(client: Client, name: TableName, of: str) -> pd.DataFrame:
    """A table of a group or a run; of an evaluation, where it is that of predictions.

    Raises:
        NotFoundError: there is no such thing, or its predictions are gone.
        UnreadableError: the predictions are damaged.
    """
    return frame_of(_table(client, name, of))


def _table(client: Client, name: TableName, of: str) -> Table:
    match name:
        case "runs":
            return runs_table(run_views(client, target_ids(client, of)))
        case "evaluations":
            return evaluations_table(run_views(client, target_ids(client, of)))
        case "comparisons":
            return comparisons_table(assemble_target(client, of))
        case "curves":
            return curves_table(assemble_target(client, of).curves)
        case "step_metrics":
            return step_metrics_table(client.data, run_views(client, target_ids(client, of)))
        case "predictions":
            return _predictions(client, of)
    assert_never(name)


def _predictions(client: Client, key: str) -> Table:
    found = read_evaluations(client.catalogue, [key]).get(key)
    if found is None:
        raise NotFoundError(f"no evaluation {key!r}", hint="`tuneq show RUN --json` has their ids")
    if found.artifact is None:
        raise NotFoundError(f"evaluation {key} has no predictions: it is {found.stage}")
    return predictions_table(client.data, [evaluation_view(found)])
