"""The command line as a user meets it: exit codes, what is printed where, what is written and what is not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
import pytest

from optimizer.cli.main import sourcing as sourcing_group
from optimizer.errors import SolveLimit
from optimizer.results.folder import read_run
from optimizer.solve.effort import Effort

ROOT = Path(__file__).parents[2]
TOYS = ROOT / "tests" / "toys"
HEAVY = ("pandas", "pyomo", "altair", "geopandas", "numpy", "highspy", "pydantic", "rich")


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content."""
    paths = sorted(folder.rglob("*"))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


def toy(tmp_path: Path, name: str) -> Path:
    """A copy of a toy that a test may spoil."""
    return Path(shutil.copytree(TOYS / name, tmp_path / name))


def in_a_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, streams on pipes."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        timeout=600,
        check=False,
    )


def registered() -> list[str]:
    """Every command there is, as the group itself lists them."""
    return sourcing_group.list_commands(click.Context(sourcing_group))


@pytest.mark.parametrize("words", [[], ["--help"], ["solve", "--help"]])
def test_help_lists_the_commands_and_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom optimizer.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    code = end.code\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\nprint('HEAVY', code, heavy)"
    )
    done = in_a_process(code)
    assert done.returncode == 0, done.stderr
    told = done.stdout + done.stderr
    assert "HEAVY 0 []" in told or (not words and "HEAVY 2 []" in told)
    if words != ["solve", "--help"]:
        for command in registered():
            assert re.search(rf"^  {command}\b", told, re.M), command
    else:
        assert "--max-loss" in told
        assert "--time-limit" in told


def test_version(sourcing) -> None:
    code, out, _ = sourcing("--version")
    assert code == 0
    assert out.startswith("sourcing")


def test_check_says_what_a_case_contains(sourcing) -> None:
    code, out, err = sourcing("check", TOYS / "no-foresight")
    assert code == 0
    assert [line[:6] for line in err.splitlines()] == ["note: "]
    assert "No foresight" in out
    code, out, _ = sourcing("check", TOYS / "no-foresight", "--json")
    record = json.loads(out)
    assert code == 0
    assert record["case"] == "no-foresight"
    assert record["size"]["shocks"] == 4
    assert record["differences"] == []


def test_check_full_prints_the_sets(sourcing) -> None:
    code, out, _ = sourcing("check", TOYS / "no-foresight", "--full")
    assert code == 0
    assert "beta_sale" in out


def test_solve_writes_one_plan(sourcing, tmp_path) -> None:
    code, out, err = sourcing("solve", TOYS / "stock-cover", "--max-loss", 2, "-o", tmp_path / "run", "--json")
    record = json.loads(out)
    assert code == 0
    assert record["points"][0]["cost_musd"] == pytest.approx(2.42, abs=1e-6)
    assert record["run"] == str(tmp_path / "run")
    assert read_run(tmp_path / "run").audit["passed"] is True
    assert "find the plan" in err


