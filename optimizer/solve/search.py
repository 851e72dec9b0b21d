"""The frontier of a program, approximately and with proof: linear curve, lines, slices, then the widest places.

1. The linear relaxation at some ten caps gives a proven lower curve and its slopes.
2. Each slope is one short mixed-integer solve (a *line*): its bound holds at every loss, its plan always counts, and
   with its integers fixed neighbouring slopes give more attained points (a *slice*).
3. Where the area between the two curves is largest, the next question is asked: a line along the chord, the same line
   under a cap, a cap inside, a cap just below the riskier end. No question is asked twice before all were asked;
   then gaps tighten and limits grow.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from optimizer.errors import UsageProblem
from optimizer.solve.certificate import areas
from optimizer.solve.crew import Team
from optimizer.solve.curve import Bound, Ledger, proof, proof_of, sampled
from optimizer.solve.highs import TOLERANCE, Termination
from optimizer.solve.infeasible import infeasible
from optimizer.solve.journal import ASKED, RELAXED, Entry, Journal, relaxed_entry
from optimizer.solve.master import Answer, Attained, Master, Question, Relaxed
from optimizer.solve.recourse import Cut
from optimizer.solve.studio import Studio, Task

CAPS = 10
"""Caps of the linear frontier."""

SLOPES = 9
"""Most lines of the first pass."""

SAFE_SHARES = (0.03, 0.1)
"""Where the safe end is looked for, as shares of the way from the least to the cheapest plan's second objective."""

SECONDS = 15.0
"""Longest first solve of a question; later passes allow more."""

PASSES = 5
"""How often gaps are tightened and limits raised once every question has been asked."""

LIKE = 0.05
"""Slopes closer than this share are the same question."""


