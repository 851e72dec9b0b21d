"""Toys: case folders solved through the whole pipe, each plan kept for the tests that look at it."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.jobs.frontier import Run, frontier_of, solve_plan
from optimizer.jobs.prepare import COST, LOSS, Options, Prepared, prepare
from optimizer.results.folder import read_run
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.one import Point, solve_at

TOYS = Path(__file__).parent
NAMES = sorted(path.parent.name for path in TOYS.glob("*/case.toml"))


@cache
def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for the runs of the session; removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="toys-")


def _target(name: str) -> Path:
    return Path(tempfile.mkdtemp(dir=scratch().name, prefix=f"{name}-")) / "run"


def checked(run: Run) -> Run:
    """The run is complete, its audit passed, and its folder reads back as what was made."""
    assert run.status == "complete"
    stored = read_run(run.path)
    assert stored.audit["passed"] is True
    assert json.loads((run.path / "run.json").read_text())["case"] == stored.manifest["case"]
    assert {name: len(frame) for name, frame in stored.tables.items()} == {k: len(v) for k, v in run.tables.items()}
    for name in ("frontier", "costs", "flows", "losses"):
        pd.testing.assert_frame_equal(stored.tables[name], run.tables[name].reset_index(drop=True), check_dtype=False)
    assert not list(run.path.parent.glob("*.partial"))
    return run


@cache
def planned(name: str, max_loss_months: float | None = None, budget_musd: float | None = None) -> Run:
    """One plan of a toy: tables, audit and folder included."""
    options = Options(max_loss_months=max_loss_months, budget_musd=budget_musd)
    return checked(solve_plan(TOYS / name, _target(name), options))


@cache
def traced(name: str) -> Run:
    """The frontier of a toy: tables, audit and folder included."""
    return checked(frontier_of(TOYS / name, _target(name), Options(points=4)))


@cache
def ready(name: str) -> Prepared:
    """A toy, built and compiled."""
    return prepare(TOYS / name)


def cheapest(program: CompiledProgram, max_loss_months: float | None = None) -> Point:
    """Cheapest plan at a loss, to the last digit the solver gives."""
    return solve_at(program, COST, LOSS, effort=Effort(gap_share=0.0), max_second=max_loss_months)


def variant(folder: Path, name: str, toml: dict[str, str] | None = None, **cells: tuple[str, str]) -> Path:
    """A copy of a toy with texts of its ``case.toml`` and tables replaced; each must occur exactly once."""
    shutil.copytree(TOYS / name, folder / name)
    for file, pairs in [("case.toml", toml or {}), *((f"{table}.csv", dict([pair])) for table, pair in cells.items())]:
        path = folder / name / file
        text = path.read_text()
        for old, new in pairs.items():
            assert text.count(old) == 1, (file, old)
            text = text.replace(old, new)
        path.write_text(text)
    return folder / name


def held(program: CompiledProgram, component: str, values: dict[tuple[Any, ...], float]) -> CompiledProgram:
    """The program with some first-stage columns held at given values."""
    lower, upper = program.lower.copy(), program.upper.copy()
    for index, value in values.items():
        position = program.column_keys.index((component, index))
        lower[position] = upper[position] = value
    return replace(program, lower=lower, upper=upper)


def point_of(run: Run) -> pd.Series:
    """The only row of the frontier table."""
    (row,) = run.tables["frontier"].to_dict("records")
    return pd.Series(row)


def cost_of(run: Run, term: str | None = None) -> float:
    """Present value of a cost term, or of all."""
    costs = run.tables["costs"]
    return float(costs.loc[costs["term"] == term if term else costs["term"].notna(), "cost_musd"].sum())


def lifted(run: Run, year: int = 2027) -> dict[str, float]:
    """Offer → tonnes taken in a year, those with any."""
    rows = run.tables["commitments"]
    rows = rows[(rows["year"] == year) & (rows["lifted_t"] > 1e-6)]
    return dict(zip(rows["offer"], rows["lifted_t"], strict=True))


def moved(run: Run, lane: str, year: int = 2027) -> dict[int, float]:
    """Origin class → tonnes over a lane in the plan."""
    rows = run.tables["flows"]
    rows = rows[(rows["shock"] == "nominal") & (rows["lane"] == lane) & (rows["year"] == year)]
    return dict(zip(rows["origin_class"].astype(int), rows["flow_t"], strict=True))


def price_of(run: Run, constraint: str, index: str) -> float:
    """Dual of a limit at the run's only plan; 0 where the table has none."""
    rows = run.tables["prices"]
    rows = rows[(rows["constraint"] == constraint) & (rows["index"].fillna("") == index)]
    return float(rows["price"].sum())
