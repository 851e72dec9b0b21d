"""The stress test of a finished run: fresh shocks, history, and the loss of single nodes, added to its folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.chain.rows import table_rows
from optimizer.errors import DataProblem, UsageProblem
from optimizer.jobs.reopen import Reopened, take_up, without_points
from optimizer.jobs.watch import Silence, Watcher
from optimizer.model.sets import build_sets
from optimizer.results.folder import add_part
from optimizer.results.manifest import utc_now
from optimizer.shocks.effects import Network
from optimizer.stress import tables as results
from optimizer.stress.draws import fresh_shocks
from optimizer.stress.estimate import LEVEL
from optimizer.stress.read import PART
from optimizer.stress.removal import Node, nodes_of, removal_events, removal_table
from optimizer.stress.replay import Replay, chosen_replays, replay_tables
from optimizer.stress.strikes import Strike, Window, network_of, strikes_of
from optimizer.stress.templates import Plans
from optimizer.stress.trial import Outcomes, put_to
from optimizer.stress.used import use_of, used_places

SAMPLES = 1000
"""Fresh shocks drawn unless another number is asked for."""


@dataclass(frozen=True)
class StressOptions:
    """What to put the plans to.

    Attributes:
        samples: fresh shocks drawn.
        replays: names of replays, or ``all``; empty: none.
        point: only this point; None: all of them.
        start_year: in which replays and removals begin; None: the middle one of the run's start years.
        seed: of the draws.
        workers: processes.
    """

    samples: int = SAMPLES
    replays: tuple[str, ...] = ()
    point: int | None = None
    start_year: int | None = None
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True)
class Stressed:
    """A stress test: its folder in the run, its tables and its record."""

    path: Path
    tables: Mapping[str, pd.DataFrame]
    record: Mapping[str, Any]


def stress_run(path: str | Path, options: StressOptions | None = None, watcher: Watcher | None = None) -> Stressed:
    """Put the plans of a finished run to shocks they were not built for, and add the outcome to its folder.

    Raises:
        DataProblem: if the folder is no finished run, a replay is unknown, or nothing can be drawn. Nothing is written.
        UsageProblem: if a run that counts no shocks is asked, or a start year is outside its horizon.
    """
    options, watcher = options or StressOptions(), watcher or Silence()
    began = time.perf_counter()
    reopened, _ = take_up(path, options.point, watcher)
    return stress_reopened(reopened, options, watcher, time.perf_counter() - began)


def stress_reopened(
    reopened: Reopened, options: StressOptions, watcher: Watcher | None = None, spent_s: float = 0.0
) -> Stressed:
    """As ``stress_run``, for a run that is open already; ``spent_s`` are the seconds that opening it took."""
    watcher, began = watcher or Silence(), time.perf_counter() - spent_s
    bench = _Bench.of(reopened, options)
    seconds = {"reopen": spent_s}
    replays = chosen_replays(bench.tables, options.replays) if options.replays else []
    tables, figures = bench.samples(options, watcher, seconds)
    if replays:
        with watcher.phase("replay history"):
            tables |= bench.replays(replays)
    seconds["total"] = time.perf_counter() - began
    record = bench.record(options, replays) | figures | {"seconds": {k: round(v, 3) for k, v in seconds.items()}}
    return Stressed(add_part(reopened.run.path, PART, tables, record), tables, record)


@dataclass(frozen=True)
class _Bench:
    """A reopened run, ready to be put to strikes."""

    reopened: Reopened
    plans: Plans
    window: Window
    network: Network
    start_years: tuple[int, ...]
    start_year: int

    @classmethod
    def of(cls, reopened: Reopened, options: StressOptions) -> _Bench:
        instance, case = reopened.ready.instance, reopened.ready.case
        shocks = case.settings.shocks
        starts = tuple(shocks.start_years) or instance.years
        middle = starts[(len(starts) - 1) // 2]
        year = options.start_year if options.start_year is not None else middle
        if year not in instance.years:
            raise UsageProblem(f"start year {year} is not one of the run's years {instance.years[0]} to "
                               f"{instance.years[-1]}")  # fmt: skip
        vectors = {p: x for p, x in reopened.plans.items() if options.point in (None, p)}
        if not vectors:
            raise DataProblem([without_points(reopened.run)])
        window = Window(float(shocks.window_months), instance.years[-1])
        plans = Plans.of(reopened.ready.program, vectors)
        return cls(reopened, plans, window, network_of(instance, case.tables), starts, year)

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Tables of the case."""
        return self.reopened.ready.case.tables

    def samples(
        self, options: StressOptions, watcher: Watcher, seconds: dict[str, float]
    ) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
        """Draw, evaluate and summarise; single nodes are removed in the same pass."""
        instance, began = self.reopened.ready.instance, time.perf_counter()
        with watcher.phase("draw fresh shocks"):
            drawn = fresh_shocks(
                self.tables,
                self.reopened.ready.case.settings.shocks.events,
                self.start_years,
                options.samples,
                options.seed,
                self.window.months,
            )
            strikes = strikes_of(drawn.events, drawn.effects, instance, self.network, self.window)
        uses = {point: use_of(instance, self.plans, point) for point in self.plans.vectors}
        used = used_places(uses)
        nodes = nodes_of(instance, self.tables, frozenset().union(*used.values()))
        gone = strikes_of(*removal_events(nodes, self.start_year), instance, self.network, self.window)
        seconds["draw"] = time.perf_counter() - began
        with watcher.phase("put the plans to them"):
            both = self._put([*strikes, *gone], options.workers, watcher)
        seconds["evaluate"] = time.perf_counter() - began - seconds["draw"]
        sampled = results.Sampled(drawn, strikes, both.part(0, len(strikes)))
        figures = {
            "distinct_shocks": len(strikes),
            "rate_per_year": drawn.rate_per_year,
            "templates": both.groups,
            "solves": both.solves,
            "skipped": both.skipped,
        }
        return self._told(sampled, used, nodes, gone, both.part(len(strikes), None)), figures

    def _told(
        self,
        sampled: results.Sampled,
        used: Mapping[int, frozenset[str]],
        nodes: list[Node],
        gone: list[Strike],
        removed: Outcomes,
    ) -> dict[str, pd.DataFrame]:
        instance = self.reopened.ready.instance
        measure = instance.measure
        return {
            "stress_shocks": results.shocks_table(sampled),
            "stress_losses": results.losses_table(sampled),
            "stress_summary": results.summary_table(sampled, self.reopened.run.tables["frontier"], measure),
            "stress_offenders": results.offenders_table(sampled, instance, used, self._called),
            "stress_histogram": results.histogram_table(sampled, measure.year_weights),
            "stress_times": results.times_table(sampled, measure.year_weights),
            "stress_removal": removal_table(nodes, gone, removed, used),
        }

    @property
    def _called(self) -> dict[str, str]:
        """Names of what shocks are drawn from, as people read them."""
        tables = (("events", "event"), ("hazards", "hazard"))
        return {str(row[key]): str(row["name"]) for name, key in tables for row in table_rows(self.tables, name)}

    def _put(self, strikes: list[Strike], workers: int, watcher: Watcher) -> Outcomes:
        return put_to(
            strikes,
            self.reopened.ready.instance,
            self.plans,
            self.window,
            workers,
            lambda done, total: watcher.update(f"{done} of {total} kinds of shocks"),
        )

    def replays(self, replays: list[Replay]) -> dict[str, pd.DataFrame]:
        """Tables of the replays."""
        instance = self.reopened.ready.instance
        return replay_tables(
            replays,
            instance,
            build_sets(instance),
            self.tables,
            self.plans,
            self.window,
            self.start_year,
        )

    def record(self, options: StressOptions, replays: list[Replay]) -> dict[str, Any]:
        """What was asked and on what."""
        manifest = self.reopened.run.manifest
        measure = self.reopened.ready.instance.measure
        return {
            "case": manifest["case"],
            "case_hash": manifest["case_hash"],
            "made": utc_now(),
            "seed": options.seed,
            "samples": options.samples,
            "points": sorted(self.plans.vectors),
            "start_years": list(self.start_years),
            "start_year_of_replays_and_removals": self.start_year,
            "window_months": self.window.months,
            "measure": {"kind": measure.kind, "alpha": measure.alpha},
            "confidence_share": LEVEL,
            "line_stop_months": results.LINE_STOP_MONTHS,
            "replays": [replay.replay for replay in replays],
        }
