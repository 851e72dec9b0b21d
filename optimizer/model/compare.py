"""Turn a list of terms into one Pyomo relation; a relation without variables is decided at once."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.errors import Infeasible
from optimizer.model.expressions import Terms, linear

_TOLERANCE = 1e-9


def equal(terms: Terms, right: float) -> Any:
    """``sum of terms == right``."""
    left = linear(terms)
    if isinstance(left, float):
        return _decide(abs(left - right) <= _TOLERANCE)
    return left == right


def no_less(terms: Terms, right: float) -> Any:
    """``sum of terms >= right``."""
    left = linear(terms)
    if isinstance(left, float):
        return _decide(left >= right - _TOLERANCE)
    return left >= right


def no_more(terms: Terms, right: float) -> Any:
    """``sum of terms <= right``."""
    left = linear(terms)
    if isinstance(left, float):
        return _decide(left <= right + _TOLERANCE)
    return left <= right


def _decide(holds: bool) -> Any:
    """Leave out a relation that holds without any variable; keep one that cannot hold, as an infeasible row."""
    return pyo.Constraint.Skip if holds else pyo.Constraint.Infeasible


def contradiction(name: str, index: object) -> Infeasible:
    """The error for a relation that no decision can satisfy, naming the limit."""
    return Infeasible(
        "no plan can satisfy the limits of this case", [f"{name} for {index}: nothing in the case can meet it"]
    )
