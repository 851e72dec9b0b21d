"""Content of ``run.json``: what was run, on what, how long it took and what is certified."""

from __future__ import annotations

import json
import math
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

PHASES = ("load", "build", "solver")
_LIBRARIES = ("highspy", "numpy", "pandas", "pyarrow", "pyomo", "scipy", "searoute")


@dataclass
class Seconds:
    """Wall time of a run by phase; what no phase claims is ``other``.

    ``solver`` is the time in which at least one solver call is active. Phases inside another one count only for
    the inner one.
    """

    started: float = field(default_factory=time.perf_counter)
    spent: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))
    _open: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Charge the time inside to ``name``.

        Raises:
            ValueError: if ``name`` is none of ``PHASES``.
        """
        if name not in self.spent:
            raise ValueError(f"unknown phase {name!r}; known: {', '.join(PHASES)}")
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.spent[self._open[-1]] += now - self._since
        self._since = now

    def add(self, name: str, seconds: float) -> None:
        """Charge seconds measured elsewhere (for example the union of parallel solver calls)."""
        self.spent[name] += seconds

    def table(self) -> dict[str, float]:
        """``total, load, build, solver, other``, rounded to milliseconds."""
        total = time.perf_counter() - self.started
        claimed = sum(self.spent.values())
        parts = {"total": max(total, claimed), **self.spent, "other": max(0.0, total - claimed)}
        return {name: round(value, 3) for name, value in parts.items()}


@dataclass
class Manifest:
    """Fields of ``run.json``.

    Attributes:
        status: ``complete``, ``limit`` or ``interrupted``.
        certificate: ``mean_gap_share, max_gap_share, uncertain_share, tolerance, solves``.
        measure: ``kind, alpha, year_weights``.
        size: ``rows, columns, binaries, shocks, facilities``.
        points: per point, at least ``point`` and ``seconds``.
        resumed: when an interrupted run was taken up again.
    """

    case: str
    case_hash: str
    data_hash: str
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    started: str = ""
    finished: str = ""
    status: str = "complete"
    seconds: Mapping[str, float] = field(default_factory=dict)
    certificate: Mapping[str, Any] = field(default_factory=dict)
    measure: Mapping[str, Any] = field(default_factory=dict)
    size: Mapping[str, int] = field(default_factory=dict)
    points: Sequence[Mapping[str, Any]] = ()
    resumed: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=lambda: versions())

    def record(self) -> dict[str, Any]:
        """Return the manifest as plain values; infinite and missing numbers are ``None``."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def versions() -> dict[str, str]:
    """Versions of this package, Python and the libraries that shape the numbers."""
    found = {"python": platform.python_version()}
    for name in ("sourcing-optimizer", *_LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def utc_now() -> str:
    """Present time in UTC to the second, ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_json(record: Mapping[str, Any]) -> str:
    """JSON text with sorted keys; numbers JSON cannot hold become ``null``."""
    return json.dumps(_plain(record), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)
