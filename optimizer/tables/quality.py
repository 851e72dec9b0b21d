"""How good the shared tables are: all checks, the world as they have it, the age of figures, what is assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from optimizer.errors import DataProblem
from optimizer.tables.browse import read_shared, shared_settings
from optimizer.tables.check import check_tables
from optimizer.tables.check_records import record_problems
from optimizer.tables.check_stoichiometry import Losses, losses, price_problems, stoichiometry_problems
from optimizer.tables.check_units import record_reference_problems, row_unit_problems, unit_problems
from optimizer.tables.read import Table
from optimizer.tables.view import View
from optimizer.tables.world_balance import Step, balance_problems, world_balance
from optimizer.tables.world_chain import base_year
from optimizer.tables.world_shares import Comparison, compare_shares, share_problems

_DATE = re.compile(r"(19|20)\d{2}(-(0[1-9]|1[0-2]))?")


@dataclass(frozen=True)
class TableQuality:
    """One table: rows, share assumed (None without provenance), age in years of the figures that rest on a source.

    Ages are counted from the date of the source to the newest date in the register; None where no source has a date.
    """

    table: str
    rows: int
    assumed_share: float | None
    median_age_years: float | None
    oldest_age_years: float | None
    oldest_source_id: str


@dataclass(frozen=True)
class Examination:
    """What the examination of the tables found; all checks have passed if it exists."""

    base_year: int | None
    tables: Sequence[TableQuality]
    balance: Sequence[Step]
    shares: Sequence[Comparison]
    losses: Sequence[Losses]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)


def examine(data: Path | None = None) -> Examination:
    """Run every check of the shared tables and return what they show.

    Raises:
        DataProblem: everything wrong with them, together.
    """
    package, tables = read_shared(data)
    settings = shared_settings()
    problems, _ = check_tables(package, settings, tables, "shared tables")
    view = View(package, settings, tables, "shared tables")
    problems += [*unit_problems(package), *row_unit_problems(view), *record_reference_problems(view)]
    problems += record_problems(view)
    if not problems:
        problems += [
            *stoichiometry_problems(view),
            *price_problems(view),
            *balance_problems(view),
            *share_problems(view),
        ]
    if problems:
        raise DataProblem(problems)
    dates = source_dates(tables.get("sources"))
    qualities = [_quality(table, dates) for table in tables.values() if table.rows]
    return Examination(base_year(view), qualities, world_balance(view), compare_shares(view), list(losses(view)))


def source_dates(sources: Table | None) -> Mapping[str, float]:
    """Return the date of every source that has one, as a year with its fraction (a year alone: its middle)."""
    found: dict[str, float] = {}
    for row in sources.rows if sources else ():
        match = _DATE.search(str(row["date"] or ""))
        if match:
            text = match.group(0)
            found[str(row["source_id"])] = int(text[:4]) + ((int(text[5:]) - 0.5) / 12 if len(text) > 4 else 0.5)
    return found


def _quality(table: Table, dates: Mapping[str, float]) -> TableQuality:
    name = table.resource.name
    if "confidence" not in table.resource.columns:
        return TableQuality(name, len(table.rows), None, None, None, "")
    assumed = sum(row["confidence"] == "assumed" for row in table.rows) / len(table.rows)
    newest = max(dates.values(), default=0.0)
    sourced = [str(row["source_id"]) for row in table.rows if row["confidence"] != "assumed"]
    ages = sorted((newest - dates[source], source) for source in sourced if source in dates)
    if not ages:
        return TableQuality(name, len(table.rows), assumed, None, None, "")
    oldest, source = ages[-1]
    return TableQuality(name, len(table.rows), assumed, median(age for age, _ in ages), oldest, source)
