"""Errors a user can meet, and the exit code each one ends a command with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input, told so that it can be mended without reading the code.

    Attributes:
        code: permanent short code, documented in ``docs/howto/errors.md``.
        file: file (or table) the problem stands in.
        row: one-based line of the file, or the key of the row; empty if the whole file is meant.
        column: column or key.
        found: the value found.
        allowed: what would be accepted.
        remedy: what to do.
    """

    code: str
    file: str
    row: str = ""
    column: str = ""
    found: str = ""
    allowed: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.row:
            place += f", row {self.row}"
        if self.column:
            place += f", {self.column}"
        parts = [f"[{self.code}] {place}"]
        if self.found:
            parts.append(f"found {self.found}")
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.remedy:
            parts.append(f"remedy: {self.remedy}")
        return "; ".join(parts)


class SourcingError(Exception):
    """Base of all errors that end a command with a message instead of a traceback.

    Attributes:
        exit_code: exit code of the command line, per the contract.
    """

    exit_code = 6


class DataProblem(SourcingError):
    """Bad input: every problem found, reported together (exit code 1)."""

    exit_code = 1

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UsageProblem(SourcingError):
    """A command called with options that cannot go together (exit code 2)."""

    exit_code = 2


class Infeasible(SourcingError):
    """No plan exists under the limits given, and that is proven (exit code 3).

    Attributes:
        conflict: groups of limits that cannot hold together, in the user's words.
        relaxation: what would have to give, each on its own enough, the least first.
    """

    exit_code = 3

    def __init__(self, message: str, conflict: Sequence[str] = (), relaxation: Sequence[str] = ()) -> None:
        self.conflict, self.relaxation = tuple(conflict), tuple(relaxation)
        lines = [message, *(f"  - {line}" for line in self.conflict)]
        if self.relaxation:
            lines += ["any one of these would do:", *(f"  * {line}" for line in self.relaxation)]
        super().__init__("\n".join(lines))


class SolveLimit(SourcingError):
    """A time limit or an interruption ended the solve before any plan was found (exit code 5)."""

    exit_code = 5


class StorageFull(SolveLimit):
    """No room was left to write; what was written before is whole, and can be gone on from (exit code 5)."""


class AuditFailure(SourcingError):
    """A plan's tables do not add up (exit code 6)."""

    exit_code = 6


class SolverFailure(SourcingError):
    """The solver failed or returned something that does not verify (exit code 6)."""

    exit_code = 6
