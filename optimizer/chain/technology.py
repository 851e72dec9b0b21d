"""Technology controls: projects that need another state's know-how, equipment or permission wait for it, or stop.

A row of ``project_requirements`` says that a project needs something of a control group from an exporter. Whether that
is granted is a row of ``licences`` like any other, with the country of the plant as destination and the plant as
customer. What is licensed costs its processing time; what is refused costs the delay and the extra money of doing
without, or, where the row gives none, the project. Refused means an approval share of zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optimizer.chain.licences import Movement
from optimizer.chain.records import Row, Tables, number, rows_of
from optimizer.chain.rows import ALL
from optimizer.chain.services import Services

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class Hold:
    """What controls do to a project: years of delay, extra cost as a share of its cost, or that it cannot be built."""

    delay_years: float = 0.0
    extra_cost_share: float = 0.0
    is_stopped: bool = False


def holds_of(tables: Tables, plant_of: Mapping[str, tuple[str, str]], services: Services, year: int) -> dict[str, Hold]:
    """Give project → what the controls in force in a year do to it; ``plant_of`` is its (country, facility).

    Waiting times run side by side, so the longest counts; extra costs add.
    """
    needs: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(tables, "project_requirements"):
        if row["project"] in plant_of:
            needs[row["project"]].append(row)
    return {name: _together(_hold(row, plant_of[name], services, year) for row in rows) for name, rows in needs.items()}


def _hold(row: Row, plant: tuple[str, str], services: Services, year: int) -> Hold:
    country, facility = plant
    licence = services.licence(Movement(row["exporter_iso3"], row["control_group"], country, ALL, year, facility))
    if licence is None:
        return Hold()
    if licence.approval_share > 0:
        return Hold(delay_years=licence.processing_days / DAYS_PER_YEAR)
    if row.get("delay_years_if_refused") is None:
        return Hold(is_stopped=True)
    return Hold(number(row, "delay_years_if_refused"), number(row, "extra_cost_share_if_refused"))


def _together(holds: Iterable[Hold]) -> Hold:
    found = list(holds)
    return Hold(
        delay_years=max((hold.delay_years for hold in found), default=0.0),
        extra_cost_share=sum(hold.extra_cost_share for hold in found),
        is_stopped=any(hold.is_stopped for hold in found),
    )
