"""Stage costs rolled up to the unit costs that studies of integrated projects report.

A study's figure and the stage costs under it stand in ``rollup_studies`` and ``rollup_steps``. With the cost c of a
step, in money of year a, its explicit scale s and the kilograms k of its basis per kilogram of product, the roll-up is

    Σ over steps of  c * index[package's year] / index[a] * s * k    USD/kg of product

and the study's own figure is restated in the same money. A roll-up that misses the study by more than a quarter needs a
reason in the study's row. ``python -m optimizer.tables.rollup`` prints the table; with a file name it renews the table
between the marks in that file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optimizer.tables.browse import read_shared
from optimizer.tables.money import price_index
from optimizer.tables.read import Row, Table, key_text
from optimizer.tables.view import number

TOLERANCE_SHARE = 0.25
"""Largest deviation of a roll-up from its study that needs no reason."""

_COSTS = {
    "stage_costs": ("cost_usd_per_kg", "money_year"),
    "mines": ("opex_usd_per_kg", "money_year"),
    "plants": ("opex_usd_per_kg", "opex_money_year"),
}
"""Tables that steps and studies may take a cost from → its column, and that of its money year."""

_START, _END = "<!-- rollup -->", "<!-- /rollup -->"


@dataclass(frozen=True, slots=True)
class Rollup:
    """A study beside the sum of its steps, USD/kg of ``cost_basis`` in money of the data package.

    Attributes:
        unscaled_usd_per_kg: the sum with every scale taken as 1.
        why_apart: reason for a deviation beyond the tolerance; empty if there is none.
    """

    study: str
    name: str
    cost_basis: str
    first_stage: str
    last_stage: str
    study_usd_per_kg: float
    rolled_usd_per_kg: float
    unscaled_usd_per_kg: float
    why_apart: str

    @property
    def deviation_share(self) -> float:
        """How far the roll-up lies above the study, as a share of it."""
        return self.rolled_usd_per_kg / self.study_usd_per_kg - 1.0

    @property
    def is_within(self) -> bool:
        """Whether the roll-up meets the study within the tolerance."""
        return abs(self.deviation_share) <= TOLERANCE_SHARE


def rollups(tables: Mapping[str, Table], money_year: int) -> list[Rollup]:
    """Return every study with its roll-up in money of ``money_year``, in the order of the table.

    Raises:
        KeyError: a step or study names a row that does not exist, or there is no index for its year.
    """
    index = price_index(tables["deflators"].rows)
    steps: dict[str, list[Row]] = {}
    for row in tables["rollup_steps"].rows:
        steps.setdefault(str(row["study"]), []).append(row)
    found = []
    for row in tables["rollup_studies"].rows:
        parts = [(step_cost(tables, step, index, money_year), step) for step in steps[str(row["study"])]]
        sums = [cost * (number(step, "basis_kg_per_kg") or 0.0) for cost, step in parts]
        scales = [number(step, "scale") or 0.0 for _, step in parts]
        found.append(_rollup(row, index, money_year, sums, scales))
    return found


def step_cost(tables: Mapping[str, Table], step: Row, index: Mapping[int, float], money_year: int) -> float:
    """Return the cost a step names, USD/kg of its own basis in money of ``money_year``, before its scale."""
    table = str(step["cost_table"])
    column, year = _COSTS[table]
    row = {key_text(tables[table].key(row)): row for row in tables[table].rows}[str(step["cost_row"])]
    stated = number(row, year)
    return (number(row, column) or 0.0) * index[money_year] / index[money_year if stated is None else int(stated)]


def _rollup(row: Row, index: Mapping[int, float], year: int, sums: Sequence[float], scales: Sequence[float]) -> Rollup:
    stated = int(number(row, "money_year") or year)
    return Rollup(
        study=str(row["study"]),
        name=str(row["name"]),
        cost_basis=str(row["cost_basis"]),
        first_stage=str(row["first_stage"]),
        last_stage=str(row["last_stage"]),
        study_usd_per_kg=(number(row, "study_usd_per_kg") or 0.0) * index[year] / index[stated],
        rolled_usd_per_kg=sum(cost * scale for cost, scale in zip(sums, scales, strict=True)),
        unscaled_usd_per_kg=sum(sums),
        why_apart=str(row["why_apart"] or ""),
    )


def rollup_lines(found: Sequence[Rollup]) -> Iterator[str]:
    """Yield the roll-ups as a table in Markdown, with the reasons of those that lie apart below it."""
    yield "| study | USD per | stages | study | rolled up | deviation | stage costs unscaled |"
    yield "|---|---|---|---|---|---|---|"
    for item in found:
        span = item.first_stage if item.first_stage == item.last_stage else f"{item.first_stage} to {item.last_stage}"
        deviation = f"{100 * item.deviation_share:+.0f} %"
        yield (
            f"| {item.name} | {item.cost_basis} | {span.replace('_', ' ')} | {item.study_usd_per_kg:.1f} "
            f"| {item.rolled_usd_per_kg:.1f} | {deviation if item.is_within else f'**{deviation}**'} "
            f"| {item.unscaled_usd_per_kg:.1f} |"
        )
    apart = [item for item in found if not item.is_within]
    if apart:
        yield ""
    for item in apart:
        yield f"- {item.name}: {item.why_apart}."


def main(arguments: Sequence[str]) -> None:
    """Print the table, or renew it between its marks in the file named."""
    package, tables = read_shared()
    lines = "\n".join(rollup_lines(rollups(tables, package.money_year)))
    if not arguments:
        print(lines)
        return
    page = Path(arguments[0])
    before, rest = page.read_text(encoding="utf-8").split(_START)
    page.write_text(f"{before}{_START}\n{lines}\n{_END}{rest.split(_END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
