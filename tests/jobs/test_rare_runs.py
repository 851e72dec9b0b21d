"""Runs without a plan, with damaged records, repeated elsewhere, with line stops in the plan itself."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from optimizer.audit.run import audit_run
from optimizer.errors import DataProblem
from optimizer.jobs.again import _compared, _reasons
from optimizer.jobs.frontier import assumed_shares, solve_plan, told
from optimizer.jobs.prepare import Options
from optimizer.jobs.reopen import chosen_point
from optimizer.results.folder import RunTables
from optimizer.results.manifest import versions
from optimizer.results.records import read_manifest
from optimizer.solve.search import Progress

TOYS = Path(__file__).parents[1] / "toys"


def run_of(path: Path, points: list[int], **manifest) -> RunTables:
    return RunTables(path, {"frontier": pd.DataFrame({"point": points})}, {}, manifest)


def test_a_run_without_a_plan_has_no_point_to_ask_about(tmp_path) -> None:
    assert chosen_point(run_of(tmp_path, []), None) == 0
    with pytest.raises(DataProblem) as problem:
        chosen_point(run_of(tmp_path, []), 3)
    (told_,) = problem.value.problems
    assert (told_.code, told_.found) == ("R005", "no plan")
    assert "--time-limit" in told_.remedy
    assert chosen_point(run_of(tmp_path, [1, 3]), 3) == 3


def test_a_record_that_lost_its_hashes_is_told(tmp_path) -> None:
    (tmp_path / "run.json").write_text('{"case": "small"}')
    with pytest.raises(DataProblem) as problem:
        read_manifest(tmp_path)
    assert [(told_.code, told_.column) for told_ in problem.value.problems] == [
        ("R002", "case_hash"),
        ("R002", "data_hash"),
    ]


def test_why_a_repetition_may_differ_is_told() -> None:
    same = {"is_repeatable": True, "versions": versions()}
    assert list(_reasons(same, same)) == []
    older = {**same, "versions": {**versions(), "numpy": "0.1"}}
    reasons = list(_reasons({**older, "is_repeatable": False}, {"is_repeatable": False}))
    assert len(reasons) == 3
    assert "this run was cut short by time somewhere or interrupted" in reasons
    assert reasons[-1].startswith("other versions: ")
    assert "numpy 0.1 → " in reasons[-1]


def test_tables_that_only_the_first_run_has_are_not_compared(tmp_path) -> None:
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "a.csv").write_text("x")
        (tmp_path / run / "b.csv").write_text(run)
    (tmp_path / "first" / "c.csv").write_text("x")
    assert _compared(tmp_path / "first", tmp_path / "second") == (("a.csv",), ("b.csv",))


def test_progress_tells_what_is_known_so_far() -> None:
    assert told(Progress(3)) == "3 questions answered"
    whole = told(Progress(3, 2, 0.05, 0.5, 10.0))
    assert whole == "3 questions answered, 2 plans, mean gap 5.00 %, 50 % of the area uncertain, 10 s left"
    assert told(Progress(1, seconds_left=math.inf)) == "1 questions answered"


def test_shares_of_assumed_figures_are_of_tables_with_provenance_and_rows() -> None:
    tables = {
        "offers": pd.DataFrame({"confidence": ["assumed", "stated", "assumed", "derived"]}),
        "demand": pd.DataFrame({"confidence": []}),
        "countries": pd.DataFrame({"name": ["x"]}),
    }
    assert assumed_shares(SimpleNamespace(tables=tables)) == {"offers": 0.5}  # type: ignore[arg-type]


def test_lines_that_stand_still_in_the_plan_are_paid_and_audited(tmp_path) -> None:
    case = shutil.copytree(TOYS / "one-plant", tmp_path / "short")
    toml = (case / "case.toml").read_text().replace("discount_rate_share = 0.1", "discount_rate_share = 0.0")
    (case / "case.toml").write_text(toml + "\n[shortfall]\nis_allowed = true\nline_stop_usd_per_kg = 30\n")
    text = (case / "facilities.csv").read_text()
    assert text.count(",1000,output,") == 1
    (case / "facilities.csv").write_text(text.replace(",1000,output,", ",60,output,"))
    run = solve_plan(case, tmp_path / "run", Options())
    costs = run.tables["costs"].groupby("term")["cost_musd"].sum()
    # 60 of 100 t a year at 10 USD/kg and 250 USD/t of freight; 40 t are missing at 30 USD/kg; two years
    assert costs.to_dict() == pytest.approx({"purchase": 1.2, "freight": 0.03, "line_stop": 2.4})
    assert run.tables["frontier"]["cost_musd"].to_list() == pytest.approx([3.63])
    assert run.tables["shortfalls"]["shortfall_t"].to_list() == pytest.approx([40.0, 40.0])
    # a line stop that is not paid for is found by the second program
    unpaid = run.tables["costs"][run.tables["costs"]["term"] != "line_stop"]
    found = audit_run({**run.tables, "costs": unpaid}, run.inputs, run.manifest["certificate"])
    assert not found.passed
    assert audit_run(run.tables, run.inputs, run.manifest["certificate"]).passed
