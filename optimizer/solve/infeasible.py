"""Which limits cannot hold together, and what would have to give.

The *conflict* is a smallest set of groups of limits in the sense that leaving out any one of them makes the rest
possible (an irreducible infeasible subsystem over groups, found by a deletion filter: Chinneck, *Feasibility and
Infeasibility in Optimization*, 2008). The linear relaxation is tried first; if that is feasible, integrality is part of
the conflict and the groups are filtered with short mixed-integer solves.

The *relaxation* answers, for each group of the conflict, how much it would have to give if it alone gave way: rows of
the group become elastic and the sum of what they give is minimised with everything else in force.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from optimizer.errors import Infeasible
from optimizer.solve.compiled import CompiledProgram, Floats, Integers
from optimizer.solve.highs import Limits, LinearProgram, Outcome, Termination, solve
from optimizer.solve.master import Master
from optimizer.solve.question import NoPlan, Question

SECONDS = 30.0
"""Limit on the whole explanation; what is not settled by then stays in the list."""
SMALLEST = 1e-7
"""What a row gives below this counts as nothing."""
ENDLESS = 1e3
"""How often its largest volume an offer without end can give."""
LISTED = 3
"""Most rows of one group that are told one by one."""
LOSSES = "losses"
"""Group of the cuts, which say what shocks do and are no limit anybody set."""


class LimitName(str):
    """Name of a group of limits in a buyer's words, which also says how to read an amount of its rows.

    Attributes:
        unit: unit of the rows.
        when: what tells the row apart within its group: years, places.
        share: largest share, for a row ``(1 - share) x own - share x others <= 0``; amounts are then told in points.
        is_structural: a law of the model (material balance, definitions), which nobody can relax.
        action: what giving way means, ``raise`` or ``lower``; empty: by the side of the row that gives.
        is_switch: the row also says that nothing happens without a decision (``volume <= largest x decision``); leaving
            the limit out means a largest volume without end, not a volume without the decision.
    """

    unit: str
    when: str
    share: float | None
    is_structural: bool
    action: str
    is_switch: bool

    def __new__(
        cls,
        words: str,
        unit: str = "",
        when: str = "",
        share: float | None = None,
        is_structural: bool = False,
        action: str = "",
        is_switch: bool = False,
    ) -> LimitName:
        """Make a name; two names are equal if their words are."""
        name = super().__new__(cls, words)
        name.unit, name.when, name.share = unit, when, share
        name.is_structural, name.action, name.is_switch = is_structural, action, is_switch
        return name


@dataclass(frozen=True)
class Relief:
    """What one group would have to give if it alone gave way.

    Attributes:
        group: name of the group.
        parts: (row label, amount in ``unit``; positive: the limit is raised, negative: lowered) of the rows that give.
        unit: unit of the amounts.
        relative: largest amount as a share of the row's limit (of 1 for shares), to order reliefs by.
        is_proven: whether the amounts are the least possible; otherwise they are what a solve stopped by time found.
    """

    group: str
    parts: tuple[tuple[str, float], ...]
    unit: str
    relative: float
    is_proven: bool = True

    def __str__(self) -> str:
        if not self.unit:
            return f"give up: {self.group}"
        amounts = [amount for _, amount in self.parts]
        word = getattr(self.group, "action", "") or ("raise" if sum(amounts) > 0 else "lower")
        about = "" if self.is_proven else "about "
        if len(self.parts) > LISTED:
            worst = max(abs(amount) for amount in amounts)
            told = f"by {about}up to {worst:.4g} {self.unit}, in {len(amounts)} rows"
        else:
            several = [f"by {about}{abs(v):.4g} {self.unit}{f' ({name})' if name else ''}" for name, v in self.parts]
            told = " and ".join(several)
        return f"{word} {self.group} {told}"


@dataclass(frozen=True)
class Conflict:
    """Groups that cannot hold together, and what each would have to give (least first)."""

    groups: tuple[str, ...]
    reliefs: tuple[Relief, ...] = ()
    is_integer: bool = False


def infeasible(master: Master, question: Question) -> Infeasible:
    """The error for a question without a solution, with its conflict and the cheapest relaxation in words."""
    found = conflict_of(master, question)
    message = "no plan satisfies the limits given"
    if found.is_integer:
        message += " (contracts are whole: with partial ones there would be a plan)"
    return Infeasible(message, found.groups, tuple(str(relief) for relief in found.reliefs))


@contextmanager
def limits_named(program: CompiledProgram, objectives: tuple[str, str]) -> Iterator[None]:
    """Tell a proof that there is no plan in the limits of this program, whatever form of it the proof came from.

    Raises:
        Infeasible: in the place of a `NoPlan`.
    """
    try:
        yield
    except NoPlan as proof:
        master = Master(program, *objectives)
        master.relax(proof.question, seconds=SECONDS)
        raise infeasible(master, proof.question) from None


def conflict_of(master: Master, question: Question) -> Conflict:
    """Groups in conflict: all together infeasible, without any one of them feasible.

    Args:
        master: the first stage, with the cuts found so far; its program says to which group a row belongs
            (``LimitName`` where units are known).
        question: the scalarisation that has no solution; its caps are groups of their own.

    Returns:
        The groups needed for the conflict in row order, with what each would have to give; no groups if the bounds of
        columns alone conflict or nothing could be settled in time.
    """
    deadline = time.perf_counter() + SECONDS
    program, names = _grouped(master, question)
    relaxed = replace(program, is_integer=None)
    is_integer = not _is_infeasible(relaxed, 0.3 * SECONDS)
    target = program if is_integer else relaxed
    if is_integer and not _is_infeasible(target, 0.5 * SECONDS):
        return Conflict(())
    needed = _smallest(target, names, deadline)
    reliefs = list(_reliefs(target, names, needed, deadline + SECONDS))
    reliefs.sort(key=lambda relief: relief.relative)
    return Conflict(tuple(needed), tuple(reliefs), is_integer)


def _grouped(master: Master, question: Question) -> tuple[LinearProgram, list[str]]:
    """The program of the question with its cuts and caps, and a group per row."""
    base = master.posed(question)
    caps = ["limit on the second objective", "limit on the first objective"]
    groups = master.program.groups
    if groups is None:
        groups = [name.split("[", 1)[0] for name in master.program.row_names]
    elif any(isinstance(name, LimitName) for name in groups):
        caps = [LimitName("the largest loss allowed", "months"), LimitName("the largest cost allowed", "MUSD")]
    cuts = base.matrix.shape[0] - len(groups) - 2
    return base, [*groups, *caps, *[LimitName(LOSSES, is_structural=True)] * cuts]


def _is_infeasible(program: LinearProgram, seconds: float) -> bool:
    feasibility = replace(program, cost=np.zeros(program.cost.size), offset=0.0)
    return solve(feasibility, Limits(seconds)).termination is Termination.INFEASIBLE


def _without(program: LinearProgram, names: Sequence[str], groups: Sequence[str]) -> LinearProgram:
    """The program without the limits of these groups."""
    rows = _rows(names, groups)
    switches = np.array([k for k in rows if getattr(names[k], "is_switch", False)], dtype=np.int64)
    gone = np.setdiff1d(rows, switches)
    lower, upper = program.row_lower.copy(), program.row_upper.copy()
    lower[gone], upper[gone] = -math.inf, math.inf
    if not switches.size:
        return replace(program, row_lower=lower, row_upper=upper)
    size = np.ones(program.matrix.shape[0])
    size[switches] = ENDLESS
    grown = program.matrix.tocoo(copy=True)
    grown.data = np.where(grown.data < 0.0, grown.data * size[grown.row], grown.data)
    return replace(program, matrix=grown.tocsr(), row_lower=lower, row_upper=upper)


def _rows(names: Sequence[str], groups: Sequence[str]) -> Integers:
    wanted = set(groups)
    return np.array([k for k, name in enumerate(names) if name in wanted], dtype=np.int64)


# --- the conflict ---------------------------------------------------------------------------------------------------


def _smallest(program: LinearProgram, names: Sequence[str], deadline: float) -> list[str]:
    """The smaller of two deletion filters, forwards and backwards.

    Limits that a user set are looked at alone if they can explain the conflict, the laws of the model always in force.
    """
    limits = [name for name in dict.fromkeys(names) if not getattr(name, "is_structural", False)]
    laws = _without(program, names, limits)
    if _is_infeasible(laws, max(0.1, deadline - time.perf_counter())):
        limits = [name for name in dict.fromkeys(names) if name != LOSSES]
    program, limits = _narrowed(program, names, limits)
    forwards = _filtered(program, names, limits, deadline)
    backwards = _filtered(program, names, limits[::-1], deadline)
    shorter = min(forwards, backwards, key=len)
    return [name for name in limits if name in shorter]


def _narrowed(program: LinearProgram, names: Sequence[str], limits: list[str]) -> tuple[LinearProgram, list[str]]:
    """Leave out limits without a part in the elastic program's proof (linear programs; a proof needs no others)."""
    if program.is_integer is not None and program.is_integer.any():
        return program, limits
    outcome = _elastic(program, _rows(names, limits), Limits(SECONDS))
    if outcome is None or outcome.row_duals is None:
        return program, limits
    active = {names[int(k)] for k in np.flatnonzero(np.abs(outcome.row_duals) > SMALLEST)}
    kept = [name for name in limits if name in active]
    smaller = _without(program, names, [name for name in limits if name not in active])
    return (smaller, kept) if _is_infeasible(smaller, SECONDS) else (program, limits)


