from __future__ import annotations

import _thread
import contextlib
import threading

import numpy as np
import pytest
from brute import enumerate_front, random_integer
from two_stage import two_stage

from optimizer.errors import Infeasible, SolveLimit, UsageProblem
from optimizer.solve.certificate import certificate
from optimizer.solve.compile import compile_model
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import Frontier, trace_frontier
from optimizer.solve.highs import violation
from optimizer.solve.master import Master
from optimizer.solve.one import solve_at
from optimizer.solve.search import Progress


def pair(seed: int, **sizes: int):
    model, blocks = two_stage(seed, **sizes)
    objectives = {"cost": model.cost, "loss": model.loss_measure}
    return compile_model(model, objectives, blocks), compile_model(model, objectives)


@pytest.mark.parametrize("seed", range(4))
def test_decomposition_equals_extensive_form(seed: int) -> None:
    split, whole = pair(seed)
    for cap in (12.0, 4.0, 2.0):
        a = solve_at(split, "cost", "loss", effort=Effort(gap_share=1e-6), max_second=cap)
        b = solve_at(whole, "cost", "loss", effort=Effort(gap_share=1e-6), max_second=cap)
        assert a.first == pytest.approx(b.first, rel=3e-6)
        assert a.second <= cap + 1e-5
        assert a.status == "optimal"
        assert a.bound <= a.first
    a = solve_at(split, "cost", "loss", effort=Effort(gap_share=1e-6), max_first=26.0)
    b = solve_at(whole, "cost", "loss", effort=Effort(gap_share=1e-6), max_first=26.0)
    assert a.second == pytest.approx(b.second, abs=1e-4)
    assert a.first <= 26.0 + 1e-5


def test_limits_that_cannot_hold() -> None:
    split, whole = pair(1)
    for program in (split, whole):
        with pytest.raises(Infeasible) as raised:
            solve_at(program, "cost", "loss", max_second=1.0, max_first=5.0)
        assert "limit on the first objective" in raised.value.conflict
    with pytest.raises(SolveLimit):
        solve_at(whole, "cost", "loss", effort=Effort(time_limit_s=0.0))


def _value(frontier: Frontier, cap: float) -> float:
    points = {p.number: p for p in frontier.points}
    best = min((p.first for p in frontier.points if p.second <= cap), default=np.inf)
    for s in frontier.segments:
        a, b = points[s.from_point], points[s.to_point]
        if b.second <= cap <= a.second:
            best = min(best, b.first + (cap - b.second) / (a.second - b.second) * (a.first - b.first))
    return float(best)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_certified_frontier_brackets_the_exact_one(seed: int) -> None:
    split, whole = pair(seed)
    exact = trace_frontier(whole, "cost", "loss", exact=True)
    found = trace_frontier(split, "cost", "loss", effort=Effort(points=8, tolerance_share=0.005))
    assert found.status == "tolerance"
    assert found.certificate.mean_gap_share <= 0.0051
    assert len(found.points) >= 8
    for p in found.points:
        truth = _value(exact, p.second + 1e-6)
        assert p.first >= truth - 1e-4
        assert p.bound <= truth + 1e-4
        assert p.gap >= 0.0
    costs = [p.first for p in found.points]
    losses = [p.second for p in found.points]
    assert costs == sorted(costs)
    assert losses == sorted(losses, reverse=True)
    assert [p.number for p in found.points] == list(range(1, len(costs) + 1))
    assert len(found.recourse(found.points[0])) == len(split.blocks)


def test_what_a_cap_costs_in_the_relaxation_is_proven_at_every_loss() -> None:
    split, _ = pair(0)
    found = trace_frontier(split, "cost", "loss", effort=Effort(tolerance_share=0.05))
    lines = found.bounds_table().query("kind == 'weight' and status == 'LP'")
    assert len(lines) > 1
    for line in lines.to_dict("records"):
        assert line["weight"] > 0.0
        assert np.isnan(line["max_loss_months"])
        assert all(p.first + line["weight"] * p.second >= line["bound_musd"] - 1e-5 for p in found.points)


