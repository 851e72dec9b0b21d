"""Planned plants and expansions that sponsoring brings forward."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from optimizer.chain.capacity import ramp_share
from optimizer.chain.instance import Project
from optimizer.chain.records import Row, number
from optimizer.chain.technology import Hold


def profile_of(build_years: float, ramp_up_years: float, length: int) -> tuple[float, ...]:
    """Give the mean share of the entitlement that is up in each year after a decision at a year's start."""
    return tuple(ramp_share(build_years, ramp_up_years, age) for age in range(length))


def build_project(row: Row, years: Sequence[int], hold: Hold | None = None) -> Project:
    """Turn a row of ``projects`` into a project; decision years outside the horizon are left out.

    ``hold`` is what technology controls do to it: a delay of the first output and an extra cost; a project that is
    stopped has no decision years. The profile has one share per year of age and runs until it is full, at least over
    the whole horizon.
    """
    hold = hold or Hold()
    build, ramp = number(row, "build_years") + hold.delay_years, number(row, "ramp_up_years")
    length = max(len(years), int(build + ramp) + 2)
    return Project(
        project=row["project"],
        facility=row["facility"],
        name=row["name"],
        entitlement_t_per_year=number(row, "entitlement_t_per_year"),
        cost_musd=number(row, "cost_musd") * (1.0 + hold.extra_cost_share),
        life_years=number(row, "life_years", 1.0),
        years=tuple(t for t in years if row["first_year"] <= t <= row["last_year"] and not hold.is_stopped),
        profile=profile_of(build, ramp, length),
        build_years=ceil(build),
    )
