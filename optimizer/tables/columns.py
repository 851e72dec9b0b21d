"""The header of a table: missing, unknown and doubled columns, with the column that was probably meant."""

from __future__ import annotations

from collections.abc import Sequence

from optimizer.errors import Problem
from optimizer.tables.package import PROVENANCE, Resource
from optimizer.tables.text import nearest, shorten

_SUFFIXES = (
    "_t_reo_per_year", "_t_oxide_per_year", "_t_metal_per_year", "_t_magnet_per_year", "_t_per_year", "_kg_per_year",
    "_kt_per_year", "_t_reo", "_t_oxide", "_t_metal", "_t_magnet", "_tpa", "_kt", "_t", "_kg_per_kg", "_t_per_t",
    "_usd_per_kg", "_usd_per_t", "_eur_per_kg", "_eur_per_t", "_usd", "_eur", "_musd", "_meur", "_km", "_miles", "_mi",
    "_days", "_weeks", "_months", "_years", "_share", "_percent", "_pct", "_rate_per_year", "_per_year", "_kgco2e",
    "_m3", "_iso3", "_iso2",
)  # fmt: skip
"""Unit suffixes of the tables, and some that are often written instead."""


def _stem(column: str) -> str:
    """Return a column's name without its unit."""
    name = column.strip().lower()
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def header_problems(
    header: Sequence[str], resource: Resource, label: str, may_lack: bool
) -> tuple[list[Problem], frozenset[str]]:
    """Return what is wrong with a header line, and the columns that are therefore missing from all rows.

    ``may_lack`` is for a case's own table: it may leave out columns (its rows patch shared ones, and new rows
    are checked for missing values later), but never a column of the key. Codes: T010, T012, T013, T014.
    """
    names = [name.strip() for name in header]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        remedy = "save the file with commas between cells and a decimal point in numbers"
        found = "semicolons" if ";" in names[0] else "tabulators"
        return [Problem("T010", label, "1", found=found, allowed="commas", remedy=remedy)], frozenset()
    problems = []
    unknown = [name for name in dict.fromkeys(names) if name not in resource.columns]
    meant = {name: _meant(name, names, resource) for name in unknown}
    for name in unknown:
        problems.append(_unknown(name, meant[name], resource, label))
    for name in dict.fromkeys(names):
        if names.count(name) > 1 and name not in unknown:
            found = f"{names.count(name)} times"
            problems.append(Problem("T014", label, "1", name, found, "once", "delete the column that is too many"))
    absent = {column for column in meant.values() if column is not None}
    for field in resource.fields:
        excused = may_lack and field.name not in resource.key
        provided = field.name in names or field.name in absent
        if field.is_required and not excused and not provided:
            problems.append(_missing(field.name, field.description, label, resource))
            absent.add(field.name)
    return problems, frozenset(absent)


def _meant(name: str, header: Sequence[str], resource: Resource) -> str | None:
    """Return the column of the table that ``name`` was probably meant to be, if it is not in the header already."""
    free = [column for column in resource.columns if column not in header]
    same_stem = [column for column in free if _stem(column) == _stem(name)]
    if same_stem:
        return same_stem[0]
    return nearest(name, free)


def _unknown(name: str, meant: str | None, resource: Resource, label: str) -> Problem:
    remedy = "delete the column (remarks go into `note`)"
    if meant is not None and _stem(meant) == _stem(name) and meant != name.lower():
        unit = resource.field(meant).unit or "no unit"
        remedy = f"did you mean `{meant}`? Convert the numbers to its unit ({unit}) and rename the column"
    elif meant is not None:
        remedy = f"did you mean `{meant}`?"
    allowed = ", ".join(column for column in resource.columns if column not in PROVENANCE)
    found = f"`{shorten(name)}`" if name else "a column without a name"
    return Problem("T013", label, "1", shorten(name), found, allowed, remedy)


def _missing(name: str, description: str, label: str, resource: Resource) -> Problem:
    allowed = ", ".join(resource.columns)
    return Problem("T012", label, "1", name, "no such column", allowed, f"add the column. It is: {description}")
