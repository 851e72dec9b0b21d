"""A finished run can be taken up again from its folder alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import DataProblem
from optimizer.jobs.frontier import Run
from optimizer.jobs.prepare import prepare
from optimizer.jobs.reopen import chosen_point, reopen
from optimizer.report.view import RunView
from optimizer.results.plans import read_plans
from optimizer.tables.case import load_case
from optimizer.tables.snapshot import write_snapshot

TOYS = Path(__file__).parents[1] / "toys"


def test_reopened_run_is_the_same_model_and_plans(run: Run) -> None:
    reopened = reopen(run.path)
    again = prepare(TOYS / "stock-cover").program
    assert reopened.ready.program.column_names == again.column_names
    assert (reopened.ready.program.matrix != again.matrix).nnz == 0
    assert len(reopened.ready.program.blocks) == len(again.blocks)
    cost, constant = again.objectives["cost"]
    values = [float(cost @ x) + constant for x in reopened.plans.values()]
    assert values == pytest.approx(reopened.run.tables["frontier"]["cost_musd"].to_list(), rel=1e-8)


def test_run_needs_its_own_case(run: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(run.path, tmp_path / "copy")
    shutil.rmtree(copy / "case")
    with pytest.raises(DataProblem, match="R009"):
        reopen(copy)
    (copy / "seal.json").unlink()
    with pytest.raises(DataProblem, match="R004"):
        reopen(copy)


def test_plans_of_another_model_are_refused(run: Run, tmp_path: Path) -> None:
    other = prepare(TOYS / "one-plant").program
    with pytest.raises(DataProblem, match="R003"):
        read_plans(run.path, other)
    with pytest.raises(DataProblem, match="R003"):
        read_plans(tmp_path, other)


def test_unknown_point_is_named_with_the_known_ones(run: Run) -> None:
    tables = reopen(run.path).run
    assert chosen_point(tables, None) == RunView(tables).recommended
    assert chosen_point(tables, 1) == 1
    with pytest.raises(DataProblem, match="R005"):
        chosen_point(tables, 99)


@pytest.mark.parametrize("case", ["allied-magnets", TOYS / "trade-rules"])
def test_snapshot_holds_everything_the_case_says(case: str | Path, tmp_path: Path) -> None:
    original = load_case(case)
    copy = load_case(write_snapshot(original, tmp_path / "copy"))
    assert copy.settings.base == "none"
    assert copy.money_year == original.money_year
    kept = ("horizon", "candidates", "contracts", "limits", "shocks", "measure", "shortfall", "stages", "origin_rules")
    assert all(getattr(copy.settings, name) == getattr(original.settings, name) for name in kept)
    for name, frame in original.tables.items():
        pd.testing.assert_frame_equal(copy.tables[name], frame)
    assert np.array_equal(sorted(copy.tables), sorted(original.tables))
