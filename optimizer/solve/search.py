"""The frontier of a program, approximately and with proof: linear curve, rounded plans, lines, then the widest places.

1. The linear relaxation at some caps gives a proven lower curve and its slopes. Where mixed-integer solves are long,
   each relaxation is rounded to a plan at once: a whole curve of portfolios before the first of those solves.
2. Each slope is one short mixed-integer solve (a *line*): its bound holds at every loss, its plan always counts, and
   with its integers fixed neighbouring slopes give more attained points (a *slice*). Where plans are there already,
   only the ends are asked for, if they are missing.
3. Where the area between the two curves is largest, the next question is asked: a line along the chord, the same line
   under a cap, a cap inside, a cap just below the riskier end. No question is asked twice before all were asked;
   then gaps tighten and limits grow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from optimizer.errors import UsageProblem
from optimizer.solve.curve import Bound, Ledger, proof, proof_of, sampled
from optimizer.solve.desk import Desk
from optimizer.solve.effort import Effort
from optimizer.solve.highs import TOLERANCE, Termination
from optimizer.solve.journal import ASKED, ROUNDED
from optimizer.solve.master import Master
from optimizer.solve.places import wide_places
from optimizer.solve.question import Attained, NoPlan, Question, Relaxed
from optimizer.solve.studio import Ground, Task

CAPS = 8
"""Caps of the linear frontier."""

SAFEST_SHARE = 0.015
"""One cap more, at this share of the way from the least to the cheapest plan's second objective."""

SLOPES = 9
"""Most lines of the first pass."""

SAFE_SHARES = (0.03, 0.1)
"""Where the safe end is looked for, as shares of the way from the least to the cheapest plan's second objective."""

SECONDS = 25.0
"""Longest first solve of a question; later passes allow more. The root of the flagship takes 16 s."""

PASSES = 5
"""How often gaps are tightened and limits raised once every question has been asked."""

LACKING = 0.05
"""Share of a question's gap that losses found too low may be worth in the linear phase of a large program."""

