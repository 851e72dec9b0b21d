r"""Portfolios as different as possible that are nearly as good: modelling to generate alternatives.

Each new plan maximises its least distance to all plans so far, among those whose cost and loss stay within a slack of
the plan asked about (Brill, Chang and Hopkins, *Modeling to generate alternatives: the HSJ approach*, Management
Science 28, 1982; the max-min form over all earlier solutions). The distance from plan k is the share of its
money that goes elsewhere,

.. math:: d_k(x) = 1 - \frac{\sum_{f \in S_k} v_f(x)}{\sum_{f \in S_k} v_f(x_k)}

with :math:`S_k` its suppliers and sponsored projects and v what is newly committed there at contract prices, or paid
for the project. Money counts, so a plan is not different because it qualifies a supplier it does not need. Besides, no
set of signatures, qualifications and projects is ever returned twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from optimizer.explain.bench import WHOLE, Bench
from optimizer.solve.compiled import CompiledProgram, Floats
from optimizer.solve.highs import Outcome
from optimizer.solve.master import Master
from optimizer.solve.question import Attained, Question
from optimizer.solve.recourse import Evaluation, Recourse

UNLIKE = "unlike"
CHOICES = ("is_signed", "is_qualified", "is_sponsored")
"""Binary decisions that make a portfolio."""
FARTHEST = 1.0
"""Largest distance: all money elsewhere."""
NEAREST = -10.0
"""Least distance: a plan may put more money with the same suppliers, to this multiple."""
KEPT = 1e-3
"""Distance that may be given up when the plan found is made cheap."""
FEW = 200
"""Integer decisions up to which all of them are searched; beyond, those that the linear relaxation touches."""
TOUCHED = 1e-3
"""Least value of a decision in the linear relaxation that counts as touched."""
RELAXING, DIVING, SEARCHING, TIDYING = 0.15, 0.55, 0.15, 0.15
"""Shares of the time of an alternative: linear relaxation, plans near it or known, search, making it cheap."""
PARTS = (0.5, 0.2)
"""Parts from which decisions of the linear relaxation are rounded up."""


@dataclass(frozen=True)
class Alternative:
    """A plan unlike all before it.

    Attributes:
        plan: the plan with its true losses.
        distance: least distance to the plans before it, 0 to 1.
        bound: proven: no plan within the slack has a larger one.
        losses: months lost in every shock.
    """

    plan: Attained
    distance: float
    bound: float
    losses: Floats


@dataclass(frozen=True)
class Slack:
    """Caps within which alternatives are looked for: cost in MUSD, loss in months."""

    max_cost: float
    max_loss: float


class Inner(Recourse):
    """Recourse of a program for vectors with further columns at the end."""

    def __init__(self, recourse: Recourse, width: int) -> None:
        self.recourse, self.width = recourse, width

    def evaluate(self, x: Floats, only: Sequence[int] | None = None) -> Evaluation:
        """Losses at the program's own columns."""
        return self.recourse.evaluate(x[: self.width], only)

    def close(self) -> None:
        """Leave the inner recourse to its owner."""


def slack_of(bench: Bench, share: float) -> Slack:
    """Caps at a share above the plan's own cost and loss."""
    room = 1e-6 * (1.0 + abs(bench.cost_musd)), 1e-6 * (1.0 + abs(bench.loss_months))
    return Slack(
        bench.cost_musd + share * abs(bench.cost_musd) + room[0],
        bench.loss_months + share * abs(bench.loss_months) + room[1],
    )


def next_alternative(
    bench: Bench, earlier: Sequence[Floats], slack: Slack, seconds: float, gap: float, known: Sequence[Floats] = ()
) -> Alternative | None:
    """The plan within the slack that is least like the earlier ones.

    Args:
        bench: the plan asked about.
        earlier: first-stage vectors of the plans so far, the one asked about first.
        slack: caps on cost and loss.
        seconds: limit on the search.
        gap: distance at which the search is good enough.
        known: other plans of the program, whose decisions are tried first.

    Returns:
        None if there is none, or none was found in time.
    """
    program = widened(bench, earlier, slack)
    inner = Inner(bench.recourse, bench.x.size)
    question, bound, start = Question(max_second=slack.max_loss), -math.inf, None
    candidates = _unlike(bench, earlier, known)
    if np.count_nonzero(program.is_integer) > FEW:
        candidates += _without_one(bench, [*earlier, *candidates])
        program, relaxed = _near(bench, program, [*earlier, *candidates], question, seconds)
        if relaxed is not None:
            bound = relaxed.objective
            candidates += _rounded(program, relaxed)
    master = Master(program, UNLIKE, bench.loss, inner)
    master.add_cuts(bench.master.cuts)
    if candidates:
        start = _best(bench, master, question, slack, candidates, DIVING * seconds)
    answer = master.answer(question, gap, SEARCHING * seconds, start=None if start is None else start.x, rounds=6)
    bench.master.add_cuts(answer.cuts)
    attained = [*answer.attained, *([] if start is None else [start])]
    inside = _inside(bench, attained, slack)
    if inside is None:
        return None
    bound = max(bound, answer.bound) if math.isinf(bound) else bound
    tidy = _tidied(bench, program, inside, slack, TIDYING * seconds) or inside
    x = tidy.x[: bench.x.size]
    cost, loss = bench.master.values(x)
    losses = bench.recourse.evaluate(x).losses if bench.program.blocks else np.zeros(0)
    plan = Attained(x, cost, loss, bench.master.fingerprint(x))
    most = min(FARTHEST, -bound) if math.isfinite(bound) else FARTHEST
    return Alternative(plan, min(distance(bench, k, x) for k in earlier), most, losses)


