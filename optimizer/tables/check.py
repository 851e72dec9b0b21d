"""All checks beyond the schema of single tables, and what is worth a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optimizer.errors import Problem
from optimizer.tables.check_network import network_problems
from optimizer.tables.check_references import reference_problems
from optimizer.tables.check_settings import settings_problems
from optimizer.tables.check_values import value_problems
from optimizer.tables.package import Package
from optimizer.tables.read import Table, key_text
from optimizer.tables.settings import CaseSettings
from optimizer.tables.view import View, listed, number


def check_tables(
    package: Package, settings: CaseSettings, tables: Mapping[str, Table], settings_file: str
) -> tuple[list[Problem], list[str]]:
    """Return every problem of a case's final tables, and warnings.

    ``settings_file`` names ``case.toml`` in problems. Cells that could not be read are left out of the checks.
    """
    view = View(package, settings, tables, settings_file)
    problems = [
        *settings_problems(view),
        *reference_problems(view),
        *value_problems(view),
        *network_problems(view),
    ]
    return problems, list(_warnings(view))


def _warnings(view: View) -> Iterator[str]:
    if not view.rows("markets"):
        yield "the case has no market: the plan will be empty and cost nothing"
    first, last = view.settings.horizon.first_year, view.settings.horizon.last_year
    years: dict[str, list[float]] = {}
    for row in view.rows("demand"):
        years.setdefault(str(row["market"]), []).append(number(row, "year") or first)
    for market, given in sorted(years.items()):
        if min(given) > first or max(given) < last:
            yield f"demand of {market} is given for {min(given):g} to {max(given):g}; the nearest holds in the rest"
    taxed = {
        f"{name} {key_text(table.key(row))}"
        for name, table in view.tables.items()
        if not table.resource.is_record_table
        for row in table.rows
        if row["is_tax_included"]
    }
    if taxed:
        yield f"amounts that include tax are taken as they stand: {listed(taxed, 5)}"
    closed = {
        str(row["offer"])
        for row in view.rows("offers")
        if (number(row, "first_start_year") or first) > last or (number(row, "last_start_year") or last) < first
    }
    if closed:
        yield f"offers that cannot start within the horizon: {listed(closed, 5)}"
    yield from _ceilings(view)


def _ceilings(view: View) -> Iterator[str]:
    """Yield offers of plants that sell or toll nothing to one buyer."""
    ceilings = {str(row["facility"]): row for row in view.rows("facilities")}
    shut = set()
    for row in view.rows("offers"):
        plant = ceilings.get(str(row["facility"]))
        if plant is not None and number(plant, f"{row['kind']}_ceiling_share") == 0:
            shut.add(str(row["offer"]))
    if shut:
        yield f"offers of plants whose ceiling for that kind is 0, so that nothing can be committed: {listed(shut, 5)}"
