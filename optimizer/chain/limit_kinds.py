"""Kinds of limits a case may set on the plan, as the instance holds them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ShareCap:
    """Largest share of a stage's flow (by tracked mass) from a set of facilities, in given years.

    With ``penalty_usd_per_kg`` it is a benchmark: what lies above it is paid for, not forbidden.
    """

    name: str
    stage: str
    facilities: frozenset[str]
    max_share: float
    years: tuple[int, ...]
    penalty_usd_per_kg: float | None = None


@dataclass(frozen=True, slots=True)
class SupplierCount:
    """Least and largest number of facilities with a contract at a stage, in given years."""

    name: str
    stage: str
    facilities: frozenset[str]
    min_count: int | None
    max_count: int | None
    years: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """Most that may be spent (MUSD, real, undiscounted) on the named cost terms in given years together."""

    name: str
    terms: tuple[str, ...]
    years: tuple[int, ...]
    max_musd: float


@dataclass(frozen=True, slots=True)
class EnvironmentCap:
    """Largest load of an indicator over a set of facilities in given years together.

    With ``is_per_kg`` the value is per kilogram of demand met in these years.
    """

    name: str
    indicator: str
    facilities: frozenset[str]
    years: tuple[int, ...]
    max_value: float
    is_per_kg: bool = False


@dataclass(frozen=True, slots=True)
class BuildLimit:
    """Most sponsored projects of a set that may be under construction in the same year."""

    name: str
    projects: frozenset[str]
    max_projects: int
