"""Estimates of hazards from the record: ``python -m optimizer.shocks.estimate [--write]``.

The table hazards holds what people state (what a hazard is, where it strikes, how many years it could have been seen,
its price multiple, its story) and what is estimated here from the tables disruptions and incidents. Each case on record
names its hazard and the part it plays:

* ``counted`` — a start; gives a count, a duration and a depth;
* ``phase`` — a further stage of a disruption already counted; gives duration and depth only;
* ``near_miss`` — nothing was lost; listed, not counted;
* ``same`` — an incident that the disruptions hold too; ``consequence`` — followed from another one; ``outside`` — other
  goods, no sudden change, or before the record begins; none of these is used.

Rates, durations and depths are pooled over the hazards of one cause (:mod:`optimizer.shocks.rates`,
:mod:`optimizer.shocks.durations`, :mod:`optimizer.shocks.depths`). The probability that a hazard escalates counts the
cases of the harsher hazard that ``follows`` names as following one of the milder, with a sceptical beta prior.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.shocks.depths import DepthEstimate, concentration_of, pooled_depths
from optimizer.shocks.durations import DurationEstimate, Spell, duration_prior, pooled_durations
from optimizer.shocks.rates import RateEstimate, pooled_rates, rate_prior
from optimizer.tables.locate import data_root

ESCALATION_PRIOR = (0.5, 1.5)
"""Parameters of the beta prior of escalation: a quarter, with the weight of two cases."""

ESTIMATED = (
    "event_count", "rate_per_year", "low", "high", "rate_shape", "duration_family", "median_months",
    "median_low_months", "median_high_months", "log_sd", "depth_family", "depth_share", "depth_low_share",
    "depth_high_share", "depth_concentration", "escalation_share",
)  # fmt: skip
"""Columns of the table hazards that are made here."""

DIGITS = 4


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """A case on record: its name, hazard and part, its length in months and depth where known, and what it followed."""

    name: str
    hazard: str
    role: str
    months: float | None
    is_running: bool
    depth_share: float | None
    follows: str | None


def recorded_cases(disruptions: pd.DataFrame, incidents: pd.DataFrame) -> list[RecordedCase]:
    """Cases of both record tables that belong to a hazard."""
    cases = [_case(row, "disruption") for row in disruptions.to_dict("records")]
    cases += [_case(row, "incident") for row in incidents.to_dict("records")]
    return [case for case in cases if case.hazard]


def _case(row: Mapping[Any, Any], key: str) -> RecordedCase:
    def text(column: str) -> str:
        value = row.get(column)
        return "" if value is None or pd.isna(value) else str(value)

    def positive(column: str) -> float | None:
        value = text(column)
        return float(value) if value and float(value) > 0 else None

    running = text("is_running").lower() == "true"
    role, hazard, follows = text("role"), text("hazard"), text("follows") or None
    return RecordedCase(text(key), hazard, role, positive("duration_months"), running, positive("depth_share"), follows)


def estimated_hazards(hazards: pd.DataFrame, disruptions: pd.DataFrame, incidents: pd.DataFrame) -> pd.DataFrame:
    """The table hazards with its estimated columns made anew; row order and all other columns are kept."""
    cases = recorded_cases(disruptions, incidents)
    counted: dict[str, int] = defaultdict(int)
    spells: dict[str, list[Spell]] = defaultdict(list)
    depths: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        counted[case.hazard] += case.role == "counted"
        if case.role in ("counted", "phase"):
            spells[case.hazard] += [Spell(case.months, case.is_running)] if case.months else []
            depths[case.hazard] += [case.depth_share] if case.depth_share else []
    estimates = _by_cause(hazards, counted, spells, depths)
    escalation = _escalations(hazards, cases)
    rows = []
    for row in hazards.to_dict("records"):
        name = str(row["hazard"])
        rate, duration, depth = estimates[name]
        made = _columns(counted[name], rate, duration, depth) | {"escalation_share": escalation.get(name)}
        rows.append(dict(row) | made)
    return pd.DataFrame(rows, columns=list(hazards.columns))


Estimates = tuple[RateEstimate, DurationEstimate, DepthEstimate]


def _by_cause(
    hazards: pd.DataFrame,
    counted: Mapping[str, int],
    spells: Mapping[str, Sequence[Spell]],
    depths: Mapping[str, Sequence[float]],
) -> dict[str, Estimates]:
    exposure = {str(row["hazard"]): float(row["exposure_years"]) for row in hazards.to_dict("records")}
    rates = rate_prior(sum(counted.get(name, 0) for name in exposure) / sum(exposure.values()))
    durations = duration_prior([spell for name in exposure for spell in spells.get(name, ())])
    seen = [depth for name in exposure for depth in depths.get(name, ())]
    overall, concentration = sum(seen) / len(seen), concentration_of(seen)
    found: dict[str, Estimates] = {}
    for _, group in hazards.groupby("cause"):
        names = sorted(str(name) for name in group["hazard"])
        three = zip(
            pooled_rates([counted.get(name, 0) for name in names], [exposure[name] for name in names], rates),
            pooled_durations([spells.get(name, ()) for name in names], durations),
            pooled_depths([depths.get(name, ()) for name in names], overall, concentration),
            strict=True,
        )
        found |= dict(zip(names, three, strict=True))
    return found


def _escalations(hazards: pd.DataFrame, cases: Iterable[RecordedCase]) -> dict[str, float]:
    """Probability that a hazard is followed by the one it may escalate to."""
    known = {case.name: case for case in cases}
    started: dict[str, int] = defaultdict(int)
    followed: dict[tuple[str, str], int] = defaultdict(int)
    for case in known.values():
        started[case.hazard] += case.role == "counted"
        before = known.get(case.follows or "")
        if case.role == "counted" and before is not None:
            followed[before.hazard, case.hazard] += 1
    first, second = ESCALATION_PRIOR
    shares = {}
    for row in hazards.to_dict("records"):
        name, after = str(row["hazard"]), row.get("escalates_to")
        if isinstance(after, str) and after:
            share = (first + followed[name, after]) / (first + second + started[name])
            shares[name] = _rounded(share)
    return shares


def _columns(count: int, rate: RateEstimate, duration: DurationEstimate, depth: DepthEstimate) -> dict[str, object]:
    return {
        "event_count": count,
        "rate_per_year": _rounded(rate.mean),
        "low": _rounded(rate.low),
        "high": _rounded(rate.high),
        "rate_shape": _rounded(rate.shape),
        "duration_family": "lognormal",
        "median_months": _rounded(duration.median_months),
        "median_low_months": _rounded(duration.low_months),
        "median_high_months": _rounded(duration.high_months),
        "log_sd": _rounded(duration.log_sd),
        "depth_family": "beta",
        "depth_share": _rounded(depth.mean),
        "depth_low_share": _rounded(depth.low),
        "depth_high_share": _rounded(depth.high),
        "depth_concentration": _rounded(depth.concentration),
    }


def _rounded(value: float) -> float:
    """Significant digits that the evidence can bear, so that the table reads the same on every machine."""
    return float(f"{value:.{DIGITS}g}")


def read_record(folder: Path, name: str) -> pd.DataFrame:
    """A table of the data folder as text, empty cells as None."""
    return (
        pd.read_csv(folder / f"{name}.csv", dtype=str, encoding="utf-8").astype(object).where(lambda x: x.notna(), None)
    )


def hazards_text(folder: Path) -> str:
    """The table hazards, estimated anew from the record in the folder, as the text of its file."""
    tables = [read_record(folder, name) for name in ("hazards", "disruptions", "incidents")]
    text: str = estimated_hazards(*tables).to_csv(index=False, lineterminator="\n")
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table hazards as the record makes it, or write it; 1 if what is printed differs from what is stored."""
    parser = argparse.ArgumentParser(prog="python -m optimizer.shocks.estimate", description=main.__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder of the tables")
    parser.add_argument("--write", action="store_true", help="replace hazards.csv")
    options = parser.parse_args(arguments)
    folder = options.data or data_root()
    file, text = folder / "hazards.csv", hazards_text(folder)
    if options.write:
        made = file.with_suffix(".partial")
        made.write_text(text, encoding="utf-8", newline="")
        os.replace(made, file)
        return 0
    sys.stdout.write(text)
    return 0 if file.read_text(encoding="utf-8") == text else 1


if __name__ == "__main__":
    sys.exit(main())
