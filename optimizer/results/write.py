"""Tables as CSV and Parquet with the same content and the same bytes every time.

Numbers are rounded to ``DIGITS`` significant digits. Text that a spreadsheet would take for a formula is prefixed
with an apostrophe in CSV (never in Parquet). The rule, which makes the prefix reversible: a text cell gets one
apostrophe in front if it starts with an apostrophe, or if its first character that is no blank is one of
``= + - @`` or their full-width forms; reading takes one leading apostrophe away from every text cell that has one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

import optimizer.frames  # noqa: F401
from optimizer.errors import DataProblem, Problem
from optimizer.results.schema import TABLES
from optimizer.results.seal import check_seal

DIGITS = 9
_FORMULA = re.compile(r"^(?:'|\s*[=+\-@＝＋－＠]|[\t\r\n])")  # noqa: RUF001 - the full-width forms are meant


def guarded(text: str) -> str:
    """Prefix text that a spreadsheet would take for a formula (rule of the module)."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Undo ``guarded``."""
    return text[1:] if text.startswith("'") else text


def rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round to ``DIGITS`` significant digits, to the double nearest the rounded decimal; minus zero becomes zero."""
    result = np.asarray(values, dtype=float).copy()
    regular = np.isfinite(result) & (result != 0.0)
    numbers = result[regular]
    shift = DIGITS - 1 - np.floor(np.log10(np.abs(numbers))).astype(int)
    exact = (shift >= 0) & (shift <= 22)  # powers of ten up to 22 are exact, so is the division by them
    power = 10.0 ** np.clip(shift, 0, 22)
    vectorised = np.round(numbers * power) / power
    slow = [float(f"{number:.{DIGITS}g}") for number in numbers[~exact].tolist()]
    vectorised[~exact] = slow
    result[regular] = vectorised
    return result + 0.0


def settled(frame: pd.DataFrame, key: Sequence[str] = ()) -> pd.DataFrame:
    """Round numbers, make text plain strings ("" for missing) and sort by key (all columns if none is given)."""
    columns: dict[str, object] = {}
    for name in frame.columns:
        column = frame[name]
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_integer_dtype(column):
            columns[name] = column.to_numpy()
        elif pd.api.types.is_float_dtype(column):
            columns[name] = rounded(column.to_numpy(dtype=float, na_value=np.nan))
        else:
            columns[name] = pd.array(["" if _missing(x) else str(x) for x in column.tolist()], dtype="str")
    table = pd.DataFrame(columns, columns=list(frame.columns))
    order = [name for name in (key or table.columns) if name in table.columns]
    return table.sort_values(order, kind="stable", ignore_index=True) if order else table


def _missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def write_table(folder: Path, name: str, frame: pd.DataFrame) -> None:
    """Write ``name.csv`` and ``name.parquet`` into ``folder`` (which must exist)."""
    key = TABLES[name].key if name in TABLES else ()
    table = settled(frame, key)
    guarded_table = table.copy()
    for column in table.columns:
        if table[column].dtype == "str":
            guarded_table[column] = [guarded(text) for text in table[column].tolist()]
    guarded_table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    table.to_parquet(folder / f"{name}.parquet", index=False, engine="pyarrow", compression="zstd")


def write_tables(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write every table into ``folder``, making it if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(tables):
        write_table(folder, name, tables[name])


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read all tables of a folder from Parquet.

    Raises:
        DataProblem: files that are no tables (R002), or a sealed folder that was changed (R009).
    """
    check_seal(folder)
    tables: dict[str, pd.DataFrame] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.parquet")):
        try:
            tables[path.stem] = read_table(path)
        except DataProblem as error:
            problems += error.problems
    if problems:
        raise DataProblem(problems)
    return tables


def read_table(path: Path) -> pd.DataFrame:
    """Read one table from Parquet.

    Raises:
        DataProblem: if it is none (R002).
    """
    try:
        if not path.is_file():
            raise ValueError("no ordinary file")
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError) as error:
        remedy = "bring the run back from a copy, or make it again"
        found = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
        raise DataProblem(
            [Problem("R002", str(path), found=found, allowed="a table in Parquet", remedy=remedy)]
        ) from error


def read_csv_table(path: Path) -> pd.DataFrame:
    """Read one written CSV file back, text as it was before the prefix; numbers by pandas' own rules.

    Columns of a result table have the types of its schema.
    """
    table = TABLES.get(path.stem)
    text = [n for n, (dtype, _, _) in table.columns.items() if dtype == "string"] if table else []
    frame = pd.read_csv(path, keep_default_na=False, na_values={}, dtype=dict.fromkeys(text, "str"))
    for column in frame.columns:
        if frame[column].dtype == "str" and (column in text or not table):
            frame[column] = [unguarded(cell) for cell in frame[column].tolist()]
        elif frame[column].dtype == "str":
            frame[column] = [float(cell) if cell else float("nan") for cell in frame[column].tolist()]
    return frame
