from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from brute import enumerate_front, program, random_integer
from two_stage import two_stage

from optimizer.errors import Infeasible, UsageProblem
from optimizer.solve.compile import compile_model
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier
from optimizer.solve.highs import solve
from optimizer.solve.master import Master
from optimizer.solve.question import Question


@pytest.mark.parametrize("block", range(4))
def test_random_integer_programs_against_enumeration(block: int) -> None:
    for seed in range(30 * block, 30 * block + 30):
        compiled = random_integer(seed)
        frontier = trace_frontier(compiled, "first", "second", exact=True)
        found = {(round(p.first, 6), round(p.second, 6)) for p in frontier.points}
        assert found == enumerate_front(compiled), seed
        assert frontier.status == "complete"
        assert frontier.certificate.mean_gap_share == pytest.approx(0.0, abs=1e-9)
        assert [pair for pair in itertools.product(frontier.bounds, frontier.points) if is_contradicted(*pair)] == []


def is_contradicted(bound, point):
    """Whether a point is cheaper than a proof that covers its loss, to the last digit, allows."""
    if point.second > bound.max_second:
        return False
    least = np.inf if bound.kind == "infeasible" else bound.bound - bound.weight * point.second
    return point.first < min(least, bound.max_first) - 1e-6 * (1.0 + abs(point.first))


def test_the_cheapest_plan_is_found_whatever_unit_the_second_objective_is_in() -> None:
    for seed in (1, 3, 10):
        compiled = random_integer(seed)
        values, constant = compiled.objectives["second"]
        finer = {**compiled.objectives, "second": (1e4 * values, 1e4 * constant)}
        frontier = trace_frontier(replace(compiled, objectives=finer), "first", "second", effort=Effort(points=2))
        assert frontier.points[0].first == pytest.approx(min(enumerate_front(compiled))[0]), seed


def test_a_question_that_finds_a_whole_valued_plan_also_proves_what_lies_below_it() -> None:
    # Three of seven things may be taken, each worth w in one way and 70 - w in the other: all choices of three lie on
    # one line, so every sum is a point. One question per point, beside the four for the ends;
    # asking every piece again whether anything is left below it would take two per point.
    worth = np.array([3, 8, 10, 21, 34, 47, 60])
    values = -np.array([worth, 70 - worth], dtype=float)
    compiled = program(values, np.ones((1, 7)), np.array([3.0]), np.ones(7), np.ones(7, dtype=bool))
    frontier = trace_frontier(compiled, "first", "second", exact=True)
    found = {(round(p.first, 6), round(p.second, 6)) for p in frontier.points}
    assert found == enumerate_front(compiled)
    assert len(found) == len({sum(three) for three in itertools.combinations(worth.tolist(), 3)}) > 20
    assert frontier.solves <= len(found) + 4
    assert frontier.certificate.max_gap_share == pytest.approx(0.0, abs=1e-9)


def test_two_portfolios_with_segments_by_hand() -> None:
    # Portfolio A (z=0): y free in [0, 4], cost y, loss 4 - y: line from (0, 4) to (4, 0).
    # Portfolio B (z=1): cost 1 + 0.25 y, loss 3 - y, y in [0, 2]: line from (1, 3) to (1.5, 1).
    # Columns: z, a, b. cost = a + z + 0.25 b; loss = 4 - a - z - b; a <= 4 (1-z), b <= 2 z.
    compiled = program(
        np.array([[1.0, 1.0, 0.25], [-1.0, -1.0, -1.0]]),
        np.array([[4.0, 1.0, 0.0], [-2.0, 0.0, 1.0]]),
        np.array([4.0, 0.0]),
        np.array([1.0, 4.0, 2.0]),
        np.array([True, False, False]),
    )
    frontier = trace_frontier(compiled, "first", "second", exact=True)
    vertices = [(round(p.first, 6), round(p.second + 4.0, 6)) for p in frontier.points]
    # A serves (0,4) to (1,3), B from (1,3) to (1.5,1), then a gap until A is as safe: (3,1) on, to (4,0).
    assert vertices[0] == (0.0, 4.0)
    assert (1.0, 3.0) in vertices
    assert (1.5, 1.0) in vertices
    assert vertices[-1] == (4.0, 0.0)
    joined = {(vertices[s.from_point - 1], vertices[s.to_point - 1]) for s in frontier.segments}
    assert ((0.0, 4.0), (1.0, 3.0)) in joined
    assert ((1.0, 3.0), (1.5, 1.0)) in joined
    # The line from (1.5, 1) to (3, 1) is a gap: the segment after it is open there and starts a hair beyond.
    after = min(cost for cost, _ in vertices if cost > 1.6)
    assert after == pytest.approx(3.0, abs=1e-4)
    assert ((1.5, 1.0), (3.0, 1.0)) not in joined
    assert all(abs(a[0] - b[0]) > 1e-9 and abs(a[1] - b[1]) > 1e-9 for a, b in joined)
    assert frontier.status == "complete"
    assert frontier.certificate.max_gap_share < 1e-5


def test_mixed_programs_against_caps() -> None:
    # The complete curve must give, at any cap, the value that one mixed-integer solve gives there.
    for seed in range(5):
        model, _ = two_stage(seed, suppliers=4, shocks=4)
        compiled = compile_model(model, {"cost": model.cost, "loss": model.loss_measure})
        frontier = trace_frontier(compiled, "cost", "loss", exact=True)
        assert frontier.status == "complete"
        points = {p.number: p for p in frontier.points}
        master = Master(compiled, "cost", "loss")
        low, high = frontier.points[-1].second, frontier.points[0].second
        for share in (0.13, 0.41, 0.77):
            cap = low + share * (high - low)
            value = solve(master.posed(Question(max_second=cap), ())).objective
            known = [p.first for p in frontier.points if p.second <= cap]
            for s in frontier.segments:
                a, b = points[s.from_point], points[s.to_point]
                if b.second <= cap <= a.second:
                    known.append(b.first + (cap - b.second) / (a.second - b.second) * (a.first - b.first))
            assert min(known) == pytest.approx(value, abs=1e-4), (seed, share)


def test_one_point_frontier() -> None:
    # Both objectives agree: x = 1 is best in both.
    compiled = program(
        np.array([[-1.0], [-2.0]]), np.array([[1.0]]), np.array([1.0]), np.array([1.0]), np.array([True])
    )
    for exact in (True, False):
        frontier = trace_frontier(compiled, "first", "second", exact=exact)
        assert [(p.first, p.second) for p in frontier.points] == [(-1.0, -2.0)]
        assert frontier.certificate.mean_gap_share == pytest.approx(0.0, abs=1e-6)


def test_infeasible_is_proven_and_explained() -> None:
    compiled = program(
        np.array([[1.0, 1.0], [1.0, -1.0]]),
        np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, 0.0]]),
        np.array([-3.0, 2.0, 5.0]),
        np.array([9.0, 9.0]),
        np.array([True, True]),
    )
    for exact in (True, False):
        with pytest.raises(Infeasible) as raised:
            trace_frontier(compiled, "first", "second", exact=exact)
        assert raised.value.conflict == ("row",)


def test_exact_refuses_recourse_blocks() -> None:
    model, blocks = two_stage(0)
    compiled = compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)
    with pytest.raises(UsageProblem, match="recourse"):
        trace_frontier(compiled, "cost", "loss", exact=True)