def _filtered(program: LinearProgram, names: Sequence[str], order: Sequence[str], deadline: float) -> list[str]:
    """Drop group after group; keep it out if what is left is still infeasible."""
    needed: list[str] = []
    for group in order:
        left = deadline - time.perf_counter()
        smaller = _without(program, names, [group])
        if left > 0 and _is_infeasible(smaller, left):
            program = smaller
        else:
            needed.append(group)
    return needed


# --- the relaxation -------------------------------------------------------------------------------------------------


def _elastic(program: LinearProgram, rows: Integers, limits: Limits) -> Outcome | None:
    """Least sum of what these rows give; the columns after the program's own are what the lower and upper sides give.

    Returns:
        The outcome, or None if even that has no solution.
    """
    count = program.matrix.shape[0]
    lower, upper = (rows[np.isfinite(side[rows])] for side in (program.row_lower, program.row_upper))
    places = np.concatenate([lower, upper])
    signs = np.concatenate([np.ones(lower.size), -np.ones(upper.size)])
    extra = sparse.csr_matrix((signs, (places, np.arange(places.size))), shape=(count, places.size))
    kinds = None
    if program.is_integer is not None:
        kinds = np.append(program.is_integer, np.zeros(places.size, dtype=bool))
    elastic = LinearProgram(
        matrix=sparse.hstack([program.matrix, extra], format="csr"),
        row_lower=program.row_lower,
        row_upper=program.row_upper,
        lower=np.append(program.lower, np.zeros(places.size)),
        upper=np.append(program.upper, np.full(places.size, math.inf)),
        cost=np.append(np.zeros(program.cost.size), np.ones(places.size)),
        is_integer=kinds,
    )
    outcome = solve(elastic, limits)
    return outcome if outcome.values is not None else None


