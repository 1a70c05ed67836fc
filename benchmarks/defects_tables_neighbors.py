"""SDMetrics' quality and diagnostic reports on the tables of `defects_tables.py`, in an environment with sdmetrics.

NEIGHBORS/bin/python benchmarks/defects_tables_neighbors.py --out FILE [the options of defects_tables.py]
"""

from __future__ import annotations

import os
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pandas as pd
from defects_table_kinds import case
from defects_tables import options, resumed
from sdmetrics.reports.single_table import DiagnosticReport, QualityReport

KEY, DATES = "order", ("start", "end")


def typed(columns):
    """Numbers where a whole column is, dates, words."""
    frame = pd.DataFrame({name: pd.Series(cells).replace("", None) for name, cells in columns.items()})
    for name in frame:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        if numbers.notna().sum() == frame[name].notna().sum():
            frame[name] = numbers
    return frame


def one_run(key, tables):
    made = case(tables, *key)
    if made is None:
        return {"key": list(key), "none": True}
    real, synthetic = typed(made.real), typed(made.synthetic)
    columns = {}
    for name in real:
        numeric = pd.api.types.is_numeric_dtype(real[name])
        columns[name] = {"sdtype": "numerical" if numeric else "categorical"}
        if name in DATES:
            columns[name] = {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"}
        if name == KEY:
            columns[name] = {"sdtype": "id"}
        if numeric and name != KEY:  # a word among numbers is a missing number there
            synthetic[name] = pd.to_numeric(synthetic[name], errors="coerce")
    about = {"columns": columns, **({"primary_key": KEY} if KEY in columns else {})}
    start = time.process_time()
    scores = []
    for report in (QualityReport(), DiagnosticReport()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report.generate(real, synthetic, about, verbose=False)
        scores.append(float(report.get_score()))
    cpu = round(time.process_time() - start, 2)
    return {"key": list(key), "quality": scores[0], "diagnosis": scores[1], "cpu": cpu}


if __name__ == "__main__":
    resumed(one_run, options())
