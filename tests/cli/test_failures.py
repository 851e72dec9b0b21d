"""How a command ends when something goes wrong: the exit code, the words, the report of a crash."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from optimizer.cli.console import PIPE_SECONDS, Progress
from optimizer.cli.failures import (
    BAD_INPUT,
    CRASH,
    DONE,
    INFEASIBLE,
    LIMIT_WITH_PLAN,
    LIMIT_WITHOUT_PLAN,
    WRONG_USAGE,
    run_guarded,
)
from optimizer.errors import DataProblem, Infeasible, Problem

ROOT = Path(__file__).parents[2]


def failing(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (click.exceptions.Exit(3), 3, ""),
        (click.UsageError("no such thing"), WRONG_USAGE, "no such thing"),
        (click.Abort(), LIMIT_WITHOUT_PLAN, "interrupted"),
        (KeyboardInterrupt(), LIMIT_WITHOUT_PLAN, "interrupted"),
        (Infeasible("cannot be", ["a", "b"], ["c"]), INFEASIBLE, "  - b\nany one of these would do:\n  * c"),
        (DataProblem([Problem("T001", "x.csv")]), BAD_INPUT, "1 problem in the input; nothing was written"),
        (DataProblem([Problem("T001", "x.csv"), Problem("T002", "y")]), BAD_INPUT, "2 problems in the input"),
    ],
)
def test_every_end_has_its_code_and_words(capsys, error, code, words) -> None:
    assert run_guarded(failing(error), []) == code
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


@pytest.mark.parametrize(("result", "code"), [(LIMIT_WITH_PLAN, LIMIT_WITH_PLAN), (None, DONE), ("text", DONE)])
def test_a_command_that_ends_by_itself_says_its_code(result, code) -> None:
    assert run_guarded(lambda: result, []) == code


@pytest.mark.parametrize(("words", "is_shown"), [(["solve"], False), (["solve", "-v"], True)])
def test_a_crash_is_reported_to_its_owner_alone(capsys, monkeypatch, tmp_path, words, is_shown) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert run_guarded(failing(ZeroDivisionError("by nought")), words) == CRASH
    (report,) = tmp_path.iterdir()
    told = capsys.readouterr().err
    assert f"internal error: ZeroDivisionError: by nought; details in {report}" in told
    assert ("Traceback" in told) is is_shown
    assert f"command: sourcing {' '.join(words)}" in report.read_text()
    assert "Traceback" in report.read_text()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_a_crash_without_room_for_a_report_is_told_all_the_same(capsys, monkeypatch) -> None:
    def full(**_: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkstemp", full)
    assert run_guarded(failing(ZeroDivisionError("by nought")), []) == CRASH
    assert capsys.readouterr().err == "sourcing: internal error: ZeroDivisionError: by nought\n"


def test_a_reader_that_goes_away_is_no_failure() -> None:
    """As in ``sourcing data list | head -1``: the pipe is closed while the command still writes."""
    code = (
        "import sys\nfrom optimizer.cli.failures import run_guarded\n"
        "def command():\n    while True:\n        print('x' * 1000, flush=True)\n"
        "sys.exit(run_guarded(command, []))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=600) == DONE


class Clock:
    """Stands in for the clock of the progress lines."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("optimizer.cli.console.time", clock)
    return clock


def test_on_a_pipe_a_passing_state_is_told_every_half_minute(capsys, clock) -> None:
    progress = Progress(is_quiet=False)
    for moment in (1.0, PIPE_SECONDS, PIPE_SECONDS + 1, 2 * PIPE_SECONDS):
        clock.now = moment
        progress.update(f"at {moment:.0f}")
    assert capsys.readouterr().err == "[  30.0 s] at 30\n[  60.0 s] at 60\n"


def test_on_a_terminal_a_passing_state_is_rewritten_in_place(capsys, clock, monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress(is_quiet=False)
    clock.now = 2.0
    with progress.phase("solve"):
        clock.now = 5.0
        progress.update("x" * 300)
    wiped = "\r\x1b[2K"
    state, long, line = capsys.readouterr().err.split(wiped)[1:]
    assert state == "[   2.0 s] solve …"
    assert len(wiped + long) == 200
    assert line == "[   5.0 s] solve: 3.0 s\n"


def test_quiet_progress_says_nothing(capsys, clock, monkeypatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress(is_quiet=True)
    with progress.phase("solve"):
        clock.now = 100.0
        progress.update("half")
    progress.line("done")
    assert capsys.readouterr().err == ""
