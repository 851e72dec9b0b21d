"""What must hold of every case, whatever its figures: changes whose effect on the plan is known beforehand."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small_case import Accident, Small, compiled, least_cost, least_loss, scaled, small_cases, write

from optimizer.jobs.prepare import COST, LOSS, prepare
from optimizer.solve.compiled import CompiledProgram
from optimizer.solve.effort import Effort
from optimizer.solve.frontier import trace_frontier

few = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def folders() -> Iterator[Iterator[Path]]:
    """New folders, removed afterwards; all of one name, as the name is part of a case."""
    with tempfile.TemporaryDirectory() as root:
        yield (Path(root, str(number), "case") for number in itertools.count())


def same(value: float):
    return pytest.approx(value, rel=2e-6, abs=2e-6)


def assert_equal(one: CompiledProgram, other: CompiledProgram, cost: float = 1.0) -> None:
    """Both have the same least loss, and least costs in a known ratio, at any loss."""
    safest, (cheapest, loss) = least_loss(one), least_cost(one)
    assert least_loss(other) == same(safest)
    assert least_cost(other)[0] == same(cost * cheapest)
    middle = 0.5 * (safest + loss) + 1e-6
    assert least_cost(other, middle)[0] == same(cost * least_cost(one, middle)[0])


@few
@given(small_cases(), st.sampled_from((0.5, 3.0, 20.0)))
def test_scaling_money_scales_costs_and_nothing_else(case: Small, factor: float) -> None:
    with folders() as place:
        assert_equal(compiled(case, next(place)), compiled(scaled(case, price=factor), next(place)), factor)


@few
@given(small_cases(), st.sampled_from((0.5, 7.0)))
def test_scaling_mass_scales_costs_and_nothing_else(case: Small, factor: float) -> None:
    with folders() as place:
        assert_equal(compiled(case, next(place)), compiled(scaled(case, mass=factor), next(place)), factor)


@few
@given(small_cases())
def test_kilograms_instead_of_tonnes_change_nothing(case: Small) -> None:
    with folders() as place:
        in_kilograms = scaled(case, mass=1000.0, price=0.001)
        assert_equal(compiled(case, next(place)), compiled(in_kilograms, next(place)))


@few
@given(small_cases(), st.randoms(use_true_random=False))
def test_names_and_order_change_nothing(case: Small, dice) -> None:
    with folders() as place:
        one = compiled(case, next(place))
        folder = write(case, next(place))
        for path in sorted(folder.glob("*.csv")):
            head, *rows = path.read_text().splitlines()
            dice.shuffle(rows)
            path.write_text("\n".join([head, *rows]).replace("plant_", "zz_works_").replace("fire_", "a_") + "\n")
        assert_equal(one, prepare(folder).program)


@few
@given(small_cases(), st.floats(0.0, 1.0))
def test_relaxing_a_limit_never_worsens(case: Small, share: float) -> None:
    with folders() as place:
        tight = compiled(case, next(place))
        low, (cheapest, high) = least_loss(tight), least_cost(tight)
        cap = low + share * (high - low)
        at_cap = least_cost(tight, cap + 1e-6)[0]
        assert at_cap >= cheapest - 1e-6 * (1 + cheapest)
        wider = replace(
            case, suppliers=tuple(replace(s, capacity=1.5 * s.capacity, most=2 * s.most) for s in case.suppliers)
        )
        loose = compiled(wider, next(place))
        assert least_cost(loose, cap + 1e-6)[0] <= at_cap + 1e-6 * (1 + at_cap)
        assert least_loss(loose) <= low + 1e-6 * (1 + low)


@few
@given(small_cases(), st.integers(0, 1))
def test_a_dominated_offer_changes_nothing(case: Small, number: int) -> None:
    # The same plant, a higher price, no more paid back: the first offer already reaches the plant's whole capacity.
    original = case.suppliers[number]
    worse = replace(original, price=original.price + 5.0, take_or_pay=1.0, least=original.least + 1.0)
    with folders() as place:
        assert_equal(compiled(case, next(place)), compiled(replace(case, more_offers=(worse,)), next(place)))


@few
@given(small_cases(), st.integers(0, 1))
def test_two_shocks_of_half_the_rate_are_one(case: Small, number: int) -> None:
    accident = case.accidents[number]
    halves = (replace(accident, rate=accident.rate / 2), replace(accident, name="other_half", rate=accident.rate / 2))
    rest = tuple(other for other in case.accidents if other != accident)
    with folders() as place:
        assert_equal(compiled(case, next(place)), compiled(replace(case, accidents=(*rest, *halves)), next(place)))


@few
@given(small_cases())
def test_what_never_happens_is_not_there(case: Small) -> None:
    # Under the worst case too, which asks for no rates.
    never = Accident("never", tuple(s.name for s in case.suppliers), 0.0, 12, 0.0)
    with folders() as place:
        assert_equal(
            compiled(case, next(place)), compiled(replace(case, accidents=(*case.accidents, never)), next(place))
        )


@few
@given(small_cases())
def test_two_identical_plants_are_one_of_double_size(case: Small) -> None:
    # Without a least volume nothing is fixed; both halves burn together.
    first, *rest = (replace(s, least=0.0) for s in case.suppliers)
    case = replace(case, suppliers=(first, *rest))
    half = replace(first, capacity=first.capacity / 2, most=first.most / 2)
    twins = (replace(half, name="left"), replace(half, name="right"))
    both = tuple(replace(a, plants=("left", "right")) if a.plants == (first.name,) else a for a in case.accidents)
    with folders() as place:
        parted = replace(case, suppliers=(*twins, *rest), accidents=both)
        assert_equal(compiled(case, next(place)), compiled(parted, next(place)))


@few
@given(small_cases(kinds=("expected",)))
def test_shocks_never_lower_cost(case: Small) -> None:
    counted = replace(case, extra="[shortfall]\nincludes_shock_cost = true\n")
    with folders() as place:
        without = least_cost(compiled(replace(case, accidents=()), next(place)))[0]
        beside = least_cost(compiled(case, next(place)))[0]
        inside = least_cost(compiled(counted, next(place)))[0]
    assert beside == same(without)
    assert inside >= without - 1e-6 * (1 + without)


@few
@given(small_cases())
def test_frontier_is_monotone_and_nondominated(case: Small) -> None:
    with folders() as place:
        program = compiled(case, next(place))
    found = trace_frontier(
        program, COST, LOSS, effort=Effort(points=4, tolerance_share=0.01, gap_share=0.001, time_limit_s=20.0)
    )
    costs, losses = [p.first for p in found.points], [p.second for p in found.points]
    assert costs == sorted(costs)
    assert losses == sorted(losses, reverse=True)
    for a, b in itertools.permutations(found.points, 2):
        assert not (a.first <= b.first and a.second <= b.second and (a.first, a.second) != (b.first, b.second))
    for point in found.points:
        assert point.bound <= least_cost(program, point.second + 1e-7)[0] + 1e-6 * (1 + point.first)
