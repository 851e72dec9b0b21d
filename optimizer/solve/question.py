"""What is asked of a program with two objectives, and what comes back: plans that exist, and proofs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from optimizer.solve.compiled import Floats
from optimizer.solve.highs import TOLERANCE, Outcome, Termination
from optimizer.solve.recourse import Cut


@dataclass(frozen=True)
class Question:
    """Minimise ``of_first * first + weight * second`` with both objectives capped."""

    weight: float = 0.0
    max_second: float = math.inf
    max_first: float = math.inf
    of_first: float = 1.0

    def value(self, first: float, second: float) -> float:
        """Objective at these two values."""
        return self.of_first * first + self.weight * second

    def allows(self, point: Attained) -> bool:
        """Whether a plan meets the caps, but for rounding."""
        pairs = ((point.first, self.max_first), (point.second, self.max_second))
        return all(value <= cap + 10 * TOLERANCE * (1.0 + abs(cap)) for value, cap in pairs)


@dataclass(frozen=True)
class Attained:
    """A plan that exists: first-stage vector with true losses, its two values, fingerprint of its integers."""

    x: Floats
    first: float
    second: float
    integers_hash: str


class NoPlan(Exception):
    """It is proven that a question has no plan; what stands in the way is told by whoever knows the limits' names."""

    def __init__(self, question: Question) -> None:
        super().__init__("no plan satisfies the limits given")
        self.question = question


@dataclass(frozen=True)
class Relaxed:
    """Converged linear phase: bound (inf if proven infeasible), price of the cap on second, and the plan if any."""

    termination: Termination
    bound: float
    price: float
    x: Floats | None
    attained: Attained | None
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Answer:
    """What one question gave: attained points (best first), proven bound on its objective, how it ended."""

    question: Question
    attained: tuple[Attained, ...]
    bound: float
    termination: Termination
    word: str
    seconds: float
    cuts: tuple[Cut, ...] = ()

    @property
    def is_proven_infeasible(self) -> bool:
        """Whether nothing satisfies the question's caps, by proof."""
        return self.termination is Termination.INFEASIBLE
