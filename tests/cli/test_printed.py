"""What commands print: long and short tables, nothing found, other shapes of result, refused words."""

from __future__ import annotations

import io
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console
from rich.progress import Progress

from optimizer.batch.execute import Result
from optimizer.batch.worker import Outcome
from optimizer.cli.batch import Bars, _clock, _watched
from optimizer.cli.data_text import cell_text, print_examination, print_record
from optimizer.cli.failures import CRASH, WRONG_USAGE, run_guarded
from optimizer.tables.quality import Examination

TOYS = Path(__file__).parents[1] / "toys"


@pytest.fixture
def run(tmp_path) -> str:
    (tmp_path / "run").mkdir()
    return str(tmp_path / "run")


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


# --- sourcing batch ---------------------------------------------------------------------------------------------------


def test_a_batch_file_and_cases_do_not_go_together(sourcing) -> None:
    code, _, err = sourcing("batch", "many.toml", "one-plant", "--dry-run")
    assert (code, "give one batch file, or cases, not both" in err) == (2, True)


def test_cases_by_name_or_by_their_file_are_foretold(sourcing) -> None:
    words = ("batch", TOYS / "one-plant" / "case.toml", TOYS / "no-demand", "--dry-run", "--at-once", 1)
    code, out, _ = sourcing(*words)
    assert code == 0
    assert {"one-plant", "no-demand"} <= {word for line in lines(out) for word in line}
    assert "2 jobs, 1 at a time with" in out
    assert "nothing was run" in out


@pytest.mark.parametrize(("most", "slots"), [((), 3), (("--at-once", 2), 2)])
def test_a_scheduler_is_asked_for_its_workers(sourcing, monkeypatch, most, slots) -> None:
    @contextmanager
    def remote(address):
        assert address == "tcp://head:8786"
        yield SimpleNamespace(workers=3)

    monkeypatch.setattr("optimizer.batch.cluster.remote", remote)
    monkeypatch.setattr("optimizer.batch.cluster.slots", lambda client: client.workers)
    words = ("batch", TOYS / "one-plant", "--dry-run", "--json", "--scheduler", "tcp://head:8786", *most)
    code, out, _ = sourcing(*words)
    told = json.loads(out)
    assert (code, told["at_once"], told["workers"], len(told["jobs"])) == (0, slots, 1, 1)


def test_times_are_told_in_the_unit_that_suits_them() -> None:
    assert [_clock(seconds) for seconds in (89, 90, 5399, 9000)] == ["89 s", "2 min", "90 min", "2.5 h"]


def result(place: str, **changes) -> Result:
    job = SimpleNamespace(name=place, place=place)
    return Result(job, Outcome(0, "complete", seconds=2.0), Path("runs/before"), **changes)  # type: ignore[arg-type]


def test_bars_show_what_jobs_do_and_forget_those_that_are_over() -> None:
    told = io.StringIO()
    with Progress(console=Console(file=told, width=80), auto_refresh=False) as progress:
        bars = Bars(progress, 2)
        bars.says("one", "solves")
        bars.says("one", "draws")
        assert [task.description for task in progress.tasks] == ["all cases", "one"]
        bars.ended(result("one"), 1, 2)
        bars.says("one", "late news")
        bars.ended(result("two", is_reused=True), 2, 2)
        assert [(task.description, task.completed) for task in progress.tasks] == [("all cases", 2)]
    assert "[1/2] one: complete, 2.0 s" in told.getvalue()
    assert "[2/2] two: taken over from runs/before, the same inputs" in told.getvalue()