def test_solve_within_a_budget(sourcing, tmp_path) -> None:
    code, out, err = sourcing("-q", "solve", TOYS / "stock-cover", "--budget-musd", 2.43, "-o", "run", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["points"][0]["loss_months"] == pytest.approx(1.0, abs=1e-3)
    assert (tmp_path / "run" / "frontier.csv").is_file()


def test_solve_takes_a_gap_of_nothing_as_given(sourcing, monkeypatch) -> None:
    seen = []
    import optimizer.jobs.one_plan

    def stop(*_: object, effort: Effort, **__: object) -> None:
        seen.append(effort.gap_share)
        raise SolveLimit("stop here")

    monkeypatch.setattr(optimizer.jobs.one_plan, "solve_at", stop)
    assert sourcing("-q", "solve", TOYS / "one-plant", "--gap", 0)[0] == 5
    assert sourcing("-q", "solve", TOYS / "one-plant", "--gap", 0.05)[0] == 5
    assert seen == [0.0, 0.05]


def test_frontier_prints_table_and_proof(sourcing) -> None:
    code, out, err = sourcing("frontier", TOYS / "stock-cover", "--points", 3, "--workers", 1, "-o", "run")
    assert code == 0
    assert "Stock as cover" in out
    assert "proof: at the same loss no plan is cheaper by more than" in out
    assert "run folder: run" in out
    assert "trace the frontier" in err
    assert "\x1b" not in out + err


BAD_USAGE = [
    ["fly"],
    ["solve"],
    ["solve", "X", "--fast"],
    ["solve", "X", "--max-loss", "-1"],
    ["solve", "X", "--gap", "much"],
    ["frontier", "X", "--points", "1"],
    ["solve", str(TOYS / "one-plant"), "--solver", "abacus"],
]


@pytest.mark.parametrize("words", BAD_USAGE, ids=lambda words: " ".join(words[:1] + words[2:]))
def test_wrong_usage_ends_with_2(sourcing, tmp_path, words: list[str]) -> None:
    code, out, err = sourcing(*words)
    assert (code, out) == (2, "")
    assert err.strip()
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("command", ["solve", "frontier", "run"])
def test_an_existing_run_is_never_overwritten(sourcing, tmp_path, monkeypatch, command: str) -> None:
    import optimizer.jobs.frontier

    def too_early(*_: object) -> None:
        raise AssertionError("the folder is refused before anything is solved")

    monkeypatch.setattr(optimizer.jobs.frontier, "prepare", too_early)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("keep")
    before = snapshot(tmp_path)
    code, _, err = sourcing("-q", command, TOYS / "one-plant", "-o", "run")
    assert code == 2
    assert "exists already" in err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("command", ["check", "solve", "frontier", "run"])
def test_bad_input_is_reported_once_with_its_place(sourcing, tmp_path, command: str) -> None:
    folder = toy(tmp_path, "one-plant")
    offers, demand = folder / "offers.csv", folder / "demand.csv"
    offers.write_text(offers.read_text().replace(",10,0,", ",ten,0,"))
    demand.write_text(demand.read_text().replace("100", "-5"))
    (folder / "case.toml").write_text((folder / "case.toml").read_text() + "\n[horizn]\nx = 1\n")
    before = snapshot(tmp_path)
    code, out, err = sourcing(command, folder)
    assert (code, out) == (1, "")
    assert snapshot(tmp_path) == before
    lines = [line for line in err.splitlines() if "[T0" in line]
    assert len(lines) == 3
    for parts in (
        ("offers.csv", "row 2", "price_usd_per_kg", "ten"),
        ("demand.csv", "row 2", "demand_t_per_year", "-5"),
        ("case.toml", "horizn"),
    ):
        assert any(all(part in line for part in parts) for line in lines), parts
    assert err.count("3 problems in the input; nothing was written") == 1


def test_unknown_case_ends_with_1(sourcing, tmp_path) -> None:
    code, out, err = sourcing("check", "nowhere")
    assert (code, out) == (1, "")
    assert "T001" in err
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("command", ["solve", "frontier"])
def test_infeasible_names_the_limits_in_words_and_writes_nothing(sourcing, tmp_path, command: str) -> None:
    code, out, err = sourcing("-q", command, TOYS / "cannot-be", "--workers", 1)
    assert (code, out) == (3, "")
    assert "share caps" in err
    assert "demand" in err
    assert "_" not in err
    assert snapshot(tmp_path) == {}


def test_loss_that_no_plan_attains_ends_with_3(sourcing, tmp_path) -> None:
    code, _, err = sourcing("-q", "solve", TOYS / "force-majeure", "--max-loss", 1)
    assert code == 3
    assert "no plan satisfies the limits given" in err
    assert snapshot(tmp_path) == {}


def test_limit_with_a_plan_ends_with_4_and_writes_it(sourcing, tmp_path, monkeypatch) -> None:
    import optimizer.jobs.one_plan

    found = optimizer.jobs.one_plan.solve_at
    monkeypatch.setattr(
        optimizer.jobs.one_plan, "solve_at", lambda *a, **k: replace(found(*a, **k), status="limit", bound=1.0)
    )
    code, out, _ = sourcing("-q", "solve", TOYS / "one-plant", "-o", "run", "--json")
    assert code == 4
    assert json.loads(out)["points"][0]["status"] == "limit"
    stored = read_run(tmp_path / "run")
    assert stored.manifest["status"] == "limit"
    assert not stored.tables["flows"].empty


def test_limit_of_a_frontier_ends_with_4(sourcing, tmp_path, monkeypatch) -> None:
    import optimizer.jobs.frontier

    traced = optimizer.jobs.frontier.trace_frontier
    monkeypatch.setattr(
        optimizer.jobs.frontier, "trace_frontier", lambda *a, **k: replace(traced(*a, **k), status="limit")
    )
    code, out, _ = sourcing("-q", "frontier", TOYS / "one-plant", "-o", "run", "--workers", 1)
    assert code == 4
    assert "run folder: run" in out
    assert read_run(tmp_path / "run").audit["passed"] is True


def test_limit_before_any_plan_ends_with_5(sourcing, tmp_path, monkeypatch) -> None:
    import optimizer.jobs.one_plan

    def too_late(*_: object, **__: object) -> None:
        raise SolveLimit("no plan found before the limit")

    monkeypatch.setattr(optimizer.jobs.one_plan, "solve_at", too_late)
    code, out, err = sourcing("-q", "solve", TOYS / "one-plant", "-o", "run")
    assert (code, out) == (5, "")
    assert "no plan found" in err
    assert snapshot(tmp_path) == {}


def test_interruption_is_no_crash(sourcing, monkeypatch) -> None:
    import optimizer.jobs.frontier

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(optimizer.jobs.frontier, "solve_plan", interrupted)
    code, _, err = sourcing("solve", TOYS / "one-plant")
    assert code == 5
    assert "interrupted" in err


def test_crash_ends_with_6_and_a_report(sourcing, tmp_path, monkeypatch) -> None:
    import optimizer.jobs.frontier

    def broken(*_: object) -> None:
        raise RuntimeError("the pencil broke")

    reports = tmp_path / "reports"
    reports.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(reports))
    monkeypatch.setattr(optimizer.jobs.frontier, "solve_plan", broken)
    code, out, err = sourcing("solve", TOYS / "one-plant")
    assert (code, out) == (6, "")
    (report,) = reports.iterdir()
    assert str(report) in err
    assert "internal error: RuntimeError: the pencil broke" in err
    text = report.read_text()
    assert "Traceback" in text
    assert "command: sourcing solve" in text


