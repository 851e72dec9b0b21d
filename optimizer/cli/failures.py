"""How commands end: exit codes of the contract, messages on stderr, a report file for a crash."""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from optimizer.errors import DataProblem, SourcingError

DONE, BAD_INPUT, WRONG_USAGE, INFEASIBLE, LIMIT_WITH_PLAN, LIMIT_WITHOUT_PLAN, CRASH = range(7)
MOST_TOLD = 200
"""Problems told one by one; of more, only how many there are of each sort."""
_NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors of the system that say that a place is not to be read or written, which is for the user to mend."""


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
    except OSError as refusal:
        if refusal.errno not in _NO_PLACE:
            return _report_crash(refusal, words)
        _say(f"{refusal.filename or 'the output'}: {refusal.strerror}; name another place, or ask for the right to it")
        return WRONG_USAGE
    except Exception as crash:
        return _report_crash(crash, words)
    return result if isinstance(result, int) else DONE


def _told(problem: SourcingError) -> str:
    if isinstance(problem, DataProblem):
        found = problem.problems
        lines = [f"{len(found)} problem{'s' if len(found) != 1 else ''} in the input; nothing was written"]
        lines += [f"  {line}" for told in found[:MOST_TOLD] for line in str(told).splitlines()]
        left = Counter((each.code, each.file) for each in found[MOST_TOLD:])
        lines += [f"  and {count} more [{code}] in {file}" for (code, file), count in sorted(left.items())]
        return "\n".join(lines)
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