def test_bars_are_for_terminals(monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with _watched(False, 2) as watch:
        assert isinstance(watch, Bars)
    with _watched(True, 2) as watch:
        assert not isinstance(watch, Bars)


# --- sourcing compare, sensitivity, stress, alternatives --------------------------------------------------------------


def compared(folder: Path | None, **differs) -> SimpleNamespace:
    none = dict.fromkeys(("settings", "rows_added", "rows_removed", "rows_changed", "picks"), 0)
    difference = none | {"run": 2, "cost_musd": 0.5, "dominated_of_base": 0, "dominated_of_other": 1} | differs
    runs = [(1, "runs/a", 1, 1, 2.0, 0.0, float("nan")), (2, "runs/b", 1, 1, 2.5, 0.0, 0.01)]
    names = ["run", "path", "points", "point", "cost_musd", "loss_months", "mean_gap_share"]
    shapes = {
        "settings": ["key", "before", "after"],
        "rows": ["table", "row", "change", "column", "before", "after"],
        "frontier": [
            "of",
            "point",
            "loss_months",
            "cost_musd",
            "straight_cost_musd",
            "difference_musd",
            "is_dominated",
        ],
        "portfolio": ["kind", "offer", "change", "committed_before_t", "committed_after_t"],
        "costs": ["term", "before_musd", "after_musd", "difference_musd"],
        "shares": ["stage", "country_iso3", "before_share", "after_share", "difference_share"],
    }
    tables = {f"compare_{name}": pd.DataFrame(columns=["run", *columns]) for name, columns in shapes.items()}
    settings = [(2, f"key.{k}", "1", "2") for k in range(14)]
    tables["compare_settings"] = pd.DataFrame(settings, columns=["run", *shapes["settings"]])
    points = [(2, "other", 1, 0.0, 2.5, float("nan"), 0.5, True), (2, "base", 1, 0.0, 2.0, 2.0, 0.0, False)]
    tables["compare_frontier"] = pd.DataFrame(points, columns=["run", *shapes["frontier"]])
    for name in ("costs", "shares"):
        tables[f"compare_{name}"][f"difference_{'musd' if name == 'costs' else 'share'}"] = pd.Series(dtype=float)
    tables["compare_runs"] = pd.DataFrame(runs, columns=names)
    return SimpleNamespace(record={"differences": [difference]}, tables=tables, path=folder)


def test_differences_of_runs_are_cut_to_what_a_terminal_holds(sourcing, monkeypatch, run) -> None:
    monkeypatch.setattr("optimizer.jobs.compare.compare_runs", lambda *_: compared(Path("told"), settings=14))
    code, out, _ = sourcing("compare", run, run)
    assert code == 0
    assert "run 2: settings (12 of 14)" in out
    assert ["key.11", "1", "2"] in lines(out)
    assert ["key.12", "1", "2"] not in lines(out)
    # the plan of run 2, its cost where run 1 has none, and whether it is dominated
    assert ["1", "0.000", "2.500", "-", "0.500", "yes"] in lines(out)
    assert "picks that differ" not in out
    assert ["1", "a", "1", "1", "2.00", "0.000", "-"] in lines(out)
    assert out.splitlines()[-1] == "tables: told"


def test_runs_of_the_same_inputs_are_told_in_a_line(sourcing, monkeypatch, run) -> None:
    monkeypatch.setattr("optimizer.jobs.compare.compare_runs", lambda *_: compared(None))
    code, out, _ = sourcing("compare", run, run)
    assert code == 0
    assert out.splitlines()[-1] == "run 2 against run 1: same inputs, same picks, +0.50 MUSD"


def sensed(**tables) -> SimpleNamespace:
    figure = {
        "label": "own part of " + 50 * "x", "low_share": 0.5, "high_share": 2.0, "range_from": "table",
        "how": "duals, exact",
        "cost_low_musd": 0.0, "cost_high_musd": 0.0, "loss_low_months": -1.0, "loss_high_months": 0.5,
    }  # fmt: skip
    decks = pd.DataFrame({"point": 1, "deck": ["low", "base", "high"], "cost_musd": [1.0, 2.0, 3.0]})
    found = {"sensitivity_figures": pd.DataFrame([figure]), "sensitivity_decks": decks, **tables}
    return SimpleNamespace(record={"point": 1, "month_musd": 2.5}, tables=found, path="told")


@pytest.mark.parametrize("has_regret", [True, False])
def test_a_case_without_branches_of_policy_is_told_so_if_asked(sourcing, monkeypatch, run, has_regret) -> None:
    tables = {"sensitivity_regret": pd.DataFrame()} if has_regret else {}
    monkeypatch.setattr("optimizer.jobs.sensitivity.sensitivity_of", lambda *_: sensed(**tables))
    code, out, _ = sourcing("sensitivity", run, "--samples", 0)
    assert code == 0
    assert ("name regimes with --branch for regrets" in out) is has_regret
    text = " ".join(out.split())
    assert "x 0.50-2.00 -1.00 +0.50 duals" in text  # no cost moves, so none is told
    assert "…" in text  # long names are cut
    assert ["1", "1.0", "2.0", "3.0"] in lines(out)
    assert "joint draws" not in out


@pytest.mark.parametrize(
    "words",
    [
        ("sensitivity", "--month-musd", "nan"), ("sensitivity", "--time-limit", "nan"),
        ("explain", "--time-limit", "nan"),
        ("alternatives", "--slack", "nan"), ("alternatives", "--time-limit", "nan"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_wrong_usage(sourcing, run, words) -> None:
    code, _, err = sourcing(words[0], run, *words[1:])
    assert (code, "nan is not a number" in err) == (2, True)


def test_a_stress_that_no_plan_feels_prints_its_summary_alone(sourcing, monkeypatch, run) -> None:
    names = ["in_sample", "measure", "measure_low", "measure_high", "mean_loss", "worst_loss"]
    row = {"point": 1, "stop_share": 0.0, "stop_in_a_year_share": 0.0} | {f"{name}_months": 0.0 for name in names}
    tables = {
        "stress_summary": pd.DataFrame([row]),
        "stress_offenders": pd.DataFrame(columns=["point", "kind", "name", "loss_share", "worst_loss_months"]),
        "stress_removal": pd.DataFrame(columns=["point", "loss_months"]).astype({"loss_months": float}),
    }
    record = {"measure": {"kind": "worst_case"}, "samples": 50, "points": [1]}
    done = SimpleNamespace(record=record, tables=tables, path="told")
    monkeypatch.setattr("optimizer.jobs.stress.stress_run", lambda *_: done)
    code, out, _ = sourcing("stress", run)
    assert code == 0
    assert out.startswith("50 fresh shocks: months lost, worst case\n")
    assert ["1", "0.00", "0.00", "0.00-0.00", "0.00", "0.0", "0.0", "%", "0.0", "%"] in lines(out)
    assert "what does the damage" not in out
    assert "lost alone" not in out
    assert "history" not in out


@pytest.mark.parametrize(("found", "is_told"), [(1, False), (0, True)])
def test_fewer_alternatives_than_asked_for_are_told(sourcing, monkeypatch, run, found, is_told) -> None:
    record = {"slack_share": 0.02, "point": 3, "found": found, "asked_for": 1}
    plan = {
        "alternative": 0, "cost_musd": 10.0, "extra_cost_share": 0.0, "loss_months": 1.0, "worst_loss_months": 2.0,
        "distance_share": 0.0, "distance_bound_share": 0.0, "suppliers": 4,
    }  # fmt: skip
    choices = pd.DataFrame(columns=["kind", "choice", "verdict", "plans", "of_plans"])
    tables = {"alternatives": pd.DataFrame([plan]), "alternatives_choices": choices}
    told = SimpleNamespace(part=SimpleNamespace(record=record, tables=tables), path="told")
    monkeypatch.setattr("optimizer.jobs.alternatives.alternatives_of", lambda *_: told)
    code, out, _ = sourcing("alternatives", run)
    assert code == 0
    assert ("found 0 of 1" in out) is is_told
    assert "In all plans: nobody" in out


# --- sourcing runs, data, check ---------------------------------------------------------------------------------------


def test_an_answer_about_runs_is_a_table_with_empty_cells_for_what_is_missing(sourcing, monkeypatch) -> None:
    table = pd.DataFrame({"run": ["a", "b"], "cost": [1234.56789, float("nan")]}, dtype=object)
    monkeypatch.setattr("optimizer.batch.store.query", lambda root, sql: table)
    code, out, _ = sourcing("runs", "query", "SELECT 1")
    assert code == 0
    assert lines(out)[-3:-1] == [["a", "1234.57"], ["b"]]


def test_tables_are_listed_with_their_shares_of_assumed_figures(sourcing, monkeypatch) -> None:
    rows = [
        {"table": "offers", "rows": 12, "assumed_share": 0.25, "description": "What is offered"},
        {"table": "countries", "rows": 3, "assumed_share": None, "description": "Names"},
    ]
    monkeypatch.setattr("optimizer.tables.browse.table_summaries", lambda: rows)
    code, out, _ = sourcing("data", "list")
    assert code == 0
    assert ["offers", "12", "25", "%", "What", "is", "offered"] in lines(out)
    assert ["countries", "3", "Names"] in lines(out)
    assert json.loads(sourcing("data", "list", "--json")[1]) == rows


def test_columns_may_be_chosen_and_unknown_ones_are_told(sourcing) -> None:
    code, out, err = sourcing(
        "data", "show", "countries", "--where", "country_iso3=JPN", "--columns", "country_iso3, line"
    )
    assert (code, err) == (0, "")
    assert ["country_iso3", "line"] in lines(out)
    code, out, err = sourcing("data", "show", "countries", "--columns", "nmae")
    assert (code, out) == (1, "")
    assert "T013" in err
    assert "nmae" in err
    assert "`name`" in err


def test_a_row_without_source_note_or_use_is_shown_with_what_it_has(capsys) -> None:
    view = {"table": "countries", "key": ["id"], "units": {"id": "", "area": "km2", "note": ""}, "feeds": []}
    print_record(view, {"id": "X", "area": None, "note": None, "file": "x.csv", "line": 2, "used_by": []})
    assert capsys.readouterr().out == "countries: X\n  id         X\n  stands in  x.csv, line 2\n\n"
    assert [cell_text(value) for value in (None, True, 1234.5, 7)] == ["", "yes", "1234.5", "7"]


def test_tables_without_a_world_balance_are_examined_all_the_same(capsys) -> None:
    print_examination(Examination(None, [], [], [], []))
    out = capsys.readouterr().out
    assert "World balance" not in out
    assert "0 yields agree with stoichiometry; the largest loss is 0 %." in out


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_place_that_may_not_be_written_is_wrong_usage_and_another_refusal_a_crash(
    capsys, monkeypatch, tmp_path
) -> None:
    def refused(error: OSError):
        def command() -> None:
            raise error

        return run_guarded(command, [])

    assert refused(PermissionError(13, "Permission denied", "/there")) == WRONG_USAGE
    assert capsys.readouterr().err == (
        "sourcing: /there: Permission denied; name another place, or ask for the right to it\n"
    )
    assert refused(OSError(28, "No space left on device")) == WRONG_USAGE
    assert capsys.readouterr().err.startswith("sourcing: the output: No space left on device;")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert refused(OSError(5, "Input/output error")) == CRASH
    assert "internal error: OSError" in capsys.readouterr().err