def _unlike(bench: Bench, earlier: Sequence[Floats], known: Sequence[Floats]) -> list[Floats]:
    """Known plans whose portfolios are not among the earlier ones, one of each portfolio."""
    seen, found = {bench.master.fingerprint(x) for x in earlier}, []
    for x in known:
        mark = bench.master.fingerprint(x)
        if mark not in seen:
            seen.add(mark)
            found.append(np.append(x, 0.0))
    return found


def _without_one(bench: Bench, plans: Sequence[Floats]) -> list[Floats]:
    """Portfolios of all these plans together, each without one supplier; the largest spending of the first plan first.

    Of an offer that several plans sign, the starts are those of the first plan that has it.
    """
    union = np.append(plans[0][: bench.x.size], 0.0)
    starts: dict[str, list[int]] = {}
    for (o, _), place in bench.columns("is_signed").items():
        starts.setdefault(str(o), []).append(place)
    for x in plans[1:]:
        for places in starts.values():
            if not np.any(union[places] > WHOLE):
                union[places] = x[places]
        others = [p for c in ("is_qualified", "is_sponsored", "is_used") for p in bench.columns(c).values()]
        union[others] = np.maximum(union[others], x[others])
    spending = {name: value for x in plans for name, value in spent(bench, x[: bench.x.size]).items()}
    spending |= spent(bench, plans[0][: bench.x.size])
    found = []
    for name in sorted(spending, key=lambda n: (-spending[n], n)):
        own = [p for o, ps in starts.items() if bench.instance.offers[o].facility == name for p in ps]
        if own:
            found.append(union.copy())
            found[-1][own] = 0.0
    return found


def _near(
    bench: Bench, program: CompiledProgram, plans: Sequence[Floats], question: Question, seconds: float
) -> tuple[CompiledProgram, Outcome | None]:
    """The program with only those decisions free that its linear relaxation or one of these plans takes.

    The relaxation's objective, minus the largest distance, is a bound that holds for all plans.
    """
    master = Master(program, UNLIKE, bench.loss, Inner(bench.recourse, bench.x.size))
    master.add_cuts(bench.master.cuts)
    relaxed = master.relax(question, seconds=RELAXING * seconds)
    bench.master.add_cuts(master.cuts[len(bench.master.cuts) :])
    if relaxed.outcome is None or relaxed.x is None:
        return program, None
    free = relaxed.x > TOUCHED
    for x in plans:
        free[: bench.x.size] |= x[: bench.x.size] > WHOLE
    upper = np.where(program.is_integer & ~free, program.lower, program.upper)
    return replace(program, upper=upper), relaxed.outcome


def _rounded(program: CompiledProgram, relaxed: Outcome) -> list[Floats]:
    """The relaxation's decisions, rounded up from several parts; qualifications follow their contracts."""
    if relaxed.values is None:
        return []
    return [np.where(program.is_integer, relaxed.values > part, relaxed.values).astype(float) for part in PARTS]


def _best(
    bench: Bench, master: Master, question: Question, slack: Slack, candidates: Sequence[Floats], seconds: float
) -> Attained | None:
    """The most distant plan that has the decisions of one of the candidates; those not reached in time are left out."""
    deadline, found = time.perf_counter() + seconds, []
    for x in candidates:
        left = deadline - time.perf_counter()
        if left <= 0.0:
            break
        attained = master.relax(question, fixed=x, seconds=left).attained
        found += [] if attained is None else [attained]
    return _inside(bench, found, slack)


def _inside(bench: Bench, attained: Sequence[Attained], slack: Slack) -> Attained | None:
    """The plan with the least objective that keeps both caps with its true losses."""
    kept = []
    for point in attained:
        cost, loss = bench.master.values(point.x[: bench.x.size])
        is_cheap = cost <= slack.max_cost + 1e-6 * (1.0 + abs(slack.max_cost))
        if is_cheap and loss <= slack.max_loss + 1e-5 * (1.0 + abs(slack.max_loss)):
            kept.append(point)
    return min(kept, key=lambda point: point.first, default=None)


def _tidied(bench: Bench, program: CompiledProgram, found: Attained, slack: Slack, seconds: float) -> Attained | None:
    """The cheapest plan as distant, with no other contract or project: qualifications without use go."""
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[-1] = found.x[-1] - KEPT
    for component in ("is_signed", "is_sponsored"):
        places = list(bench.columns(component).values())
        upper[places] = np.minimum(upper[places], np.round(found.x[places]))
    master = Master(
        replace(program, lower=lower, upper=upper), bench.cost, bench.loss, Inner(bench.recourse, bench.x.size)
    )
    master.add_cuts(bench.master.cuts)
    gap = 1e-4 * (1.0 + abs(bench.cost_musd))
    answer = master.answer(Question(max_second=slack.max_loss), gap, seconds, start=found.x, rounds=3)
    bench.master.add_cuts(answer.cuts)
    return _inside(bench, answer.attained, slack)


