"""Linear expressions in one go: a list of (coefficient, variable) instead of nested sums."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyomo.core.expr.numeric_expr import LinearExpression


def linear(terms: Iterable[tuple[float, Any]], constant: float = 0.0) -> Any:
    """Return ``constant + sum of coefficient x variable``; zero coefficients are left out."""
    kept = [(coefficient, variable) for coefficient, variable in terms if coefficient != 0.0]
    if not kept:
        return constant
    return LinearExpression(
        constant=constant,
        linear_coefs=[coefficient for coefficient, _ in kept],
        linear_vars=[variable for _, variable in kept],
    )


Terms = list[tuple[float, Any]]
"""A linear form as a list; ``terms`` of the rules below are concatenated, then turned into one expression."""


def scaled(factor: float, terms: Terms) -> Terms:
    """Multiply every coefficient of a linear form."""
    return [(factor * coefficient, variable) for coefficient, variable in terms]