@dataclass
class Search:
    """State of one trace.

    Attributes:
        master: used for the linear phase, and for everything if there is no crew.
        ledger: points and proofs found.
        tolerance: wanted mean gap, as a share of the first objective.
        gap_share: gap of a single solve, as a share of the first objective.
        deadline: moment (performance counter) to stop.
        budget: seconds in all.
        crew: workers that each hold a studio, or None.
        progress: called after each wave.
        journal: answers of an earlier attempt, and where new ones are kept.
    """

    master: Master
    ledger: Ledger
    tolerance: float
    gap_share: float
    deadline: float
    budget: float
    crew: Team | None = None
    progress: Callable[[int], None] | None = None
    journal: Journal = field(default_factory=Journal)
    solves: int = 0
    tier: int = 0
    asked: set[tuple[int, float, float]] = field(default_factory=set)
    prices: list[float] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    pool: list[Cut] = field(default_factory=list)

    # --- taking up ----------------------------------------------------------------------------------------------

    def take_up(self) -> None:
        """Start from everything an earlier attempt was answered: its cuts, plans and proofs."""
        self.master.add_cuts([cut for entry in self.journal.entries for cut in entry.answer.cuts])
        for entry in self.journal.entries:
            if entry.kind == ASKED:
                self.solves += 1
                self.ledger.add_points(entry.answer.attained)
                self.ledger.add_bound(proof_of(entry.answer))

    # --- linear phase -------------------------------------------------------------------------------------------

    def linear(self) -> None:
        """Proven lower curve from the linear relaxation.

        Raises:
            Infeasible: if even the relaxation has no solution.
            UsageProblem: if an objective is unbounded.
        """
        cheap = self._relax(Question())
        safe = self._relax(Question(of_first=0.0, weight=1.0))
        self.low = safe.bound if math.isfinite(safe.bound) else 0.0
        room = 10 * TOLERANCE * (1.0 + abs(self.low))
        self.ledger.add_bound(_nothing_safer(self.low - room, safe))
        second = cheap.attained.second if cheap.attained is not None else self.low
        tidy = self._relax(Question(of_first=0.0, weight=1.0, max_first=cheap.bound + TOLERANCE * abs(cheap.bound)))
        self.high = max(self.low, min(second, tidy.bound if tidy.x is not None else second))
        self.first_size = max(abs(cheap.bound), 1e-9)
        for k in range(1, CAPS):
            cap = self.low + (self.high - self.low) * (1.0 - k / CAPS) ** 1.5
            if self.high - self.low <= TOLERANCE * (1.0 + abs(self.high)) or self._is_over():
                break
            found = self._relax(Question(max_second=cap))
            if found.termination is Termination.OPTIMAL and found.price > 0.0:
                self.prices.append(found.price)
                self.ledger.add_bound(proof(Question(found.price), found.bound + found.price * cap, "LP"))

    def _relax(self, question: Question) -> Relaxed:
        self.solves += 1
        relaxed = self._relaxed(question)
        if relaxed.termination is Termination.INFEASIBLE and not math.isfinite(question.max_second):
            raise infeasible(self.master, question, self.master.groups)
        if relaxed.termination is Termination.UNBOUNDED:
            raise UsageProblem("an objective can be lowered without limit")
        if math.isfinite(relaxed.bound):
            self.ledger.add_bound(
                proof(question, relaxed.bound, "LP") if not math.isfinite(question.max_first) else None
            )
        if relaxed.attained is not None and not self.master.integers.size:
            self.ledger.add_points([relaxed.attained])
        return relaxed

    def _relaxed(self, question: Question) -> Relaxed:
        """The relaxation's answer: an earlier one, or a new one, which is kept."""
        earlier = self.journal.recall(RELAXED, question, 0.0, math.inf)
        if earlier is not None:
            return earlier.relaxed()
        known = len(self.master.cuts)
        relaxed = self.master.relax(question, seconds=self.deadline - time.perf_counter())
        self.journal.add(relaxed_entry(question, relaxed, self.master.cuts[known:]))
        return relaxed

    # --- lines --------------------------------------------------------------------------------------------------

    def lines(self) -> None:
        """First pass: the two ends, then the slopes of the linear curve, spread and alternating."""
        width = max(self.high - self.low, 1e-9)
        slight = 0.01 * self.tolerance * self.first_size / width
        steep = max([10.0 * price for price in self.prices] + [10.0 * self.first_size / width])
        slopes = self._spread()
        tasks = [self._task(slight, slopes[:1], True), self._task(steep, slopes[-1:], True)]
        tasks += [self._safe_end(share) for share in SAFE_SHARES if self.master.has_blocks]
        for k in _alternating(len(slopes)):
            tasks.append(self._task(slopes[k], slopes[max(0, k - 1) : k + 2], False))
        self.wave(tasks)

    def _task(self, weight: float, neighbours: Sequence[float], is_end: bool) -> Task:
        return Task(Question(weight), self._gap(), self._seconds(), (weight, *neighbours), is_end)

    def _safe_end(self, share: float) -> Task:
        """A cap near the least second objective of the relaxation.

        Where safety is bought with whole contracts, steep lines alone run into their limit before they find the safe
        end of the curve: on the flagship they stopped at 1.08 months where a cap of 0.5 is answered in 45 s.
        """
        cap = self.low + share * (self.high - self.low)
        return Task(Question(max_second=cap), self._gap(), 3.0 * self._seconds(), tuple(self._spread()[-2:]))

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
        share = min(self.gap_share, 0.5 * self.tolerance) * 0.4**self.tier
        return max(share * self.first_size, 1e-9)

    def _seconds(self) -> float:
        if not math.isfinite(self.budget):
            return math.inf
        return float(np.clip(self.budget / 30.0, 1.0, SECONDS)) * 2.5**self.tier

    def _is_over(self) -> bool:
        return time.perf_counter() >= self.deadline

    # --- asking -------------------------------------------------------------------------------------------------

    def wave(self, tasks: Sequence[Task]) -> None:
        """Ask tasks in batches of as many as there are workers; merge in order, so the result is reproducible."""
        size = max(1, len(self.crew)) if self.crew is not None else 1
        tasks = [task for task in tasks if not self.journal.recall(ASKED, task.question, task.gap, task.seconds)]
        for k in range(0, len(tasks), size):
            if self._is_over():
                return
            batch = [self._limited(task) for task in tasks[k : k + size]]
            starts = [self.ledger.best(task.question) for task in batch]
            for answer in self._ask(batch, starts):
                self.solves += 1
                self.ledger.add_points(answer.attained)
                self.ledger.add_bound(proof_of(answer))
                if answer.termination is Termination.INTERRUPTED:
                    raise KeyboardInterrupt
            if self.progress is not None:
                self.progress(self.solves)

    def _limited(self, task: Task) -> Task:
        left = max(0.1, self.deadline - time.perf_counter())
        return Task(task.question, task.gap, min(task.seconds, left), task.weights, task.is_end)

    def _ask(self, batch: Sequence[Task], starts: Sequence[Attained | None]) -> list[Answer]:
        if self.crew is None:
            studio = Studio(self.master)
            answers = []
            for task, start in zip(batch, starts, strict=True):
                answers.append(studio.study(task, start, ()))
                self._keep(task, answers[-1])
            return answers
        if not self.sent:
            self.sent, self.pool = [0] * len(self.crew), list(self.master.cuts)
        messages = []
        for worker, (task, start) in enumerate(zip(batch, starts, strict=True)):
            messages.append(("study", (task, start, self.pool[self.sent[worker] :])))
            self.sent[worker] = len(self.pool)
        answers = self.crew.ask(messages, lambda number, answer: self._keep(batch[number], answer))
        for answer in answers:
            self.pool.extend(answer.cuts)
        return answers

    def _keep(self, task: Task, answer: Answer) -> None:
        self.journal.add(Entry(ASKED, task.gap, task.seconds, answer))

    # --- refinement ---------------------------------------------------------------------------------------------

    def refine(self, points: int) -> None:
        """Second pass, widest place first, until the mean gap is within the tolerance; then fill up points."""
        while not self._is_over():
            if self.ledger.points and self.ledger.figures().mean_gap_share <= self.tolerance:
                break
            size = len(self.crew) if self.crew is not None else 1
            tasks = self._next(size)
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
        if not self.ledger.points:
            return []
        tasks: list[Task] = []
        for safer, riskier in self._places():
            for question in [*_questions(safer, riskier), *self._widest_piece(safer, riskier)]:
                if self._is_new(question):
                    chord = _questions(safer, riskier)[0].weight
                    tasks.append(Task(question, self._gap(), self._seconds(), (chord,)))
                    break
            if len(tasks) == size:
                break
        return tasks

    def _places(self) -> list[tuple[Attained, Attained]]:
        """Neighbours on the attained curve, widest area between the curves first; those without area are left out."""
        curve = self.ledger.curve()
        area = areas(curve)
        points = self.ledger.nondominated().points
        middle = 0.5 * (curve.left + curve.right)
        found = []
        for riskier, safer in itertools.pairwise(points):
            inside = (middle > safer.second) & (middle < riskier.second)
            found.append((float(np.sum(area[inside])), safer, riskier))
        total = float(np.sum(area))
        wide = [entry for entry in found if entry[0] > 1e-3 * total]
        return [(safer, riskier) for _, safer, riskier in sorted(wide, key=lambda entry: -entry[0])]

    def _widest_piece(self, safer: Attained, riskier: Attained) -> list[Question]:
        """Caps at the end and in the middle of the widest open piece of a place: new ones whenever a proof cut it."""
        curve = self.ledger.curve()
        middle = 0.5 * (curve.left + curve.right)
        area = np.where((middle > safer.second) & (middle < riskier.second), areas(curve), 0.0)
        if not area.size or area.max() <= 0.0:
            return []
        k = int(np.argmax(area))
        left, right = float(curve.left[k]), float(curve.right[k])
        return [Question(max_second=right - 0.01 * (right - left)), Question(max_second=0.5 * (left + right))]

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
                self.wave([Task(question, self._gap(), self._seconds())])
                return True
        return False


def _nothing_safer(max_second: float, safe: Relaxed) -> Bound | None:
    """Nothing is safer than the relaxation's safest."""
    if safe.termination is not Termination.OPTIMAL:
        return None
    return Bound("infeasible", max_second, 0.0, math.inf, "LP")


def _questions(safer: Attained, riskier: Attained) -> list[Question]:
    """Questions for one place, in the order they are tried."""
    width, height = riskier.second - safer.second, safer.first - riskier.first
    chord = height / width
    return [
        Question(chord),
        Question(chord, riskier.second),
        Question(max_second=safer.second + 0.6 * width),
        Question(max_second=riskier.second - 0.01 * width),
        Question(max_second=safer.second + 0.3 * width),
        Question(max_second=safer.second + 0.85 * width),
    ]


def _alternating(size: int) -> Iterator[int]:
    """Middle first, then outwards, so that early stops leave an even picture."""
    middle = size // 2
    yield from sorted(range(size), key=lambda k: (abs(k - middle) % 2, abs(k - middle), k))
