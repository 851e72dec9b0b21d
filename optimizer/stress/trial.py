"""Plans put to strikes: templates built and solved in worker processes, a few groups at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.chain.instance import Instance
from optimizer.model.sets import build_sets
from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.crew import Crew
from optimizer.stress.evaluate import Responses, respond
from optimizer.stress.strikes import Strike, Window
from optimizer.stress.templates import Group, Plans, compiled_templates, groups_of, limits_of
from optimizer.stress.times import clock_of, late_losses, opening_stock
from optimizer.stress.trim import trimmed
from optimizer.stress.used import use_of

CHUNK = 16
"""Groups whose templates are built together: what a worker holds at a time."""


@dataclass(frozen=True)
class Outcomes:
    """What strikes do to plans; arrays are strike by strike.

    Attributes:
        losses, survive, recover: point → months.
        groups: templates built.
        solves: linear programs solved for losses.
        skipped: pairs of plan and strike that touch nothing the plan uses.
    """

    losses: Mapping[int, Floats]
    survive: Mapping[int, Floats]
    recover: Mapping[int, Floats]
    groups: int
    solves: int
    skipped: int

    def part(self, first: int, last: int | None) -> Outcomes:
        """The same for some of the strikes."""
        cut = slice(first, last)
        losses = {point: months[cut] for point, months in self.losses.items()}
        survive = {point: months[cut] for point, months in self.survive.items()}
        recover = {point: months[cut] for point, months in self.recover.items()}
        return replace(self, losses=losses, survive=survive, recover=recover)


@dataclass(frozen=True)
class _Answer:
    """A group's answer for one point."""

    point: int
    group: Group
    losses: Floats
    survive: Floats
    recover: Floats
    solves: int


class _Bench:
    """Puts groups to plans; lives in this process or in a worker."""

    def __init__(self, instance: Instance, plans: Plans, window: Window) -> None:
        self.instance, self.plans, self.window = instance, plans, window
        self._sets = build_sets(instance)
        self._part = trimmed(instance, self._sets, plans)
        self._opening = {point: opening_stock(instance, plans, point) for point in plans.vectors}

    def answer(self, work: Sequence[tuple[Group, tuple[int, ...]]]) -> list[_Answer]:
        """Answers of the points named beside every group."""
        groups = [group for group, _ in work]
        program = compiled_templates(groups, self.instance, self._sets, self._part, self.window)
        vectors = self.plans.in_order_of(program)
        secondary = late_losses(program)
        answers = []
        for number, (group, points) in enumerate(work):
            limits = limits_of(program.blocks[number], group, self.instance)
            for point in points:
                found = respond(program.blocks[number], vectors[point], group, limits, secondary[number])
                answers.append(self._timed(program, number, group, point, found))
        return answers

    def _timed(self, program: CompiledProgram, number: int, group: Group, point: int, found: Responses) -> _Answer:
        survive = np.full(found.losses.size, self.window.months)
        recover = np.zeros(found.losses.size)
        if found.profiles:
            block = program.blocks[number]
            clock = clock_of(self.instance, block, group.periods, found.columns, self.window.months)
            opening = self._opening[point][group.start_year]
            for distinct, values in found.profiles.items():
                members = found.distinct == distinct
                survive[members], recover[members] = clock.read(values, opening)
        return _Answer(point, group, found.losses, survive, recover, found.solves)


def put_to(
    strikes: Sequence[Strike],
    instance: Instance,
    plans: Plans,
    window: Window,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Outcomes:
    """Losses and times of every plan under every strike.

    Strikes that touch nothing a plan uses are skipped: they cost it nothing. The rest is grouped, and every group is
    one template that is built once for all plans.

    Args:
        strikes: what happens.
        instance: the case.
        plans: first-stage vectors.
        window: over which losses are counted.
        workers: processes.
        progress: told (groups done, groups in all).
    """
    losses = {point: np.zeros(len(strikes)) for point in plans.vectors}
    survive = {point: np.full(len(strikes), window.months) for point in plans.vectors}
    recover = {point: np.zeros(len(strikes)) for point in plans.vectors}
    work, skipped = _work(strikes, instance, plans, window)
    solves = 0
    for done, answers in _answers(work, (instance, plans, window), workers):
        for answer in answers:
            places = answer.group.positions
            losses[answer.point][places] = answer.losses
            survive[answer.point][places] = answer.survive
            recover[answer.point][places] = answer.recover
            solves += answer.solves
        progress(done, len(work))
    return Outcomes(losses, survive, recover, len(work), solves, skipped)


def _work(
    strikes: Sequence[Strike], instance: Instance, plans: Plans, window: Window
) -> tuple[list[tuple[Group, tuple[int, ...]]], int]:
    """Groups with the points they can hurt, and the number of pairs left out. Largest groups first."""
    uses = {point: use_of(instance, plans, point) for point in plans.vectors}
    hurt: dict[tuple[int, frozenset[tuple[str, int]]], tuple[int, ...]] = {}
    for strike in strikes:
        if strike.group not in hurt:
            hurt[strike.group] = tuple(point for point, use in uses.items() if use.is_hit(strike, window))
    chosen = [number for number, strike in enumerate(strikes) if hurt[strike.group]]
    groups = groups_of(strikes, window, chosen)
    work = [(group, hurt[group.start_year, frozenset(group.keys)]) for group in groups]
    asked = sum(len(group.positions) * len(points) for group, points in work)
    order = sorted(range(len(work)), key=lambda k: -len(work[k][0].positions) * len(work[k][1]))
    return [work[k] for k in order], len(strikes) * len(uses) - asked


def _answers(
    work: Sequence[tuple[Group, tuple[int, ...]]],
    parts: tuple[Instance, Plans, Window],
    workers: int,
) -> Iterator[tuple[int, list[_Answer]]]:
    """Answers round by round, with the number of groups done."""
    workers = max(1, min(workers, len(work)))
    size = CHUNK * workers
    rounds = [work[first : first + size] for first in range(0, len(work), size)]
    if workers == 1:
        bench = _Bench(*parts)
        for k, turn in enumerate(rounds):
            yield min(len(work), size * (k + 1)), bench.answer(turn)
        return
    with Crew(_Bench, [parts] * workers) as crew:
        for k, turn in enumerate(rounds):
            shares = [turn[w::workers] for w in range(min(workers, len(turn)))]
            answers = crew.ask([("answer", (share,)) for share in shares])
            yield min(len(work), size * (k + 1)), [one for part in answers for one in part]
