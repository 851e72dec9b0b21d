"""Units of the tables: names of columns against their units, units of rows, codes of areas, further sources."""

from __future__ import annotations

from collections.abc import Iterator

from optimizer.errors import Problem
from optimizer.tables.package import Package
from optimizer.tables.units import ROW_UNITS, SUFFIX_UNITS, suffix_of
from optimizer.tables.view import View, at, listed

_UNSUFFIXED = frozenset({"", "1"})
_OWN_UNITS = frozenset(
    {"deg", "year", "years", "months", "date", "g/mol", "ppm", "Bq/g", "kg", "km/day", "1/yr"} | {"see column unit"}
)
"""Units of columns whose name carries no suffix of the list."""


def unit_problems(package: Package) -> Iterator[Problem]:
    """Yield columns whose unit disagrees with the suffix of their name, or is not a known one (T060)."""
    for resource in package.resources.values():
        for field in resource.fields:
            suffix = suffix_of(field.name)
            if field.name in ("low", "high"):
                allowed = {other.unit for other in resource.fields if other.name not in ("low", "high")}
            elif suffix is not None and field.type in ("number", "integer"):
                allowed = set(SUFFIX_UNITS[suffix])
            else:
                allowed = set(_UNSUFFIXED | _OWN_UNITS)
            if field.unit not in allowed and not _varies(field.unit):
                place = f"data/datapackage.json, {resource.name}"
                remedy = "give the column the suffix of its unit, or convert the numbers"
                yield Problem("T060", place, "", field.name, f"unit `{field.unit}`", listed(allowed), remedy)


def _varies(unit: str) -> bool:
    """Whether a unit says itself that it depends on another column of the row."""
    return unit.startswith("indicator unit") or " or " in unit


def row_unit_problems(view: View) -> Iterator[Problem]:
    """Yield rows of mixed tables whose unit is unknown (T061)."""
    for table in view.tables.values():
        if "unit" in table.resource.columns:
            for row in table.rows:
                if row["unit"] not in ROW_UNITS:
                    yield at(row, "T061", "unit", listed(ROW_UNITS, 30), "convert the value to a known unit")


def record_reference_problems(view: View) -> Iterator[Problem]:
    """Yield codes of record tables that are neither country nor area (T066), and unregistered sources (T067)."""
    codes = view.countries_and_groups | view.names("areas", "area_iso3")
    sources = view.names("sources", "source_id")
    for table in view.tables.values():
        if not table.resource.is_record_table:
            continue
        columns = [name for name in table.resource.columns if name.endswith("_iso3")]
        for row in table.rows:
            for column in columns:
                if row[column] is not None and str(row[column]) not in codes:
                    yield at(
                        row,
                        "T066",
                        column,
                        "a code of countries, country_groups or areas",
                        "write the code, or add the area",
                    )
            for source in str(row["more_source_ids"] or "").split(";"):
                if source.strip() and source.strip() not in sources:
                    remedy = "register it in sources.csv"
                    yield at(row, "T067", "more_source_ids", "registered sources", remedy, f"`{source.strip()}`")