LIKE = 0.05
"""Slopes closer than this share are the same question."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class Progress:
    """How far a trace is.

    Attributes:
        solves: questions put to the solver so far.
        points: nondominated plans so far.
        mean_gap_share, uncertain_share: of the certificate as it stands (nan before the first plan).
        seconds_left: until the time limit (inf without one).
    """

    solves: int
    points: int = 0
    mean_gap_share: float = math.nan
    uncertain_share: float = math.nan
    seconds_left: float = math.inf


@dataclass
class Search:
    """State of one trace.

    Attributes:
        desk: where questions are put.
        ledger: points and proofs found.
        effort: wanted mean gap, gap of a single solve, seconds in all.
        progress: called after each wave.
    """

    desk: Desk
    ledger: Ledger
    effort: Effort
    progress: Callable[[Progress], None] | None = None
    solves: int = 0
    tier: int = 0
    asked: set[tuple[int, float, float]] = field(default_factory=set)
    prices: list[float] = field(default_factory=list)
    tangents: list[tuple[float, Relaxed]] = field(default_factory=list)

    @property
    def master(self) -> Master:
        """The program's master in this process."""
        return self.desk.master

    @property
    def is_large(self) -> bool:
        """Whether mixed-integer solves are long enough for everything that avoids them."""
        return self.master.has_blocks and self.master.is_large

    # --- taking up ----------------------------------------------------------------------------------------------

    def take_up(self) -> None:
        """Start from everything an earlier attempt was answered: its plans and proofs (its cuts are with the desk)."""
        for entry in self.desk.journal.entries:
            if entry.kind in (ASKED, ROUNDED):
                self.ledger.add_points(entry.answer.attained)
            if entry.kind == ASKED:
                self.solves += 1
                self.ledger.add_bound(proof_of(entry.answer))

    # --- linear phase -------------------------------------------------------------------------------------------

    def linear(self) -> None:
        """Proven lower curve from the linear relaxation, with the plans rounded from it.

        Raises:
            NoPlan: if even the relaxation has no solution.
            UsageProblem: if an objective is unbounded.
        """
        self._ends()
        if self.high - self.low <= TOLERANCE * (1.0 + abs(self.high)):
            return
        shares = [*((1.0 - k / CAPS) ** 1.5 for k in range(1, CAPS)), SAFEST_SHARE]
        caps = [self.low + (self.high - self.low) * share for share in shares]
        for batch in _batches(caps, self.desk.size):
            if self._is_over():
                return
            for cap, found in zip(
                batch, self._relax([Question(max_second=cap) for cap in batch], self._slack()), strict=True
            ):
                if found.termination is Termination.OPTIMAL and found.price > 0.0:
                    self._tangent(cap, found)

    def _tangent(self, cap: float, found: Relaxed) -> None:
        """The price of a cap is a slope whose line the same relaxation proves everywhere."""
        self.prices.append(found.price)
        level = found.bound + found.price * cap
        self.tangents.append((cap, replace(found, bound=level, attained=None, outcome=None)))
        self.ledger.add_bound(proof(Question(found.price), level, "LP"))

    def _ends(self) -> None:
        """Least first and least second objective of the relaxation, and the second objective of the former."""
        ends = [Question(), Question(of_first=0.0, weight=1.0)]
        cheap, safe = [found for batch in _batches(ends, self.desk.size) for found in self._relax(batch)]
        self.low = safe.bound if math.isfinite(safe.bound) else 0.0
        room = 10 * TOLERANCE * (1.0 + abs(self.low))
        self.ledger.add_bound(_nothing_safer(self.low - room, safe))
        self.high = max(self.low, cheap.attained.second if cheap.attained is not None else self.low)
        self.first_size = max(abs(cheap.bound), 1e-9)
        if not self.is_large:
            ceiling = cheap.bound + TOLERANCE * abs(cheap.bound)
            tidy = self._relax([Question(of_first=0.0, weight=1.0, max_first=ceiling)])[0]
            self.high = max(self.low, min(self.high, tidy.bound if tidy.x is not None else self.high))

    def _relax(self, questions: Sequence[Question], slack: float = 0.0) -> list[Relaxed]:
        grounds = self.desk.relax(questions, slack)
        for question, ground in zip(questions, grounds, strict=True):
            self.solves += 1
            self._add_ground(question, ground)
        self._report()
        return [ground.relaxed for ground in grounds]

    def _add_ground(self, question: Question, ground: Ground) -> None:
        relaxed = ground.relaxed
        if relaxed.termination is Termination.INFEASIBLE and not math.isfinite(question.max_second):
            raise NoPlan(question)
        if relaxed.termination is Termination.UNBOUNDED:
            raise UsageProblem("an objective can be lowered without limit")
        if math.isfinite(relaxed.bound) and not math.isfinite(question.max_first):
            self.ledger.add_bound(proof(question, relaxed.bound, "LP"))
        if relaxed.attained is not None and not self.master.integers.size:
            self.ledger.add_points([relaxed.attained])
        self.ledger.add_points(ground.plans)

    # --- lines --------------------------------------------------------------------------------------------------

    def lines(self) -> None:
        """First pass: what the linear phase left open of the ends and, if it left all open, the slopes between."""
        width = max(self.high - self.low, 1e-9)
        slight = 0.01 * self.effort.tolerance_share * self.first_size / width
        steep = max([10.0 * price for price in self.prices] + [10.0 * self.first_size / width])
        slopes = self._spread()
        ends = [self._line(slight, slopes[:1], True)] if self._lacks_cheap_end() else []
        if not self.master.has_blocks:
            ends.append(self._line(steep, slopes[-1:], True))
        elif self._lacks_safe_end():
            ends += [self._safe_end(share) for share in SAFE_SHARES]
        between = [self._line(slopes[k], slopes[max(0, k - 1) : k + 2], False) for k in _alternating(len(slopes))]
        self.wave([*([] if self.ledger.points else between), *ends])

    def _lacks_cheap_end(self) -> bool:
        """Whether no plan is as cheap as proven possible, to a tenth of the gap: losses of the curve end there."""
        return not any(point.first <= self.first_least + 0.1 * self._gap() for point in self.ledger.points)

    def _lacks_safe_end(self) -> bool:
        """Whether no plan is about as safe as the relaxation says is possible."""
        enough = self.low + SAFE_SHARES[0] * 2.0 * (self.high - self.low)
        return not any(point.second <= enough for point in self.ledger.points)

    @property
    def first_least(self) -> float:
        """Proven least first objective."""
        return max(
            (b.bound for b in self.ledger.bounds if b.kind == "cap" and math.isinf(b.max_second)), default=-math.inf
        )

    def _line(self, weight: float, neighbours: Sequence[float], is_end: bool) -> Task:
        return self._posed(Question(weight), (weight, *neighbours), is_end)

    def _posed(self, question: Question, weights: Sequence[float], is_end: bool = False, longer: float = 1.0) -> Task:
        return Task(question, self._gap(), longer * self._seconds(), tuple(weights), is_end, self._nearest(question))

    def _nearest(self, question: Question) -> Relaxed | None:
        """The linear relaxation whose optimum lies nearest to a question's: it says which cuts matter there.

        Its bound is kept only if it is the question's own. Small programs are relaxed anew instead.
        """
        if not self.tangents or not self.is_large:
            return None
        if math.isfinite(question.max_second):
            _, found = min(self.tangents, key=lambda entry: abs(entry[0] - question.max_second))
        else:
            wanted = math.log(max(question.weight, 1e-12))
            _, found = min(self.tangents, key=lambda entry: abs(math.log(entry[1].price) - wanted))
        is_own = question == Question(found.price)
        return found if is_own else replace(found, bound=-math.inf)

    def _safe_end(self, share: float) -> Task:
        """A cap near the least second objective of the relaxation.

        Where safety is bought with whole contracts, steep lines alone run into their limit before they find the safe
        end of the curve: on the flagship they stopped at 1.08 months where a cap of 0.5 is answered in 45 s.
        """
        cap = self.low + share * (self.high - self.low)
        return self._posed(Question(max_second=cap), self._spread()[-2:], longer=2.0)

    def _spread(self) -> list[float]:
        """Distinct slopes of the linear curve, at most ``SLOPES`` of them, ascending."""
        distinct: list[float] = []
        for price in sorted(self.prices):
            if not distinct or price > distinct[-1] * 1.15:
                distinct.append(price)
        if len(distinct) > SLOPES:
            distinct = [distinct[int(k)] for k in np.linspace(0, len(distinct) - 1, SLOPES).round()]
        return distinct

    def _gap(self) -> float:
        share = min(self.effort.gap_share, 0.5 * self.effort.tolerance_share) * 0.4**self.tier
        return max(share * self.first_size, 1e-9)

    def _slack(self) -> float:
        return LACKING * self._gap() if self.is_large else 0.0

    def _seconds(self) -> float:
        if not math.isfinite(self.effort.time_limit_s):
            return math.inf
        return float(np.clip(self.effort.time_limit_s / 20.0, 1.0, SECONDS)) * 2.0**self.tier

    def _is_over(self) -> bool:
        return self.desk.seconds_left <= 0.0

    # --- asking -------------------------------------------------------------------------------------------------

    def wave(self, tasks: Sequence[Task]) -> None:
        """Ask tasks in batches of as many as there are workers; merge in order, so the result is reproducible."""
        for batch in _batches([task for task in tasks if not self.desk.is_known(task)], self.desk.size):
            if self._is_over():
                return
            starts = [self.ledger.best(task.question) for task in batch]
            for answer in self.desk.study(batch, starts):
                self.solves += 1
                self.ledger.add_points(answer.attained)
                self.ledger.add_bound(proof_of(answer))
            self._report()

    def _report(self) -> None:
        if self.progress is None:
            return
        left = self.desk.seconds_left
        if not self.ledger.points:
            self.progress(Progress(self.solves, seconds_left=left))
            return
        figures, count = self.ledger.figures(), len(self.ledger.nondominated().points)
        self.progress(Progress(self.solves, count, figures.mean_gap_share, figures.uncertain_share, left))

    # --- refinement ---------------------------------------------------------------------------------------------

    def refine(self, points: int) -> None:
        """Second pass, widest place first, until the mean gap is within the tolerance; then fill up points.

        There is a plan by now.
        """
        while not self._is_over():
            if self.ledger.figures().mean_gap_share <= self.effort.tolerance_share:
                break
            tasks = self._next(self.desk.size)
            if not tasks:
                if self.tier + 1 >= PASSES:
                    break
                self.tier += 1
                self.asked.clear()
                continue
            self.wave(tasks)
        self._fill(points)

    def _next(self, size: int) -> list[Task]:
        """Questions for the widest places, one each."""
        tasks: list[Task] = []
        for place in wide_places(self.ledger):
            question = next(filter(self._is_new, place.questions()), None)
            if question is not None:
                tasks.append(self._posed(question, (place.chord,)))
            if len(tasks) == size:
                break
        return tasks

    def _is_new(self, question: Question) -> bool:
        """Whether a question like this was not asked in this pass; it counts as asked from now on."""
        slope = round(math.log(question.weight) / LIKE) if question.weight > 0.0 else -(10**9)
        width = max(self.high - self.low, 1e-9)
        cap = round(question.max_second / width, 4) if math.isfinite(question.max_second) else math.inf
        key = (slope, cap, 0.0)
        if key in self.asked:
            return False
        self.asked.add(key)
        return True

    # --- points -------------------------------------------------------------------------------------------------

    def _fill(self, wanted: int) -> None:
        """Ask caps inside the widest steps until enough points are there; segments are sampled without solving."""
        for _ in range(2 * wanted):
            front = self.ledger.nondominated()
            if len(front.points) < 2 or len(sampled(front, wanted).points) >= wanted or self._is_over():
                return
            if not self._fill_one(front.points):
                return

    def _fill_one(self, points: Sequence[Attained]) -> bool:
        order = sorted(range(len(points) - 1), key=lambda k: points[k].first - points[k + 1].first)
        for k in order:
            question = Question(max_second=0.5 * (points[k].second + points[k + 1].second))
            if self._is_new(question):
                self.wave([self._posed(question, ())])
                return True
        return False


def _batches(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Items in groups of at most ``size``, in order."""
    for k in range(0, len(items), size):
        yield items[k : k + size]


def _nothing_safer(max_second: float, safe: Relaxed) -> Bound | None:
    """Nothing is safer than the relaxation's safest."""
    if safe.termination is not Termination.OPTIMAL:
        return None
    return Bound("infeasible", max_second, 0.0, math.inf, "LP")


def _alternating(size: int) -> Iterator[int]:
    """Middle first, then outwards, so that early stops leave an even picture."""
    middle = size // 2
    yield from sorted(range(size), key=lambda k: (abs(k - middle) % 2, abs(k - middle), k))
