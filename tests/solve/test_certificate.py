from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.solve import certificate as module
from optimizer.solve.certificate import certificate


def points(*rows: tuple[int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["point", "cost_musd", "loss_months"])


def bounds(*rows: tuple[str, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["kind", "max_loss_months", "weight", "bound_musd"])


def segments(*rows: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["from_point", "to_point"])


def test_steps_by_hand() -> None:
    # Points (loss 0, cost 4), (2, 1). U = 4 on [0, 2). Proof: cost >= 1 everywhere. Gap 3 of 4 on the whole range.
    found = certificate(points((1, 1, 2), (2, 4, 0)), bounds(("cap", np.nan, 0, 1)), segments())
    assert found.mean_gap_share == pytest.approx(3 / 4)
    assert found.max_gap_share == pytest.approx(3 / 4)
    assert found.uncertain_share == pytest.approx(1.0)


def test_segment_and_line_by_hand() -> None:
    # The segment cost = 4 - 1.5 loss is attained, the line cost + 1.5 loss >= 3 proven: gap 1 everywhere.
    found = certificate(points((1, 1, 2), (2, 4, 0)), bounds(("weight", np.nan, 1.5, 3.0)), segments((1, 2)))
    assert found.mean_gap_share == pytest.approx(2 / 5)  # area 2 over the area under U, 5
    assert found.max_gap_share == pytest.approx(1.0)  # at loss 2: from 1 down to 0
    # Clipped at the cheapest cost 1: band of height 1 (area 2) less the triangle below 1, base 2/3 and height 1.
    assert found.uncertain_share == pytest.approx((2 - 0.5 * 2 / 3) / 6)


def test_cap_closes_up_to_its_loss() -> None:
    table = bounds(("cap", np.nan, 0, 1), ("cap", 1.0, 0, 4))
    found = certificate(points((1, 1, 2), (2, 4, 0)), table, segments())
    assert found.mean_gap_share == pytest.approx(3 / 8)
    assert found.uncertain_share == pytest.approx(1 / 2)


def test_only_infeasible_closes_everything_below() -> None:
    table = bounds(("cap", np.nan, 0, 1), ("infeasible", 1.5, 0, np.nan))
    found = certificate(points((1, 1, 2), (2, 4, 0)), table, segments())
    assert found.uncertain_share == pytest.approx(0.25)


def test_where_no_proof_reaches_everything_is_open() -> None:
    # cost >= 4 is proven up to loss 1 only: beyond, U = 4 stands over the cheapest cost 1, half of the box of 2 x 3.
    found = certificate(points((1, 1, 2), (2, 4, 0)), bounds(("cap", 1.0, 0, 4)), segments())
    assert found.uncertain_share == pytest.approx(1 / 2)


def test_conditional_proof() -> None:
    # "min(4, 5 - loss) up to loss 2": at most 4, and 3 at loss 2.
    table = bounds(("weight", 2.0, 1.0, 5.0))
    table["max_cost_musd"] = [4.0]
    found = certificate(points((1, 1, 2), (2, 4, 0)), table, segments())
    assert found.mean_gap_share == pytest.approx(0.5 / 8)


def test_crossing_segments_and_dominated_points() -> None:
    # Two segments crossing at loss 1, cost 2.5; a dominated point in between changes nothing.
    front = points((1, 1.0, 2), (2, 4.0, 0), (3, 2.0, 2), (4, 3.0, 0), (5, 5.0, 1))
    found = certificate(front, bounds(("cap", np.nan, 0, 0)), segments((1, 2), (3, 4)))
    # U: 3 - 0.5 loss until 1, then 4 - 1.5 loss; L = 0.
    assert found.mean_gap_share == pytest.approx(1.0)
    assert found.uncertain_share == pytest.approx((2.75 + 1.75 - 2.0) / (2 * (3 - 1)))


def test_no_proof_no_comfort() -> None:
    found = certificate(points((1, 1, 2), (2, 4, 0)), bounds(), segments())
    assert found.mean_gap_share == np.inf
    assert found.uncertain_share == pytest.approx(1.0)


def test_imports_nothing_of_the_engine() -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert not any(name.startswith("optimizer") for name in names)


def test_crossings_count_however_many_lines_there_are() -> None:
    # Segments 10 - 2 r down to (5, 0) and 7 - r cross at r = 3, cost 4; under them 16.5 from 0 to 3 and 4 from 3 to 5.
    # A proof of 2 leaves 10.5 and, from 3 to 4, 1 of it open. Two thousand dominated plans beside them change nothing.
    beside = [(number, 20.0 + number, 10.0) for number in range(5, 2005)]
    four = [(1, 0.0, 5.0), (2, 10.0, 0.0), (3, 0.0, 7.0), (4, 7.0, 0.0)]
    for rows in (four, [*four, *beside]):
        found = certificate(points(*rows), bounds(("cap", np.nan, 0.0, 2.0)), segments((1, 2), (3, 4)))
        assert found.mean_gap_share == pytest.approx(11.5 / 20.5)
        assert (found.safest, found.cheapest) == (0.0, 5.0)


def test_plans_one_rounding_apart_are_a_step_and_no_endless_search_for_a_crossing() -> None:
    # The steep segment, 16 down to 8 within the last digit of loss 1, crosses the level of 12 where no number is left.
    last = float(np.nextafter(1.0, 2.0))
    front = points((1, 8.0, last), (2, 16.0, 1.0), (3, 12.0, 0.5))
    found = certificate(front, bounds(("cap", np.nan, 0.0, 8.0)), segments((1, 2)))
    assert found.mean_gap_share == pytest.approx((12 - 8) / 12)


@pytest.mark.parametrize("seed", range(20))
def test_envelope_is_the_least_line_everywhere(seed: int) -> None:
    dice = np.random.default_rng(seed)
    low = dice.uniform(0.0, 6.0, 40)
    spans, slopes, heights = dice.uniform(0.5, 6.0, 40), dice.uniform(-2.0, 0.5, 40), dice.uniform(0.0, 9.0, 40)
    lines = module.Lines(low, low + spans, slopes, heights)
    first, second = np.array([0.0, 9.0]), np.array([7.0, 1.0])
    curve = module.trace(lines, module.proven_lines(bounds()), first, second)
    for share in (0.001, 0.31, 0.77, 0.999):
        at = curve.left + share * (curve.right - curve.left)
        least = lines.values(at, missing=np.inf).min(axis=1)
        drawn = curve.upper_left + share * (curve.upper_right - curve.upper_left)
        assert drawn[np.isfinite(least)] == pytest.approx(least[np.isfinite(least)], abs=1e-9)
