"""What a command did to a mutant: its exit code, its words, what it wrote, how long it took."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from optimizer.cli.failures import BAD_INPUT, CRASH, DONE, INFEASIBLE, LIMIT_WITH_PLAN, LIMIT_WITHOUT_PLAN, run_guarded
from optimizer.cli.main import sourcing

MOST_SECONDS = 30
"""A check that computes longer hangs; so does one that waits ten times as long, which a busy machine can make it do."""
FIT = (DONE, BAD_INPUT, INFEASIBLE)
FIT_SOLVED = (*FIT, LIMIT_WITH_PLAN, LIMIT_WITHOUT_PLAN)


class Hang(BaseException):
    """Not an Exception, so that nothing but the judge catches it."""


@dataclass(frozen=True)
class Verdict:
    """Exit code of a command, what it said, and what is wrong with that (empty: nothing)."""

    code: int
    said: str
    faults: tuple[str, ...]


@contextlib.contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """Raise Hang in the main thread after so many seconds of computing, or ten times as many of any sort.

    The latter are counted in steps: however long the whole process is stopped, that is one step.
    """
    steps = 0

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal steps
        steps += 1
        if number == signal.SIGPROF or steps == 10:
            raise Hang

    usual = {number: signal.signal(number, ring) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in usual.items():
            signal.signal(number, handler)


def content(folder: Path) -> dict[str, str]:
    """Every file below a folder with a hash of its bytes; links by where they point."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            if path.is_symlink():
                found[str(path)] = f"-> {path.readlink()}"
            else:
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def judge(words: Sequence[str], folder: Path, fit: Sequence[int] = FIT, seconds: int = MOST_SECONDS) -> Verdict:
    """Run a command line in this process and say what is wrong with how it went.

    Faults: a hang, an exit code that is not ``fit``, a traceback, a refusal without words, something written in
    ``folder`` although the command refused.
    """
    before = content(folder)
    told, printed = io.StringIO(), io.StringIO()
    faults: list[str] = []
    code = CRASH
    try:
        with alarm(seconds), contextlib.redirect_stderr(told), contextlib.redirect_stdout(printed):
            code = run_guarded(
                lambda: sourcing.main(args=list(words), prog_name="sourcing", standalone_mode=False), [*words, "-v"]
            )
    except Hang:
        faults.append(f"no end after {seconds} s")
    said = told.getvalue()
    if code not in fit and not faults:
        faults.append(f"exit code {code}")
    if "Traceback" in said:
        faults.append("traceback")
    if code == BAD_INPUT and not all(mark in said for mark in ("[", "remedy:")):
        faults.append("a refusal that names no code or no remedy")
    if code not in (DONE, LIMIT_WITH_PLAN) and content(folder) != before:
        faults.append("something was written")
    return Verdict(code, said, tuple(faults))
