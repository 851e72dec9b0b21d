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

from optimizer.explain.bench import WHOLE, Bench, Held, Rigour
from optimizer.solve.compiled import CompiledProgram, Floats
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
"""Integer decisions up to which all portfolios are searched; beyond, only where no candidate is within the slack.
Distance is hard on the solver: on the flagship its linear relaxation alone takes 6 to 40 s, and says 95 %."""
TRYING, TIDYING = 0.8, 0.2
"""Shares of the time of an alternative: portfolios known or close to them; of what is left, making the plan cheap."""


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
    deadline, candidates = time.perf_counter() + seconds, _unlike(bench, earlier, known)
    is_large = np.count_nonzero(program.is_integer) > FEW
    if is_large:
        candidates += _without_one(bench, [*earlier, *candidates])
    master = Master(program, UNLIKE, bench.loss, Inner(bench.recourse, bench.x.size))
    master.add_cuts(bench.master.cuts)
    start = _best(bench, master, slack, candidates, gap, TRYING * seconds)
    inside, bound = start, -math.inf
    if start is None or not is_large:
        left = (1.0 - TIDYING) * (deadline - time.perf_counter())
        answer = master.answer(_question(slack), gap, left, start=None if start is None else start.x, rounds=6)
        inside = _inside(bench, [*answer.attained, *([] if start is None else [start])], slack)
        bound = answer.bound
    bench.master.add_cuts(master.cuts[len(bench.master.cuts) :])
    if inside is None:
        return None
    tidied = _thinned if is_large else _tidied
    tidy = tidied(bench, program, inside, slack, max(1.0, deadline - time.perf_counter())) or inside
    return _alternative(bench, earlier, tidy.x[: bench.x.size], bound)


def _alternative(bench: Bench, earlier: Sequence[Floats], x: Floats, bound: float) -> Alternative:
    cost, loss = bench.master.values(x)
    losses = bench.recourse.evaluate(x).losses if bench.program.blocks else np.zeros(0)
    plan = Attained(x, cost, loss, bench.master.fingerprint(x))
    most = min(FARTHEST, -bound) if math.isfinite(bound) else FARTHEST
    return Alternative(plan, min(distance(bench, k, x) for k in earlier), most, losses)


def _question(slack: Slack) -> Question:
    return Question(max_second=slack.max_loss)


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


def _best(
    bench: Bench, master: Master, slack: Slack, candidates: Sequence[Floats], gap: float, seconds: float
) -> Attained | None:
    """The most distant plan, within a gap, that has the decisions of one of the candidates.

    How distant the shocks known let each be is asked first; then the farthest have their shocks asked, until no other
    could be farther. What is not reached in time is left out.
    """
    deadline, best = time.perf_counter() + seconds, None
    held = Held(bench, master, replace(master.posed(_question(slack)), is_integer=None))
    for bound, number in _promises(master, held, candidates, deadline):
        x, left = candidates[number], deadline - time.perf_counter()
        worth = math.inf if best is None else best.first - gap
        if left <= 0.0 or bound >= worth:
            break
        held.change(*_fixed(master, x))
        outcome = held.solve(Rigour(seconds=left, is_sure=False, worth=worth))
        if outcome.objective < worth:
            left = max(0.1, deadline - time.perf_counter())
            attained = master.relax(_question(slack), fixed=x, seconds=left).attained
            best = _inside(bench, [point for point in (best, attained) if point is not None], slack)
    return best


def _promises(master: Master, held: Held, candidates: Sequence[Floats], deadline: float) -> list[tuple[float, int]]:
    """Least objective of each candidate's decisions with the cuts known, least first; infeasible ones are left out."""
    found = []
    for number, x in enumerate(candidates):
        held.change(*_fixed(master, x))
        outcome = held.solve(Rigour(rounds=1, seconds=max(0.1, deadline - time.perf_counter())))
        if outcome.is_optimal:
            found.append((outcome.objective, number))
    return sorted(found)


def _fixed(master: Master, x: Floats) -> tuple[Floats, Floats]:
    """Column bounds with the decisions of a vector."""
    lower, upper = master.program.lower.copy(), master.program.upper.copy()
    lower[master.integers] = upper[master.integers] = np.round(x[master.integers])
    return lower, upper


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
    answer = master.answer(_question(slack), gap, seconds, start=found.x, rounds=3)
    bench.master.add_cuts(answer.cuts)
    return _inside(bench, answer.attained, slack)


def _thinned(bench: Bench, program: CompiledProgram, found: Attained, slack: Slack, seconds: float) -> Attained | None:
    """The cheapest plan as distant with the same contracts and projects, without qualifications that none needs.

    A linear program. None if the loss cannot do without those qualifications.
    """
    deadline, lower, x = time.perf_counter() + seconds, program.lower.copy(), found.x.copy()
    lower[-1] = x[-1] - KEPT
    offers, signed = bench.instance.offers, [str(o) for (o, _), p in bench.columns("is_signed").items() if x[p] > WHOLE]
    needed = {offers[o].qualification for o in signed}
    x[[place for (q, _), place in bench.columns("is_qualified").items() if q not in needed]] = 0.0
    inner = Inner(bench.recourse, bench.x.size)
    master = Master(replace(program, lower=lower), bench.cost, bench.loss, inner)
    master.add_cuts(bench.master.cuts)
    points = []
    for decisions in (x, found.x):
        left = deadline - time.perf_counter()
        attained = master.relax(_question(slack), fixed=decisions, seconds=max(0.1, left)).attained
        points += [] if attained is None else [attained]
        if points:
            break
    bench.master.add_cuts(master.cuts[len(bench.master.cuts) :])
    return _inside(bench, points, slack)


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
