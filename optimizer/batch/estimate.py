"""How long a batch may take: from past runs where there are any, else by a rule of thumb that is said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.batch.plan import Job, Plan
from optimizer.batch.store import StoredRun, stored_runs

SECONDS_PER_WORK = 0.0015
"""Rule of thumb: seconds per facility, year and shock. The flagship's run (139 x 8 x 129) took 224 s."""

LEAST_SECONDS = 2.0
"""What the smallest run takes: reading, auditing and writing."""


SAME, NEAREST, RULE = "same inputs", "nearest in size", "rule"
BASES = {
    SAME: "past runs of the same inputs",
    NEAREST: "the past run nearest in size, in proportion to facilities x years x shocks",
    RULE: f"no past run: {1000 * SECONDS_PER_WORK:g} ms per facility, year and shock, at least {LEAST_SECONDS:g} s",
}


@dataclass(frozen=True)
class Expected:
    """Expected time of a job.

    Attributes:
        seconds: of one run.
        basis: what it rests on: a key of ``BASES``.
    """

    seconds: float
    basis: str


def expected_times(plan: Plan, root: Path) -> list[Expected]:
    """Expected time of every job of a plan, in its order."""
    past = [stored for stored in stored_runs(root) if _seconds(stored.manifest)]
    return [_expected(job, past, plan.options.time_limit_s) for job in plan.jobs]


def _expected(job: Job, past: Sequence[StoredRun], limit: float | None) -> Expected:
    same = [stored.manifest for stored in past if stored.manifest.get("case_hash") == job.case_hash]
    if same:
        return Expected(_middle([_seconds(found) for found in same]), SAME)
    sized = [(stored.manifest, _work(stored.manifest)) for stored in past if _work(stored.manifest) > 0]
    if sized:
        nearest = min(sized, key=lambda entry: abs(math.log(entry[1] / max(job.work, 1.0))))
        seconds = _seconds(nearest[0]) * max(job.work, 1.0) / nearest[1]
        basis = NEAREST
    else:
        seconds = SECONDS_PER_WORK * job.work
        basis = RULE
    most = (limit or job.time_limit_s) * 2.0
    return Expected(min(max(LEAST_SECONDS, seconds), max(most, LEAST_SECONDS)), basis)


def _work(manifest: Mapping[str, Any]) -> float:
    size = manifest.get("size") or {}
    years = len((manifest.get("measure") or {}).get("year_weights") or {}) or 1
    return float(size.get("facilities") or 0) * years * (1.0 + float(size.get("shocks") or 0))


def _seconds(manifest: Mapping[str, Any]) -> float:
    return float((manifest.get("seconds") or {}).get("total") or 0.0)


def _middle(values: Sequence[float]) -> float:
    ranked = sorted(values)
    return ranked[len(ranked) // 2]


def total_seconds(expected: Sequence[Expected], at_once: int) -> float:
    """Time of the whole batch with so many jobs at a time: the longest job at least."""
    seconds = [each.seconds for each in expected]
    return max([sum(seconds) / max(1, at_once), *seconds], default=0.0)
