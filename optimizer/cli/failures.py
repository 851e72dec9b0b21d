"""How commands end: exit codes of the contract, messages on stderr, a report file for a crash."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from optimizer.errors import DataProblem, SourcingError

DONE, BAD_INPUT, WRONG_USAGE, INFEASIBLE, LIMIT_WITH_PLAN, LIMIT_WITHOUT_PLAN, CRASH = range(7)


def run_guarded(command: Callable[[], Any], words: Sequence[str]) -> int:
    """Run a command; return its exit code. No traceback reaches the terminal unless ``-v`` was given."""
    try:
        result = command()
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except click.ClickException as problem:
        problem.show()
        return WRONG_USAGE
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; nothing that was finished is lost")
        return LIMIT_WITHOUT_PLAN
    except SourcingError as problem:
        _say(_told(problem))
        return problem.exit_code
    except BrokenPipeError:
        _silence_stdout()
        return DONE
    except Exception as crash:
        return _report_crash(crash, words)
    return result if isinstance(result, int) else DONE


def _told(problem: SourcingError) -> str:
    if isinstance(problem, DataProblem):
        count = len(problem.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the input; nothing was written\n"
        return head + "\n".join(f"  {line}" for line in str(problem).splitlines())
    return str(problem)


def _say(text: str) -> None:
    click.echo(f"sourcing: {text}", err=True)


def _silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter does not complain when it closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_crash(crash: Exception, words: Sequence[str]) -> int:
    """Write what is needed to mend a crash to a file of its own and tell the user where it is."""
    text = "".join(traceback.format_exception(crash))
    if {"-v", "--verbose"} & set(words):
        click.echo(text, err=True)
    content = "\n".join(
        [
            f"time: {datetime.now(UTC).isoformat(timespec='seconds')}",
            f"command: sourcing {' '.join(words)}",
            f"python: {platform.python_version()} on {platform.platform()}",
            "",
            text,
        ]
    )
    try:
        handle, name = tempfile.mkstemp(prefix="sourcing-crash-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        place = f"; details in {Path(name)}"
    except OSError:
        place = ""
    _say(f"internal error: {type(crash).__name__}: {crash}{place}")
    return CRASH
