"""Small tables by pandas and pyarrow, for the tests of reading Parquet.

    python -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python generate_tables.py        # writes tables/*.parquet and tables/series.json

`series.json` holds what every readable file says, as text. The other files hold what is refused.
"""

import datetime
import json
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent / "tables"


def main():
    FOLDER.mkdir(exist_ok=True)
    rng = np.random.default_rng(5)
    n = 12
    frame = pd.DataFrame(
        {
            "encoder": [f"run {i}, “ß”" for i in range(n)],
            "L_align": np.round(rng.uniform(0, 1, n), 6),
            "L_uniform": np.round(rng.uniform(-4, 0, n), 6),
            "top1": np.round(rng.uniform(0, 1, n), 6).astype(np.float32),
            "mIoU": [None if i % 5 == 3 else round(float(rng.uniform()), 6) for i in range(n)],
            "epoch": np.arange(n) * 10,
            "seed": np.arange(n, dtype=np.uint32) + np.uint32(2**31),
            "frozen": [i % 2 == 0 for i in range(n)],
            "data": pd.Categorical(["single" if i % 3 else "multi" for i in range(n)]),
            "note": [None if i % 2 else "odd\nline" for i in range(n)],
        }
    )
    written = {
        "pandas.parquet": {},
        "plain.parquet": {"compression": None, "use_dictionary": False, "data_page_version": "2.0"},
        "groups.parquet": {"row_group_size": 5},
    }
    table = pa.Table.from_pandas(frame)
    for name, settings in written.items():
        if name == "pandas.parquet":
            frame.to_parquet(FOLDER / name)
        else:
            pq.write_table(table, FOLDER / name, **settings)

    def text(value):
        if value is None or value is pd.NaT or (isinstance(value, float) and np.isnan(value)):
            return ""
        if isinstance(value, (bool, np.bool_)):
            return "true" if value else "false"
        return str(value)

    rows = [[text(frame[c].iloc[i]) for c in frame.columns] for i in range(n)]
    content = {"columns": list(frame.columns), "rows": rows, "files": sorted(written)}
    (FOLDER / "series.json").write_text(json.dumps(content, ensure_ascii=False) + "\n")

    numbers = pa.array([0.1, 0.2, 0.3])
    refused = {
        "nested": (pa.array([[1.0], [2.0, 3.0], []]), {}),
        "record": (pa.array([{"a": 1}, {"a": 2}, None]), {}),
        "dates": (pa.array([datetime.date(2024, 1, i + 1) for i in range(3)]), {}),
        "times": (pa.array([datetime.datetime(2024, 1, 1, i) for i in range(3)], pa.timestamp("ns")), {}),
        "decimals": (pa.array([1, 2, 3]).cast(pa.decimal128(21, 2)), {}),
        "bytes": (pa.array([b"\xff\xfe", b"a", b"b"]), {}),
        "zstd": (numbers, {"compression": "zstd"}),
        "delta": (pa.array([1, 2, 3]), {"use_dictionary": False, "column_encoding": {"odd": "DELTA_BINARY_PACKED"}}),
    }
    for name, (column, settings) in refused.items():
        both = pa.table({"alignment": numbers, "odd": column})
        pq.write_table(both, FOLDER / f"refused-{name}.parquet", **settings)


main()