def test_new_makes_a_case_that_check_accepts_once_filled(sourcing, tmp_path) -> None:
    code, out, _ = sourcing("new", "mine", "-o", tmp_path)
    folder = tmp_path / "mine"
    assert code == 0
    assert Path(out.strip()) == folder
    assert (folder / "case.toml").is_file()
    code, _, err = sourcing("check", folder)
    assert code == 0, err
    toml = folder / "case.toml"
    toml.write_text(toml.read_text().replace('# base = "shared"', 'base = "none"'))
    for table in (TOYS / "one-plant").glob("*.csv"):
        shutil.copy(table, folder)
    code, out, err = sourcing("check", folder, "--json")
    assert code == 0, err
    assert json.loads(out)["size"]["markets"] == 1


def test_new_never_overwrites(sourcing, tmp_path) -> None:
    assert sourcing("new", "mine")[0] == 0
    before = snapshot(tmp_path)
    code, _, err = sourcing("new", "mine")
    assert code == 1
    assert "T041" in err
    assert sourcing("new", "../mine")[0] == 1
    assert snapshot(tmp_path) == before


def test_new_starts_from_a_case(sourcing, tmp_path) -> None:
    code, _, err = sourcing("new", "copy", "--from", TOYS / "one-plant")
    assert code == 0, err
    assert (tmp_path / "copy" / "offers.csv").read_bytes() == (TOYS / "one-plant" / "offers.csv").read_bytes()
    assert sourcing("check", "copy")[0] == 0


def test_pipes_get_plain_text() -> None:
    words = ["check", str(TOYS / "no-foresight")]
    done = in_a_process(f"from optimizer.cli.main import main\nmain({words!r})", NO_COLOR="1", PYTHONIOENCODING="utf-8")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "No foresight" in done.stdout
    assert done.stderr.startswith("note: ")
