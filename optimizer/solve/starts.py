"""Where a linear relaxation begins: at the basis where the nearest one ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from optimizer.solve.highs import TOLERANCE
from optimizer.solve.question import Question
from optimizer.solve.warm import BASIC, Basis


@dataclass(frozen=True)
class Ending:
    """Where a linear solve ended.

    Attributes:
        basis: whose last rows are cuts.
        held: numbers of those cuts.
    """

    basis: Basis
    held: tuple[int, ...]

    @property
    def binding(self) -> dict[int, Any]:
        """Status of each cut that is not basic, by number."""
        cuts = self.basis.rows[len(self.basis.rows) - len(self.held) :]
        return {number: status for number, status in zip(self.held, cuts, strict=True) if status != BASIC}

    def with_cuts(self, held: Sequence[int]) -> Basis:
        """The same basis where other cuts are held; those it does not know are basic."""
        binding = self.binding
        rows = self.basis.rows[: len(self.basis.rows) - len(self.held)]
        return Basis(self.basis.columns, [*rows, *(binding.get(number, BASIC) for number in held)])


@dataclass(frozen=True)
class Start:
    """An optimum where others may begin.

    Attributes:
        second: second objective there.
        price: of the second objective there.
        ending: its basis.
    """

    second: float
    price: float
    ending: Ending


@dataclass
class Starts:
    """Bases of the relaxations solved so far."""

    known: list[Start] = field(default_factory=list)

    def add(self, start: Start) -> None:
        """Keep the basis of an optimum."""
        self.known.append(start)

    def nearest(self, question: Question) -> Start | None:
        """The basis nearest to a question's optimum; None if there is none yet."""
        return min(self.known, key=lambda known: _distance(question, known), default=None)


def _distance(question: Question, known: Start) -> float:
    if math.isfinite(question.max_second):
        return abs(known.second - question.max_second)
    return abs(math.log(max(known.price, TOLERANCE) / question.weight))
