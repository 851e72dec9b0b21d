"""Where a linear relaxation begins: at the basis where the nearest one ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from optimizer.solve.highs import TOLERANCE
from optimizer.solve.question import Question
from optimizer.solve.warm import Basis


@dataclass(frozen=True)
class _Known:
    """The basis of an optimum: its second objective and the price of it there."""

    second: float
    price: float
    basis: Basis


@dataclass
class Starts:
    """Bases of the relaxations solved so far."""

    known: list[_Known] = field(default_factory=list)

    def add(self, second: float, price: float, basis: Basis) -> None:
        """Keep the basis of an optimum."""
        self.known.append(_Known(second, price, basis))

    def nearest(self, question: Question) -> Basis | None:
        """The basis nearest to a question's optimum; None if there is none yet."""
        found = min(self.known, key=lambda known: _distance(question, known), default=None)
        return None if found is None else found.basis


def _distance(question: Question, known: _Known) -> float:
    if math.isfinite(question.max_second):
        return abs(known.second - question.max_second)
    return abs(math.log(max(known.price, TOLERANCE) / question.weight))
