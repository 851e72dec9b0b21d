"""Ranges of numbers: told in every run, and within stated limits for every toy and shipped case."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brute import program
from scipy import sparse

sys.path.append(str(Path(__file__).parents[1] / "toys"))
from toy import NAMES, planned, ready

from optimizer.jobs.prepare import Prepared, prepare
from optimizer.solve.numerics import numerics, too_wide
from optimizer.tables.locate import shipped_cases


def test_ranges_by_hand() -> None:
    matrix = np.array([[2.0, -0.5, 0.0], [0.0, 0.0, 4000.0]])
    costs = np.array([[1.0, 0.0, 0.01], [0.0, 0.0, 100.0]])
    found = numerics(program(costs, matrix, np.array([7.0, 0.0]), np.array([1.0, 8.0, 1.0]), np.zeros(3, dtype=bool)))
    assert found["matrix"] == {"smallest": 0.5, "largest": 4000.0}
    assert found["objective"] == {"smallest": 0.01, "largest": 100.0}
    assert found["right_side"] == {"smallest": 7.0, "largest": 7.0}
    assert found["bound"] == {"smallest": 1.0, "largest": 8.0}
    assert found["row"] == 4.0
    assert too_wide(found) == []
    assert too_wide(found | {"row": 1e7, "matrix": {"smallest": 1e-6, "largest": 1e4}}) == ["matrix", "row"]


def test_every_run_tells_its_ranges() -> None:
    record = json.loads((planned("no-foresight").path / "run.json").read_text())["numerics"]
    assert record == json.loads(json.dumps(numerics(ready("no-foresight").program)))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cannot-be"])
def test_toys_are_within_limits(name: str) -> None:
    assert too_wide(numerics(ready(name).program)) == []


def _most(case: Prepared, key: tuple[str, tuple[Any, ...]]) -> float:
    """The most that a yes can bring by the tables: volume of a contract, spot depth, capacity of a project."""
    decision, index = key
    if decision == "is_signed":
        return case.instance.offers[index[0]].max_t
    if decision == "is_qualified":
        return max(case.instance.qualifications[index[0]].spot_t.values(), default=0.0)
    if decision == "is_sponsored":
        project = case.instance.projects[index[0]]
        return project.entitlement_t_per_year * max(project.profile, default=0.0)
    return 1.0


@pytest.mark.parametrize("name", [name for name in NAMES if name != "cannot-be"])
def test_no_switch_is_larger_than_what_it_switches(name: str) -> None:
    """No "big M": beside a yes or no stands what the tables say it brings, or 1."""
    case = ready(name)
    rows = sparse.vstack([case.program.matrix, *(block.linking for block in case.program.blocks)]).tocsc()
    for column in np.flatnonzero(case.program.is_integer):
        largest = max(abs(rows[:, [column]].data), default=0.0)
        assert largest <= max(1.0, _most(case, case.program.column_keys[column])) * (1 + 1e-9)


@pytest.mark.long
@pytest.mark.parametrize("name", shipped_cases())
def test_shipped_cases_are_within_limits(name: str) -> None:
    assert too_wide(numerics(prepare(name).program)) == []