def test_certificate_recomputed_from_tables_equals_the_engines() -> None:
    split, _ = pair(3)
    found = trace_frontier(split, "cost", "loss", effort=Effort(tolerance_share=0.01))
    again = certificate(found.points_table(), found.bounds_table(), found.segments_table())
    assert again == found.certificate


def test_same_inputs_same_frontier() -> None:
    split, _ = pair(2)
    a, b = (trace_frontier(split, "cost", "loss", effort=Effort(tolerance_share=0.01, seed=4)) for _ in range(2))
    assert a.points_table().equals(b.points_table())
    assert a.bounds_table().equals(b.bounds_table())
    assert all(np.array_equal(p.x, q.x) for p, q in zip(a.points, b.points, strict=True))


def test_two_workers() -> None:
    split, _ = pair(2)
    a, b = (trace_frontier(split, "cost", "loss", effort=Effort(tolerance_share=0.01, workers=2)) for _ in range(2))
    assert a.points_table().equals(b.points_table())
    assert a.certificate.mean_gap_share <= 0.0101


def test_integer_programs_within_tolerance() -> None:
    for seed in range(4):
        compiled = random_integer(seed)
        front = enumerate_front(compiled)
        found = trace_frontier(compiled, "first", "second", effort=Effort(tolerance_share=0.02))
        values = {(round(p.first, 6), round(p.second, 6)) for p in found.points}
        assert values <= front
        assert min(front) in values
        for p in found.points:
            assert p.bound <= p.first + 1e-9


def test_takes_any_pyomo_model_and_names() -> None:
    model, _ = two_stage(0)
    found = trace_frontier(model, "cost", model.loss_measure, effort=Effort(tolerance_share=0.02))
    assert found.first == "cost"
    assert found.program.column_names[0] == "is_signed[0]"
    with pytest.raises(UsageProblem, match="no component"):
        trace_frontier(model, "price", "cost")
    with pytest.raises(UsageProblem, match="no objective"):
        trace_frontier(found.program, "price", "cost")


def test_points_of_segments_are_real_plans() -> None:
    split, _ = pair(1)
    found = trace_frontier(split, "cost", "loss", effort=Effort(points=25, tolerance_share=0.02))
    assert len(found.points) >= 25
    master = Master(split, "cost", "loss")
    for p in found.points:
        assert violation(master.linear, p.x) <= 1e-5
        assert np.all(master.recourse.evaluate(p.x).losses <= p.x[[b.theta for b in split.blocks]] + 1e-5)
        assert master.values(p.x) == pytest.approx((p.first, p.second), abs=1e-5)
    numbers = [(s.from_point, s.to_point) for s in found.segments]
    assert all(b == a + 1 for a, b in numbers)


def test_ctrl_c_keeps_what_was_found() -> None:
    split, _ = pair(1, suppliers=25, shocks=40)
    timers: list[threading.Timer] = []

    def told(progress: Progress) -> None:
        if progress.points and not timers:  # while the next question is being answered, however fast the machine is
            timers.append(threading.Timer(0.5, _thread.interrupt_main))
            timers[0].start()

    found = trace_frontier(split, "cost", "loss", effort=Effort(tolerance_share=1e-5), progress=told)
    assert found.status == "interrupted"
    assert found.points


def test_time_limit_gives_what_is_there() -> None:
    split, _ = pair(1, suppliers=20, shocks=30)
    found = None
    for seconds in (4.0, 16.0, 64.0, 256.0):  # a starved machine may find no plan in the first of them, and says so
        with contextlib.suppress(SolveLimit):
            found = trace_frontier(split, "cost", "loss", effort=Effort(tolerance_share=1e-5, time_limit_s=seconds))
            break
    assert found is not None
    assert found.status == "limit"
    assert found.points
    assert 0.0 < found.certificate.mean_gap_share < 1.0
