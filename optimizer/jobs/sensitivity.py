"""Which figures move the answer: a finished run in, its part ``sensitivity`` out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.chain.build import build_instance
from optimizer.chain.regimes import with_regime_shocks
from optimizer.chain.services import services_of
from optimizer.errors import DataProblem
from optimizer.jobs.prepare import COST, LOSS
from optimizer.jobs.reopen import Reopened, take_up, without_points
from optimizer.jobs.watch import Silence, Watcher
from optimizer.report.tornado_chart import write_tornado_chart
from optimizer.results.folder import add_part
from optimizer.results.manifest import utc_now
from optimizer.sensitivity import draws as joint
from optimizer.sensitivity.bill import Bill, price_list
from optimizer.sensitivity.figures import Figure, Subjects, figures_of, read_spans
from optimizer.sensitivity.first_order import first_order_effects
from optimizer.sensitivity.losses import Losses, with_changes
from optimizer.sensitivity.names import label_of
from optimizer.sensitivity.pricing import Plans, Pricer
from optimizer.sensitivity.regret import branches_of, choice_table, put_under, regret_table, rules_of, with_cover
from optimizer.sensitivity.resolve import Resolved, picks_of, solved_again
from optimizer.sensitivity.tornado import price_of_month, tornado_table
from optimizer.solve.compiled import Floats
from optimizer.stress.strikes import Window
from optimizer.stress.templates import Plans as Vectors

PART = "sensitivity"
SAMPLES = 500
"""Joint draws unless another number is asked for."""
DECKS = ("low", "base", "high")
SUPPLY = ("spot", "surge")
"""Kinds of figures that are moved on request only."""


@dataclass(frozen=True)
class SensitivityOptions:
    """What to ask.

    Attributes:
        point: whose figures are moved; None for the recommended one.
        samples: joint draws; 0 for none.
        seed: of the draws.
        month_musd: what a month of loss counts for; None for the slope of the frontier at the point.
        spans: file of spans in place of the assumed ones.
        branches: regimes to run the plans under; empty for the branches of the regime in force.
        has_supply: whether spot depth and surge are moved too: every shock is then evaluated anew four times.
        has_regret: whether to run the plans under branches at all.
        resolves: draws for which the mixed-integer program is solved again.
        seconds: limit on these solves together.
        gap_share: gap at which such a plan is good enough.
        workers: processes.
        has_chart: whether to draw the tornado beside the tables.
    """

    point: int | None = None
    samples: int = SAMPLES
    seed: int = 0
    month_musd: float | None = None
    spans: Path | None = None
    branches: tuple[str, ...] = ()
    has_supply: bool = False
    has_regret: bool = True
    resolves: int = 0
    seconds: float = 120.0
    gap_share: float = 0.005
    workers: int = 1
    has_chart: bool = True


@dataclass(frozen=True)
class Sensed:
    """A sensitivity analysis: its folder in the run, its tables and its record."""

    path: Path
    tables: Mapping[str, pd.DataFrame]
    record: Mapping[str, Any]


def sensitivity_of(
    path: str | Path, options: SensitivityOptions | None = None, watcher: Watcher | None = None
) -> Sensed:
    """Say which figures move the plans of a finished run, and write the part ``sensitivity`` into it.

    Raises:
        DataProblem: if the folder is no finished run with its case and plans, has no such point or no plan at all, or
            a span or branch is unknown. Nothing is written then.
    """
    options, watcher = options or SensitivityOptions(), watcher or Silence()
    began = time.perf_counter()
    spans = read_spans(options.spans)
    reopened, point = take_up(path, options.point, watcher)
    run = reopened.run
    if not reopened.plans:
        raise DataProblem([without_points(run)])
    desk = _Desk(reopened, point, options, figures=[])
    figures = figures_of(desk.case, desk.instance, desk.case_tables, desk.taken, spans)
    desk = replace(desk, figures=[f for f in figures if options.has_supply or f.kind not in SUPPLY])
    seconds = {"reopen": time.perf_counter() - began}
    tables = desk.tables(watcher, seconds)
    seconds["total"] = time.perf_counter() - began
    record = desk.record(seconds)
    folder = add_part(run.path, PART, tables, record)
    title, subtitle = desk.told(tables["sensitivity_figures"])
    if options.has_chart:
        write_tornado_chart(tables["sensitivity_figures"], title, subtitle, folder)
    return Sensed(folder, tables, record)


@dataclass(frozen=True)
class _Desk:
    """A reopened run and the figures in question."""

    reopened: Reopened
    point: int
    options: SensitivityOptions
    figures: Sequence[Figure]
    _seen: dict[str, Any] = field(default_factory=dict)

    @property
    def case(self) -> Any:
        return self.reopened.ready.case

    @property
    def instance(self) -> Any:
        return self.reopened.ready.instance

    @property
    def points(self) -> list[int]:
        return sorted(self.reopened.plans)

    @property
    def place(self) -> int:
        return self.points.index(self.point)

    @property
    def vectors(self) -> list[Floats]:
        return [self.reopened.plans[point] for point in self.points]

    @cached_property
    def case_tables(self) -> Mapping[str, pd.DataFrame]:
        return dict(with_regime_shocks(self.case).tables)

    @cached_property
    def bill(self) -> Bill:
        return Bill.of(self.instance, self.reopened.ready.program, COST)

    @cached_property
    def taken(self) -> Subjects:
        def among(kind: str) -> frozenset[str]:
            return frozenset().union(*(self.bill.among(x, kind) for x in self.vectors))

        events = tuple(dict.fromkeys(shock.event for shock in self.instance.shocks.values()))
        return Subjects(among("offer"), among("freight"), among("project"), among("qualification"), events)

    @cached_property
    def pricer(self) -> Pricer:
        named = {figure.figure: figure for figure in self.figures}
        offers = frozenset(self.instance.offers) if self.options.resolves else self.taken.offers
        return Pricer(self.case, self.instance, self.reopened.ready.program, self.bill, named, offers)

    @cached_property
    def plans(self) -> Plans:
        return Plans.of(self.pricer, self.vectors)

    @cached_property
    def month_musd(self) -> float:
        """Price of a month: as asked, or what the point itself says."""
        if self.options.month_musd is not None:
            return self.options.month_musd
        return price_of_month(self.plans.costs({}).tolist(), self.base_losses.months({}).tolist(), self.place)

    @cached_property
    def base_losses(self) -> Losses:
        return Losses.of(self.instance, self.points, self.reopened.run.tables["losses"])

    def tables(self, watcher: Watcher, seconds: dict[str, float]) -> dict[str, pd.DataFrame]:
        """All tables of the part."""
        began = time.perf_counter()

        def lap(name: str) -> None:
            seconds[name] = time.perf_counter() - began - sum(v for k, v in seconds.items() if k != "reopen")

        with watcher.phase("put the plans to longer, deeper, and rarer shocks"):
            losses = self._losses(watcher)
        lap("shocks")
        with watcher.phase("move every figure"):
            found = {"sensitivity_figures": self._tornado(losses), "sensitivity_decks": self._decks()}
        lap("figures")
        if self.options.samples:
            with watcher.phase("draw all figures at once"):
                found |= self._drawn(losses, watcher)
            lap("draws")
        if self.options.has_regret:
            with watcher.phase("run the plans under branches of policy"):
                found |= self._regret()
            lap("branches")
        return found

    def _losses(self, watcher: Watcher) -> Losses:
        case, program = self.case, self.reopened.ready.program
        window = Window(float(case.settings.shocks.window_months), self.instance.years[-1])
        return with_changes(
            self.base_losses,
            self.figures,
            self.case_tables,
            Vectors.of(program, self.reopened.plans),
            window,
            self.options.workers,
            lambda done, total: watcher.update(f"{done} of {total} kinds of shocks"),
        )

    def _tornado(self, losses: Losses) -> pd.DataFrame:
        prices = self.reopened.run.tables["prices"]
        own = prices[prices["point"] == self.point] if len(prices) else prices
        program = self.reopened.ready.program
        duals = first_order_effects(self.figures, self.instance, program, self.reopened.plans[self.point], own)
        table = tornado_table(self.figures, self.plans, losses, self.place, self.month_musd, duals)
        return self._labelled(table)

    def _labelled(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with a column of figures in a buyer's words."""
        named = {figure.figure: label_of(figure.kind, figure.subject, self.instance) for figure in self.figures}
        table.insert(min(2, len(table.columns)), "label", [named[name] for name in table["figure"]])
        return table

    def _decks(self) -> pd.DataFrame:
        """Every plan at the prices of the low, base and high deck."""
        settings, bill = self.case.settings, self.bill
        costs = {}
        for deck in DECKS:
            finance = settings.finance.model_copy(update={"price_deck": deck})
            case = replace(self.case, settings=settings.model_copy(update={"finance": finance}))
            other = build_instance(case, replace(services_of(case), shocks=lambda *_: {}))
            prices = price_list(bill.items, other, dict(zip(bill.items, bill.prices.tolist(), strict=True)))
            costs[deck] = self.plans.at(prices)
        rows = [
            {
                "point": point,
                "deck": deck,
                "cost_musd": float(costs[deck][k]),
                "extra_musd": float(costs[deck][k] - costs[deck].min()),
                "is_cheapest": bool(costs[deck][k] == costs[deck].min()),
            }
            for k, point in enumerate(self.points)
            for deck in DECKS
        ]
        return pd.DataFrame(rows)

    def _drawn(self, losses: Losses, watcher: Watcher) -> dict[str, pd.DataFrame]:
        options, month = self.options, self.month_musd
        drawn = joint.joint_draws(
            self.figures,
            self.plans,
            losses,
            options.samples,
            options.seed,
            lambda done, total: watcher.update(f"{done} of {total} draws"),
        )
        base = self.plans.costs({}), losses.months({})
        picks = [picks_of(self.instance, self.reopened.ready.program, x) for x in self.vectors]
        self._seen["perfect_information_musd"] = joint.perfect_information(drawn.values(month))
        found = {
            "sensitivity_points": joint.spread_table(drawn, self.points, base, month),
            "sensitivity_worth": self._labelled(joint.worth_table(drawn, self.place, month)),
            "sensitivity_picks": joint.picks_table(drawn, picks, month),
        }
        if options.resolves:
            found |= self._resolved(drawn)
        return found

    def _resolved(self, drawn: joint.Draws) -> dict[str, pd.DataFrame]:
        """The first draws solved again."""
        program, options = self.reopened.ready.program, self.options
        objectives = {}
        for number in range(min(options.resolves, len(drawn.levels))):
            levels = dict(zip(drawn.figures, drawn.levels[number].tolist(), strict=True))
            coefficients = self.pricer.coefficients(levels)
            x = self.reopened.plans[self.point]
            constant = float(self.plans.costs(levels)[self.place] - coefficients @ x)
            objectives[number + 1] = (coefficients, constant)
        limits = options.seconds, options.gap_share
        x = self.reopened.plans[self.point]
        found = solved_again(self.instance, program, (COST, LOSS), x, objectives, self.vectors, limits, options.workers)
        self._seen["resolved"] = len(found)
        return {"sensitivity_resolved": _solves(found), "sensitivity_resolved_picks": _frequency(found)}

    def _regret(self) -> dict[str, pd.DataFrame]:
        branches = branches_of(self.case.tables, self.case.settings.policy.regime, self.options.branches)
        program, plans = self.reopened.ready.program, self.reopened.plans
        own = put_under(self.instance, program, plans, rules_of(self.case, None)) if branches else {}
        costs = dict(zip(self.points, self.plans.costs({}).tolist(), strict=True))
        outcomes = {}
        for branch in branches:
            found = put_under(self.instance, program, plans, rules_of(self.case, branch.regime))
            outcomes[branch.regime] = with_cover(found, own, costs)
        losses = dict(zip(self.points, self.base_losses.months({}).tolist(), strict=True))
        regrets = regret_table(outcomes, branches, losses, self.month_musd)
        return {"sensitivity_regret": regrets, "sensitivity_choice": choice_table(regrets)}

    def record(self, seconds: Mapping[str, float]) -> dict[str, Any]:
        """What was asked, on what, and how it was found."""
        manifest, options = self.reopened.run.manifest, self.options
        return {
            "case": manifest["case"],
            "case_hash": manifest["case_hash"],
            "made": utc_now(),
            "point": self.point,
            "points": self.points,
            "samples": options.samples,
            "seed": options.seed,
            "month_musd": self.month_musd,
            "month_from": "option" if options.month_musd is not None else "slope of the frontier at the point",
            "figures": len(self.figures),
            **self._seen,
            "seconds": {name: round(value, 3) for name, value in seconds.items()},
        }

    def told(self, table: pd.DataFrame) -> tuple[str, str]:
        """Title and subtitle of the chart."""
        first = str(table["label"].iloc[0]) if len(table) else "no figure"
        title = f"Plan {self.point} hangs most on: {first}"
        reading = (
            "One figure at a time at its low and high, the plan fixed. Widest first, a month of loss counted as "
            f"{self.month_musd:.3g} MUSD. Demand and yields: first order, by duals."
        )
        return title, reading


def _solves(found: Sequence[Resolved]) -> pd.DataFrame:
    rows = [(r.draw, r.cost_musd, r.kept_cost_musd, r.kept_cost_musd - r.cost_musd, r.bound_musd) for r in found]
    columns = ["draw", "cost_musd", "kept_cost_musd", "saving_musd", "cost_bound_musd"]
    return pd.DataFrame(rows, columns=columns)


def _frequency(found: Sequence[Resolved]) -> pd.DataFrame:
    """How often every pick comes back."""
    about = {pick: where for r in found for pick, where in r.picks.items()}
    counts = {pick: sum(pick in r.picks for r in found) / len(found) for pick in about}
    rows = sorted(((p, *about[p], n, n >= joint.STABLE) for p, n in counts.items()), key=lambda r: (-r[5], r[1], r[0]))
    table = pd.DataFrame(rows, columns=["pick", "kind", "facility", "stage", "country_iso3", "draw_share", "is_stable"])
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table
