"""History replayed: a disruption of the past strikes a plan, month by month, beside what was seen at the time.

A replay's first month is January of the start year chosen. Only what the replay cuts is followed: movements on lanes
that are closed or that leave plants that stand still, against what the plan would have moved there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.chain.instance import Instance, Lane, Period, Shock
from optimizer.chain.rows import ALL, Tables, table_rows
from optimizer.chain.trade import CountryGroups
from optimizer.errors import DataProblem, Problem
from optimizer.model.sets import Sets
from optimizer.shocks.effects import EventEffect, event_effects, touched_by
from optimizer.shocks.expand import all_shares
from optimizer.shocks.periods import QUARTER_MONTHS, YEAR_MONTHS, calendar_year
from optimizer.solve.compiled import CompiledProgram, Floats, RecourseBlock
from optimizer.stress.keep import kept_plan
from optimizer.stress.strikes import Window, network_of
from optimizer.stress.templates import Plans, compiled_blocks
from optimizer.stress.times import clock_of, late_losses, opening_stock
from optimizer.stress.trim import trimmed
from optimizer.tables.text import did_you_mean

MONTHLY = 12
"""Months told one by one, at least; then quarters, once nothing changes any more."""
EVERY = "all"

Frames = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Replay:
    """A disruption of the past."""

    replay: str
    name: str
    start_month: str
    story: str
    effects: tuple[EventEffect, ...]


def chosen_replays(tables: Tables, names: Sequence[str]) -> list[Replay]:
    """The replays asked for, in the order of the table; ``all`` means all of them.

    Raises:
        DataProblem: for every unknown name, with the nearest known one (R007).
    """
    rows = {str(row["replay"]): row for row in table_rows(tables, "replays")}
    unknown = [name for name in names if name != EVERY and name not in rows]
    if unknown or not rows:
        allowed = f"{EVERY}, or one of: {', '.join(rows)}" if rows else "none: this case has no replays"
        remedy = "" if rows else "add the tables replays and replay_effects to the case"
        raise DataProblem(
            Problem("R007", "replays", found=name, allowed=allowed,
                    remedy=remedy or did_you_mean(name, rows, "write one of these names"))
            for name in unknown or names
        )  # fmt: skip
    frame = tables["replay_effects"].rename(columns={"replay": "event"})
    effects = event_effects({"event_effects": frame})
    kept = [row for name, row in rows.items() if EVERY in names or name in names]
    return [
        Replay(name, str(row["name"]), str(row["start_month"]), str(row["story"]), effects.get(name, ()))
        for row in kept
        for name in [str(row["replay"])]
    ]


def replay_shock(replay: Replay, instance: Instance, tables: Tables, window: Window, start_year: int) -> Shock:
    """The shock of a replay in a start year, in months as long as anything changes."""
    network = network_of(instance, tables)
    periods = _months(replay, window, start_year)
    shares = all_shares(touched_by(replay.effects, network), periods, (start_year, instance.years[0]), network)
    cut = {
        (place, period.period, bit): share
        for (place, bit), found in shares.items()
        for period, share in zip(periods, found, strict=True)
        if share < 1
    }
    return Shock(
        shock=f"{replay.replay}@{start_year}",
        event=replay.replay,
        name=replay.name,
        start_year=start_year,
        rate_per_year=0.0,
        probability=0.0,
        window_months=window.months,
        periods=periods,
        facility_share={key[:2]: share for key, share in cut.items() if key[0] in instance.facilities},
        lane_share={key: share for key, share in cut.items() if key[0] in instance.lanes},
        price_multiple=1.0,
        story=replay.story,
    )


def _months(replay: Replay, window: Window, start_year: int) -> tuple[Period, ...]:
    last = max([MONTHLY, *(int(effect.to_month) for effect in replay.effects)])
    until = -(-min(last, int(window.months)) // QUARTER_MONTHS) * QUARTER_MONTHS
    periods: list[Period] = []
    first = 0.0
    while first < window.months:
        end = min(first + (1 if first < until else QUARTER_MONTHS), window.months)
        year = min(calendar_year(start_year, first), window.last_year)
        periods.append(Period(len(periods) + 1, year, first, end - first))
        first = end
    return tuple(periods)


def replay_tables(
    replays: Sequence[Replay],
    instance: Instance,
    sets: Sets,
    tables: Tables,
    plans: Plans,
    window: Window,
    start_year: int,
) -> Frames:
    """Put every plan to every replay.

    Args:
        replays: what happened.
        instance: the case.
        sets: its index sets.
        tables: of the case (country groups, what was seen).
        plans: first-stage vectors.
        window: over which losses are counted.
        start_year: whose January is a replay's first month.

    Returns:
        ``stress_replays`` (point x replay), ``stress_replay_months`` (and month) and ``stress_replay_actuals``
        (replay, series and month seen, with what the model moves).
    """
    shocks = [replay_shock(replay, instance, tables, window, start_year) for replay in replays]
    program = compiled_blocks(shocks, instance, sets, trimmed(instance, sets, plans))
    vectors, secondary = plans.in_order_of(program), late_losses(program)
    rows: dict[str, list[dict[str, object]]] = {"replays": [], "replay_months": [], "replay_actuals": []}
    for point, x in vectors.items():
        opening = opening_stock(instance, plans, point)[start_year]
        planned = _planned_flow(program, x)
        for k, block in enumerate(program.blocks):
            kept = kept_plan(block, x, {p.period: p for p in shocks[k].periods}, planned, secondary[k])
            told = _Told(instance, block, shocks[k], kept.values, planned, opening, window)
            head = {"point": point, "replay": replays[k].replay, "start_year": start_year}
            rows["replays"].append(head | told.summary(kept.loss, replays[k]))
            rows["replay_months"] += [head | month for month in told.months()]
            rows["replay_actuals"] += [head | month for month in told.beside(tables, replays[k].replay)]
    return {f"stress_{name}": _framed(name, found) for name, found in rows.items()}


_HEAD = ["point", "replay", "start_year"]
_COLUMNS = {
    "replays": [*_HEAD, "name", "loss_months", "survive_months", "recover_months", "least_flow_share", "story"],
    "replay_months": [
        *_HEAD, "month", "months", "year", "flow_t", "planned_t", "flow_share", "lost_share", "loss_months", "stock_t",
    ],
    "replay_actuals": [
        *_HEAD, "series", "month", "period", "model_t", "planned_t", "model_share", "actual_t", "before_t",
        "year_before_t", "actual_share", "source_id",
    ],
}  # fmt: skip


def _framed(name: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=_COLUMNS[name])
    numbers = [column for column in _COLUMNS[name] if column.endswith(("_t", "_share", "_months"))]
    return frame.astype(dict.fromkeys(numbers, float))


def _planned_flow(program: CompiledProgram, x: Floats) -> dict[tuple[str, int], float]:
    """(lane, year) → tonnes the plan moves."""
    planned: dict[tuple[str, int], float] = {}
    for (component, index), value in zip(program.column_keys, x.tolist(), strict=True):
        if component == "flow" and value > 0:
            key = (str(index[0]), int(str(index[-1])))
            planned[key] = planned.get(key, 0.0) + value
    return planned


class _Told:
    """One plan under one replay, read from its recourse solution."""

    def __init__(
        self,
        instance: Instance,
        block: RecourseBlock,
        shock: Shock,
        values: Floats,
        planned: Mapping[tuple[str, int], float],
        opening: Floats,
        window: Window,
    ) -> None:
        self.instance, self.shock, self.planned = instance, shock, planned
        self._moved: dict[tuple[str, int], float] = {}
        self._held: dict[int, float] = {}
        self._short: dict[int, float] = {}
        for (component, index), value in zip(block.column_keys, values.tolist(), strict=True):
            period = int(str(index[-1]))
            if component == "flow":
                key = (str(index[0]), period)
                self._moved[key] = self._moved.get(key, 0.0) + value
            elif component == "stock" and str(index[0]) in instance.markets:
                use = instance.markets[str(index[0])].accepts[str(index[1])][0]
                self._held[period] = self._held.get(period, 0.0) + value / use
            elif component == "shortfall":
                weight = instance.markets[str(index[0])].criticality
                self._short[period] = self._short.get(period, 0.0) + value * weight
        modelled = {str(index[0]) for component, index in block.column_keys if component == "flow"}
        self._modelled = modelled | {lane for lane, _, _ in shock.lane_share}
        columns = np.arange(values.size)
        clock = clock_of(instance, block, shock.periods, columns, window.months)
        self.times = clock.read(values, opening)

    def summary(self, loss: float, replay: Replay) -> dict[str, object]:
        shares = [month["flow_share"] for month in self.months()]
        known = [float(str(share)) for share in shares if share is not None]
        return {
            "name": replay.name,
            "loss_months": max(0.0, loss),
            "survive_months": self.times[0],
            "recover_months": self.times[1],
            "least_flow_share": min(known, default=float("nan")),
            "story": replay.story,
        }

    def months(self) -> list[dict[str, object]]:
        """What every month moves over what is cut, loses and leaves in stock."""
        plants = {plant for plant, _ in self.shock.facility_share}
        lanes = {lane for lane, _, _ in self.shock.lane_share}
        lanes |= {lane.lane for lane in self.instance.lanes.values() if lane.from_place in plants}
        rows: list[dict[str, object]] = []
        for period in self.shock.periods:
            flow, planned = self._sums(lanes, period)
            wanted = sum(
                market.criticality * market.demand_t.get(period.year, 0.0) for market in self.instance.markets.values()
            )
            lost = self._short.get(period.period, 0.0)
            share = lost / (wanted * period.months / YEAR_MONTHS) if wanted > 0 else 0.0
            rows.append(
                {
                    "month": int(period.first_month),
                    "months": period.months,
                    "year": period.year,
                    "flow_t": flow,
                    "planned_t": planned,
                    "flow_share": flow / planned if planned > 0 else None,
                    "lost_share": share,
                    "loss_months": share * period.months,
                    "stock_t": self._held.get(period.period, 0.0),
                }
            )
        return rows

    def beside(self, tables: Tables, replay: str) -> list[dict[str, object]]:
        """What was seen, month by month, with what the model moves of the same goods."""
        groups = CountryGroups(tables)
        periods = {int(period.first_month): period for period in self.shock.periods if period.months == 1}
        rows = []
        for row in table_rows(tables, "replay_actuals"):
            period = periods.get(int(row["month"]))
            if str(row["replay"]) != replay or period is None:
                continue
            lanes = {lane.lane for lane in self.instance.lanes.values() if self._counts(lane, row, groups)}
            flow, planned = self._sums(lanes, period)
            seen = {name: row[name] for name in ("series", "month", "period", "actual_t", "before_t", "year_before_t")}
            model = {"model_t": flow, "planned_t": planned, "model_share": flow / planned if planned > 0 else None}
            rows.append(seen | model | {"actual_share": row["actual_share"], "source_id": row["source_id"]})
        return rows

    def _counts(self, lane: Lane, row: Mapping[str, object], groups: CountryGroups) -> bool:
        """Whether a lane carries what a series counts: trade, so across a border only."""
        origin = self.instance.facilities[lane.from_place].country_iso3
        end = self.instance.markets.get(lane.to_place) or self.instance.facilities[lane.to_place]
        return (
            origin != end.country_iso3
            and groups.covers(str(row["exporter"]), origin)
            and groups.covers(str(row["destination"]), end.country_iso3)
            and row["form"] in (ALL, self.instance.products[lane.product].form)
        )

    def _sums(self, lanes: set[str], period: Period) -> tuple[float, float]:
        """Tonnes moved and planned over some lanes in a period; what the block leaves out goes as planned."""
        flow = planned = 0.0
        for lane in lanes:
            normal = self.planned.get((lane, period.year), 0.0) * period.months / YEAR_MONTHS
            planned += normal
            moved = self._moved.get((lane, period.period), 0.0)
            flow += moved if lane in self._modelled else normal
        return flow, planned
