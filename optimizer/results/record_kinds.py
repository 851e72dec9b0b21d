"""Kinds of what a run's records hold, as far as later commands use it. What else a record says is let through.

Figures may be missing (``null``): JSON has no infinity and no "not a number", so those are written that way.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, RootModel, model_validator


class Kinds(BaseModel):
    """Numbers are finite, and nothing is made of text that stands where a number belongs."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="ignore")


class CertificateKinds(Kinds):
    """How far a frontier is proven."""

    mean_gap_share: float | None
    max_gap_share: float | None
    solves: int


class MeasureKinds(Kinds):
    """How losses are measured."""

    kind: str = ""
    alpha: float | None = None
    year_weights: dict[str, Any] = {}


class RunKinds(Kinds):
    """``run.json``. A single plan has an empty certificate."""

    case: str
    case_hash: str
    data_hash: str
    job: str = ""
    title: str = ""
    question: str = ""
    status: str = ""
    started: str = ""
    finished: str = ""
    versions: dict[str, str] = {}
    options: dict[str, Any] = {}
    seconds: dict[str, float | None] = {}
    size: dict[str, float | None] = {}
    measure: MeasureKinds = MeasureKinds()
    points: list[Any] = []
    certificate: Annotated[CertificateKinds | None, BeforeValidator(lambda told: None if told == {} else told)] = None


class CheckKinds(Kinds):
    """One check of the audit."""

    name: str = ""
    passed: bool


class AuditKinds(Kinds):
    """``audit.json``. What does not say that it passed has not."""

    passed: bool = False
    checks: list[CheckKinds] = []

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.passed and not all(check.passed for check in self.checks):
            raise ValueError("a run that passed its audit has no check that failed")
        return self


class AssumedKinds(RootModel[dict[str, float]]):
    """``assumed.json``: share of assumed figures by table."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class ResumedKinds(Kinds):
    """``points/resumed.json``."""

    moments: list[str]


class AnyKinds(RootModel[dict[str, Any]]):
    """A record of which nothing is used but whether it is there, or what has a meaning whatever it is."""
