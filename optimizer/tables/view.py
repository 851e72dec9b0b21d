"""The tables of a case while they are being checked: rows, sets of names, and problems placed at a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from optimizer.errors import Problem
from optimizer.tables.cells import Value
from optimizer.tables.package import Package
from optimizer.tables.read import Row, Table
from optimizer.tables.settings import CaseSettings
from optimizer.tables.text import nearest, shorten


@dataclass(frozen=True)
class View:
    """Everything a check may look at. ``settings_file`` names ``case.toml`` in problems."""

    package: Package
    settings: CaseSettings
    tables: Mapping[str, Table]
    settings_file: str

    def rows(self, table: str) -> Sequence[Row]:
        """Return the rows of a table (none if the data package has no such table)."""
        return self.tables[table].rows if table in self.tables else ()

    def names(self, table: str, column: str) -> frozenset[str]:
        """Return the distinct texts in a column."""
        return frozenset(str(row[column]) for row in self.rows(table) if row[column] is not None)

    def is_judgeable(self, *tables: str) -> bool:
        """Whether references into these tables can be judged: none of them could only be read in part."""
        return not any(self.tables[table].is_broken for table in tables if table in self.tables)

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """Stages in order, each once: those of the case, else as they first appear in the routes."""
        if self.settings.stages:
            return tuple(dict.fromkeys(self.settings.stages))
        return tuple(dict.fromkeys(str(row["stage"]) for row in self.rows("routes") if row["stage"] is not None))

    @cached_property
    def countries_and_groups(self) -> frozenset[str]:
        """Names that may stand where a country or a group of countries may."""
        return self.names("countries", "country_iso3") | self.names("country_groups", "group")

    @cached_property
    def routes_of(self) -> Mapping[str, frozenset[str]]:
        """Routes that each facility runs."""
        pairs: dict[str, set[str]] = {}
        for row in self.rows("facility_routes"):
            pairs.setdefault(str(row["facility"]), set()).add(str(row["route"]))
        return {facility: frozenset(routes) for facility, routes in pairs.items()}


def at(row: Row, code: str, column: str, allowed: str, remedy: str, found: str | None = None) -> Problem:
    """Return a problem at a cell; what was found is the cell unless told otherwise."""
    shown = found if found is not None else show(row[column])
    return Problem(code, row.file, str(row.line), column, shown, allowed, remedy)


def show(value: Value) -> str:
    """Return a value as it is shown in a problem."""
    return "nothing" if value is None else f"`{shorten(value)}`"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names as a list for a message, cut after ``most``."""
    ordered = sorted(names)
    text = ", ".join(ordered[:most])
    return text + (f", … ({len(ordered)} in all)" if len(ordered) > most else "") if ordered else "(there are none)"


def remedy_for(name: Value, names: Iterable[str], otherwise: str) -> str:
    """Return a remedy naming the nearest known name, or ``otherwise``."""
    near = nearest(str(name), names)
    return f"did you mean `{near}`?" if near else otherwise


def number(row: Row, column: str) -> float | None:
    """Return a number of a row, or None if the cell is empty or could not be taken."""
    value = row[column]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
