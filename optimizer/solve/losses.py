r"""What shocks say of a first-stage vector: its plan with true losses, and the cuts that count.

Most shocks are milder than what the measure looks at, and stay so: of the flagship's 208 some 50 ever count. Blocks
that would count if losses were as last heard are asked first, all of them only when those have nothing to add. Of what
a vector violates, only cuts of losses that the measure feels there are kept: by duality they bring the master's
measure up to the true one,

.. math:: M(\theta) \ge M(L) + \sum_s d_s (\theta_s - L_s), \qquad d \ge 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.highs import TOLERANCE
from optimizer.solve.measure import Measure
from optimizer.solve.question import Question
from optimizer.solve.recourse import Cut, Recourse

UNFELT = 1e-9
"""Price of a loss up to which the measure does not feel it."""


@dataclass(frozen=True)
class Heard:
    """What some blocks say of a vector.

    Attributes:
        plan: the vector with their true losses and its true measure; None if that breaks a row.
        felt: cuts it violates that raise its measure; empty where none does.
        violated: every cut it violates.
    """

    plan: Floats | None
    felt: list[Cut]
    violated: list[Cut]


class Losses:
    """The blocks of a program as its first stage hears of them.

    Attributes:
        hot: blocks whose cuts were wanting last time.
        last: loss of every block when it was last asked for; nan if it never was.
    """

    def __init__(self, program: CompiledProgram, first: Floats, second: Floats, recourse: Recourse) -> None:
        self.program, self.recourse = program, recourse
        self.measure = Measure(program, first, second)
        self.hot: list[int] = []
        self.last: Floats = np.full(len(program.blocks), np.nan)

    def heard(self, x: Floats, question: Question, blocks: Sequence[int] | None = None) -> Heard:
        """What blocks (default: all) say of a vector.

        Raises:
            SolverFailure: if a block is infeasible or unbounded there.
        """
        asked = range(len(self.program.blocks)) if blocks is None else blocks
        found, prices, cuts = self._asked(x, question, asked)
        violated = {k: cut for k, cut in cuts.items() if is_violated(cut, x)}
        felt = {k: cut for k, cut in violated.items() if prices[k] > UNFELT}
        self.hot = list(felt or violated) or self.hot
        return Heard(found, list(felt.values()), list(violated.values()))

    def turns(self, x: Floats, question: Question, is_early: bool) -> Iterator[Sequence[int]]:
        """Blocks to ask of a vector, one group after another until one has something to add.

        Args:
            x: first-stage vector.
            question: what is minimised.
            is_early: whether to begin with those that matter most, once all were asked: near the tail, then what lost
                anything.
        """
        if is_early and not np.any(np.isnan(self.last)):
            near = self.near_the_tail(x, question)
            yield from [near] if near else []
            losing = sorted(set(np.flatnonzero(self.last > UNFELT).tolist()) - set(near))
            yield from [losing] if losing else []
        yield range(self.last.size)

    def near_the_tail(self, x: Floats, question: Question) -> list[int]:
        """Blocks whose cuts were wanting last time, and those the measure would feel if losses were as last heard."""
        completed = self.measure.complete(x, self.last, question.of_first, question.weight)
        felt = [] if completed is None else np.flatnonzero(completed.prices > UNFELT).tolist()
        return sorted({*self.hot, *felt})

    def between(self, at: Floats, x: Floats) -> list[Cut]:
        """Cuts at one vector that another violates, of the blocks that gave some last time."""
        if not self.hot:
            return []
        return [cut for cut in self.recourse.evaluate(at, self.hot).cuts if is_violated(cut, x)]

    def _asked(
        self, x: Floats, question: Question, blocks: Sequence[int]
    ) -> tuple[Floats | None, Floats, dict[int, Cut]]:
        evaluation = self.recourse.evaluate(x, blocks)
        losses = x[self.measure.thetas]
        losses[list(blocks)] = self.last[list(blocks)] = evaluation.losses
        completed = self.measure.complete(x, losses, question.of_first, question.weight)
        cuts = dict(zip(blocks, evaluation.cuts, strict=True))
        return (None, np.zeros(losses.size), cuts) if completed is None else (completed.x, completed.prices, cuts)


def is_violated(cut: Cut, x: Floats) -> bool:
    """Whether a vector breaks a cut."""
    return cut.at(x) - float(x[cut.theta]) > TOLERANCE * (1.0 + abs(float(x[cut.theta])))
