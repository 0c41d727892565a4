"""Tables as pandas DataFrames."""

from datetime import datetime

import pandas as pd

from tuneq_producer.tables.table import Kind, Table

_TYPES: dict[Kind, str] = {
    str: "str",
    int: "Int64",
    float: "float64",
    bool: "boolean",
    datetime: "datetime64[us, UTC]",
}


def frame_of(table: Table) -> pd.DataFrame:
    """All rows, each column with the type of its kind, also where there is no row."""
    frame = pd.DataFrame.from_records(list(table.rows), columns=list(table.kinds))
    return frame.astype({name: _TYPES[kind] for name, kind in table.kinds.items()})