def _reliefs(program: LinearProgram, names: Sequence[str], groups: Sequence[str], deadline: float) -> Iterator[Relief]:
    for group in groups:
        rows = _rows(names, [group])
        left = max(1.0, deadline - time.perf_counter())
        outcome = _elastic(program, rows, Limits(left))
        if outcome is not None:
            yield _relief(program, names, group, rows, outcome)


def _relief(program: LinearProgram, names: Sequence[str], group: str, rows: Integers, outcome: Outcome) -> Relief:
    values = outcome.values if outcome.values is not None else np.zeros(0)
    own = values[: program.cost.size]
    activity = program.matrix[rows] @ own
    over = np.maximum(0.0, activity - program.row_upper[rows]) - np.maximum(0.0, program.row_lower[rows] - activity)
    sides = np.where(over > 0, program.row_upper[rows], program.row_lower[rows])
    relative, unit = 0.0, getattr(group, "unit", "")
    parts: dict[str, float] = {}
    for k in np.flatnonzero(np.abs(over) > SMALLEST * (1.0 + np.abs(sides))):
        name, amount = names[rows[k]], float(over[k])
        size = abs(float(sides[k])) or 1.0
        if getattr(name, "share", None) is not None:
            amount, unit, size = _points(program, int(rows[k]), own, amount, name.share), "points", 100.0
        label = str(getattr(name, "when", ""))
        parts[label] = max(parts.get(label, 0.0), amount, key=abs)  # rows of one limit with one label give together
        relative = max(relative, abs(amount) / size)
    return Relief(group, tuple(parts.items()), unit, relative, outcome.is_optimal)


def _points(program: LinearProgram, row: int, x: Floats, amount: float, share: float) -> float:
    """Percentage points by which a share cap is passed: its row in tonnes over the tonnes of the whole stage."""
    line = program.matrix[row]
    mine, others = line.data > 0, line.data < 0
    total = float(line.data[mine] @ x[line.indices[mine]]) / max(1.0 - share, 1e-9)
    if share > 0.0:
        total -= float(line.data[others] @ x[line.indices[others]]) / share
    return 100.0 * amount / total if total > 0 else 100.0 * (1.0 - share)
