"""Plain rows out of tables: missing cells become ``None``, numbers become Python numbers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

Row = dict[str, Any]
Tables = Mapping[str, pd.DataFrame]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, str):
        return value.strip() or None
    return value.item() if hasattr(value, "item") else value


def rows_of(tables: Tables, name: str) -> list[Row]:
    """Give the rows of a table in file order; a table that is absent has none."""
    frame = tables.get(name)
    if frame is None:
        return []
    return [{str(key): _plain(cell) for key, cell in row.items()} for row in frame.to_dict("records")]


def number(row: Row, column: str, default: float = 0.0) -> float:
    """Give a cell as a float, ``default`` where it is empty."""
    value = row.get(column)
    return default if value is None else float(value)


def interpolate(points: Mapping[int, float], year: int) -> float:
    """Give the value of a yearly series: straight lines between given years, held before and after them."""
    known = sorted(points)
    if year <= known[0]:
        return points[known[0]]
    for left, right in pairwise(known):
        if year <= right:
            return points[left] + (points[right] - points[left]) * (year - left) / (right - left)
    return points[known[-1]]
