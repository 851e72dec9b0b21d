"""Capacity by year: ramp-up, availability, promised volumes and what one buyer can have of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from optimizer.chain.instance import Facility, OriginClass, Project
from optimizer.chain.records import Row, number


def ramp_share(start: float, ramp_years: float, year: int) -> float:
    """Give the mean share of full output in a calendar year.

    Output grows in a straight line from nothing at ``start`` (a date in years, 2027.5 is mid-2027) to full
    ``ramp_years`` later. A two-year ramp from the start of a year gives 0.25, 0.75, 1.
    """

    def produced(date: float) -> float:
        run = date - start
        if run <= 0:
            return 0.0
        return run * run / (2 * ramp_years) if run < ramp_years else run - ramp_years / 2

    return produced(year + 1.0) - produced(float(year))


def promised_share(offtakes: Iterable[Row], year: int) -> float:
    """Give the share of capacity promised to others in a year, at most 1."""
    promised = sum(number(row, "committed_share") for row in offtakes if row["from_year"] <= year <= row["to_year"])
    return min(1.0, promised)


def build_facility(row: Row, offtakes: Sequence[Row], years: Sequence[int], origin_bits: OriginClass) -> Facility:
    """Turn a row of ``facilities`` into a facility with capacity (t/yr on its own basis) by year.

    capacity = nameplate x availability x ramp-up; open = capacity x (1 - promised) x ceiling of the kind. A row
    without a start year has no capacity of its own; after its closing year a plant has none either.
    """
    full = number(row, "capacity_t_per_year") * number(row, "availability_share", 1.0)
    start, ramp = row.get("start_year"), number(row, "ramp_up_years")
    last = number(row, "closing_year", 9999.0)
    capacity = {t: 0.0 if start is None or t > last else full * ramp_share(float(start), ramp, t) for t in years}
    free = {t: capacity[t] * (1.0 - promised_share(offtakes, t)) for t in years}
    return Facility(
        facility=row["facility"],
        name=row["name"],
        operator=row["operator"],
        country_iso3=row["country_iso3"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        stage=row["stage"],
        status=row["status"],
        is_aggregate=bool(row.get("is_aggregate")),
        start_year=None if start is None else int(start),
        origin_bits=origin_bits,
        capacity_t=capacity,
        open_sale_t={t: free[t] * number(row, "sale_ceiling_share") for t in years},
        open_toll_t={t: free[t] * number(row, "toll_ceiling_share") for t in years},
    )


def capacity_years(facility: Facility, projects: Iterable[Project], years: Sequence[int]) -> frozenset[int]:
    """Give the years in which a facility can run: by itself, or because some project there can be up."""
    found = {t for t in years if facility.capacity_t[t] > 0}
    for project in projects:
        for decided in project.years:
            found.update(t for t in years if t >= decided and share_up(project.profile, t - decided) > 0)
    return frozenset(found)


def share_up(profile: Sequence[float], age: int) -> float:
    """Give the share of an entitlement that is up ``age`` years after the decision; the last value is held."""
    return profile[min(age, len(profile) - 1)] if profile else 0.0


def keep_running_open(facility: Facility, running: Mapping[str, Mapping[int, float]]) -> Facility:
    """Widen open capacity to what running contracts already use, at most to capacity.

    ``running`` maps a kind (sale, toll) to capacity in use (t/yr on the facility's basis) per year: a volume the
    buyer has today is not taken away by the assumed ceiling.
    """

    def widened(opened: Mapping[int, float], used: Mapping[int, float]) -> dict[int, float]:
        return {t: max(value, min(used.get(t, 0.0), facility.capacity_t[t])) for t, value in opened.items()}

    return replace(
        facility,
        open_sale_t=widened(facility.open_sale_t, running.get("sale", {})),
        open_toll_t=widened(facility.open_toll_t, running.get("toll", {})),
    )
