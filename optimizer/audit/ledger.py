"""What the audit finds: named checks with their largest violation and the rows that break them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

TONNES = 1e-4
"""Largest violation of a balance or limit that passes (t), beside the relative part."""
MUSD = 1e-4
MONTHS = 1e-5
SHARE = 1e-6
RELATIVE = 1e-6
"""Part of the amounts involved that rounding and the solver's tolerance may take."""
SHOWN_ROWS = 20


@dataclass(frozen=True)
class Check:
    """One check: passed if no row violates it by more than ``tolerance``.

    ``largest_violation`` is in the unit of the check (t, MUSD, months or 1), after the relative part is taken off.
    ``rows`` are the first offending rows, each with its ``violation``.
    """

    name: str
    passed: bool
    largest_violation: float
    tolerance: float
    rows: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Audit:
    """All checks of a run."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """Checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    def record(self) -> dict[str, Any]:
        """Content of ``audit.json``."""
        return {
            "passed": self.passed,
            "checks": [
                {
                    "name": check.name,
                    "passed": check.passed,
                    "largest_violation": check.largest_violation,
                    "tolerance": check.tolerance,
                    "rows": list(check.rows),
                }
                for check in self.checks
            ],
        }

    def message(self) -> str:
        """Say in a few lines what failed."""
        lines = [f"{len(self.failures)} of {len(self.checks)} checks failed"]
        for check in self.failures:
            first = ", ".join(f"{key} {value}" for key, value in check.rows[0].items()) if check.rows else ""
            lines.append(f"  - {check.name}: {check.largest_violation:.6g} (allowed {check.tolerance:.6g}); {first}")
        return "\n".join(lines)


@dataclass
class _Finding:
    largest: float
    tolerance: float
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Ledger:
    """Collects violations of named checks over all points."""

    findings: dict[str, _Finding] = field(default_factory=dict)

    def note(
        self,
        name: str,
        frame: pd.DataFrame,
        excess: pd.Series | np.ndarray[Any, Any],
        scale: pd.Series | np.ndarray[Any, Any] | float = 0.0,
        tolerance: float = TONNES,
    ) -> None:
        """Enter how far each row of ``frame`` exceeds what is allowed.

        Args:
            name: the check.
            frame: columns that identify a row.
            excess: per row, by how much the limit is broken (negative: room left); nan counts as broken.
            scale: per row, size of the amounts involved, for the relative part of the tolerance.
            tolerance: absolute tolerance, in the unit of ``excess``.
        """
        finding = self.findings.setdefault(name, _Finding(0.0, tolerance))
        if frame.empty:
            return
        over = np.asarray(excess, dtype=float) - RELATIVE * np.abs(np.asarray(scale, dtype=float))
        over = np.where(np.isnan(over), np.inf, np.maximum(over, 0.0))
        finding.largest = max(finding.largest, float(over.max()))
        for position in np.flatnonzero(over > tolerance)[: SHOWN_ROWS - len(finding.rows)]:
            row = {str(key): _plain(value) for key, value in frame.iloc[position].items()}
            finding.rows.append({**row, "violation": float(over[position])})

    def forbid(self, name: str, frame: pd.DataFrame) -> None:
        """Enter rows that must not exist at all."""
        self.note(name, frame, np.ones(len(frame)), tolerance=0.5)

    def audit(self) -> Audit:
        """Return all checks in order of their names."""
        return Audit(
            tuple(
                Check(name, found.largest <= found.tolerance, found.largest, found.tolerance, tuple(found.rows))
                for name, found in sorted(self.findings.items())
            )
        )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def members(text: object) -> list[str]:
    """Split a list cell (members joined by ``;``)."""
    return [part for part in str(text).split(";") if part] if isinstance(text, str) else []


def years_of(text: object) -> list[int]:
    """Split a list cell of years."""
    return [int(part) for part in members(text)]


def keyed(frame: pd.DataFrame, key: Sequence[str], column: str) -> dict[Any, Any]:
    """Look-up from key (a tuple if there are several columns) to a column."""
    index = frame[key[0]].tolist() if len(key) == 1 else list(zip(*(frame[k].tolist() for k in key), strict=True))
    return dict(zip(index, frame[column].tolist(), strict=True))
