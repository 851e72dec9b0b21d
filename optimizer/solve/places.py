"""Where the area between the attained and the proven curve is widest, and what to ask there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optimizer.solve.certificate import Curve, areas
from optimizer.solve.curve import Ledger
from optimizer.solve.question import Attained, Question

NARROW = 1e-3
"""Share of the whole area below which a place is left alone."""


@dataclass(frozen=True)
class Place:
    """The stretch between two neighbours on the attained curve.

    Attributes:
        safer, riskier: the neighbours.
        area: between the two curves, in the product of the units of the objectives.
        curve: both curves, over the whole range.
    """

    safer: Attained
    riskier: Attained
    area: float
    curve: Curve

    @property
    def chord(self) -> float:
        """Slope from one neighbour to the other: first objective per unit of the second."""
        return (self.safer.first - self.riskier.first) / (self.riskier.second - self.safer.second)

    def questions(self) -> Iterator[Question]:
        """What may be asked here, in the order it is tried; the last two are new whenever a proof cut the place."""
        safer, riskier = self.safer.second, self.riskier.second
        width = riskier - safer
        yield Question(self.chord)
        yield Question(self.chord, riskier)
        for share in (0.6, 0.99, 0.3, 0.85):
            yield Question(max_second=safer + share * width)
        yield from self._widest_piece()

    def _widest_piece(self) -> Iterator[Question]:
        """Caps at the end and in the middle of the widest open piece."""
        curve = self.curve
        area = np.where(_inside(curve, self.safer, self.riskier), areas(curve), 0.0)
        if area.size and area.max() > 0.0:
            k = int(np.argmax(area))
            left, right = float(curve.left[k]), float(curve.right[k])
            yield Question(max_second=right - 0.01 * (right - left))
            yield Question(max_second=0.5 * (left + right))


def wide_places(ledger: Ledger) -> list[Place]:
    """Places that are still open, widest first."""
    curve = ledger.curve()
    area = areas(curve)
    found = [
        Place(safer, riskier, float(np.sum(area[_inside(curve, safer, riskier)])), curve)
        for riskier, safer in itertools.pairwise(ledger.nondominated().points)
    ]
    least = NARROW * float(np.sum(area))
    return sorted((place for place in found if place.area > least), key=lambda place: -place.area)


def _inside(curve: Curve, safer: Attained, riskier: Attained) -> np.ndarray:
    """Which pieces of the curve lie between two neighbours."""
    middle = 0.5 * (curve.left + curve.right)
    return np.asarray((middle > safer.second) & (middle < riskier.second))