# --- distance -------------------------------------------------------------------------------------------------------


def money(bench: Bench) -> Mapping[str, Mapping[int, float]]:
    """Supplier or project → column → MUSD per unit: what is committed at contract prices, what a project costs."""
    found: dict[str, dict[int, float]] = {}
    for (o, t), place in bench.columns("committed").items():
        offer = bench.instance.offers[str(o)]
        price = offer.price_usd_per_kg.get(int(str(t)), 0.0) / 1000.0
        found.setdefault(offer.facility, {})[place] = price
    for (e, _), place in bench.columns("is_sponsored").items():
        found.setdefault(f"project {e}", {})[place] = bench.instance.projects[str(e)].cost_musd
    return found


def spent(bench: Bench, x: Floats) -> dict[str, float]:
    """Supplier or project → MUSD newly committed to it by a plan; running contracts do not count."""
    base = running(bench)
    amounts = {
        name: sum(price * (x[place] - base.get(place, 0.0)) for place, price in columns.items())
        for name, columns in money(bench).items()
    }
    return {name: value for name, value in amounts.items() if value > 1e-6}


def running(bench: Bench) -> dict[int, float]:
    """Column of a commitment → t/yr that run already."""
    found = {}
    for (o, t), place in bench.columns("committed").items():
        amount = bench.instance.offers[str(o)].running_t.get(int(str(t)), 0.0)
        if amount > 0.0:
            found[place] = amount
    return found


def distance(bench: Bench, earlier: Floats, x: Floats) -> float:
    """Share of an earlier plan's money that a plan puts elsewhere; 1 if the earlier plan spends nothing."""
    old, new = spent(bench, earlier), spent(bench, x)
    total = sum(old.values())
    return 1.0 - sum(new.get(name, 0.0) for name in old) / total if total > 0.0 else FARTHEST


# --- the program ----------------------------------------------------------------------------------------------------


def widened(bench: Bench, earlier: Sequence[Floats], slack: Slack) -> CompiledProgram:
    """The program with a column for the least distance, its rows, the cap on cost, and no earlier portfolio again."""
    program, width = bench.program, bench.x.size
    cost, constant = program.objectives[bench.cost]
    rows, lower, upper = [np.append(cost, 0.0)], [-math.inf], [slack.max_cost - constant]
    for x in earlier:
        away = _distance_row(bench, x)
        if away is not None:
            rows.append(away[0])
            lower.append(-math.inf)
            upper.append(away[1])
        other, least = _other_portfolio(bench, x)
        rows.append(other)
        lower.append(least)
        upper.append(math.inf)
    more = sparse.csr_matrix(np.vstack(rows))
    base = sparse.hstack([program.matrix, sparse.csr_matrix((program.matrix.shape[0], 1))], format="csr")
    objectives = {name: (np.append(vector, 0.0), offset) for name, (vector, offset) in program.objectives.items()}
    least_distance = np.zeros(width + 1)
    least_distance[-1] = -1.0
    names = tuple(f"{UNLIKE}_{k}" for k in range(len(rows)))
    return replace(
        program,
        objectives={**objectives, UNLIKE: (least_distance, 0.0)},
        signs={**program.signs, UNLIKE: 1},
        matrix=sparse.vstack([base, more], format="csr"),
        row_lower=np.append(program.row_lower, lower),
        row_upper=np.append(program.row_upper, upper),
        lower=np.append(program.lower, NEAREST),
        upper=np.append(program.upper, FARTHEST),
        is_integer=np.append(program.is_integer, False),
        column_names=(*program.column_names, UNLIKE),
        column_keys=(*program.column_keys, (UNLIKE, ())),
        row_names=(*program.row_names, *names),
        row_keys=(*program.row_keys, *((name, ()) for name in names)),
    )


def _distance_row(bench: Bench, x: Floats) -> tuple[Floats, float] | None:
    """``z + money at the plan's suppliers / its total <= 1``, running volumes on the right; None without spending."""
    old = spent(bench, x)
    total = sum(old.values())
    if total <= 0.0:
        return None
    row, right, base = np.zeros(bench.x.size + 1), FARTHEST, running(bench)
    columns = money(bench)
    for name in old:
        for place, price in columns[name].items():
            row[place] = price / total
            right += price * base.get(place, 0.0) / total
    row[-1] = 1.0
    return row, right


def _other_portfolio(bench: Bench, x: Floats) -> tuple[Floats, float]:
    """At least one signature, qualification or project differs from the plan's."""
    row, least = np.zeros(bench.x.size + 1), 1.0
    for component in CHOICES:
        for place in bench.columns(component).values():
            taken = x[place] > WHOLE
            row[place] = -1.0 if taken else 1.0
            least -= 1.0 if taken else 0.0
    return row, least
