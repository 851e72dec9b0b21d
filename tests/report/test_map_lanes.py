"""Flows that share a way are drawn side by side."""

import math
from itertools import pairwise

import pytest

from optimizer.report.map_lanes import GAP, Strand, side_by_side


def at(line, x):
    """Height of a line where it passes a place."""
    for (x0, y0), (x1, y1) in pairwise(line):
        if min(x0, x1) <= x <= max(x0, x1) and x0 != x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    raise AssertionError(x)


def test_two_flows_on_one_way_lie_beside_each_other():
    # widths 4 and 2 with a gap of 1 between: middles are (4 + 2) / 2 + 1 = 4 apart, around the common way
    first, second = side_by_side([Strand([(0, 50), (400, 50)], 4), Strand([(0, 50), (400, 50)], 2)])
    assert abs(at(first, 200) - at(second, 200)) == pytest.approx(3 + GAP, abs=0.05)
    assert min(at(first, 200), at(second, 200)) < 50 < max(at(first, 200), at(second, 200))


def test_flows_against_each_other_do_not_meet():
    first, second = side_by_side([Strand([(0, 50), (400, 50)], 4), Strand([(400, 50), (0, 50)], 4)])
    assert abs(at(first, 200) - at(second, 200)) == pytest.approx(4 + GAP, abs=0.05)


def test_three_flows_keep_their_order_and_start_and_end_where_they_belong():
    lines = side_by_side([Strand([(0, 50), (300, 50), (400, 20 * k)], 3) for k in range(3)])
    heights = [at(line, 150) for line in lines]
    assert sorted(heights) in (heights, heights[::-1])
    gaps = [abs(a - b) for a, b in pairwise(heights)]
    assert gaps == pytest.approx([3 + GAP] * 2, abs=0.1)
    for k, line in enumerate(lines):
        assert line[0] == pytest.approx((0, 50), abs=0.01)
        assert line[-1] == pytest.approx((400, 20 * k), abs=0.01)


def test_a_flow_alone_and_flows_that_cross_stay_where_they_are():
    (alone,) = side_by_side([Strand([(0, 0), (100, 40), (200, 0)], 5)])
    assert max(y for _, y in alone) > 38
    across, up = side_by_side([Strand([(0, 100), (200, 100)], 5), Strand([(100, 0), (100, 200)], 5)])
    assert all(math.isclose(y, 100, abs_tol=1e-6) for _, y in across)
    assert all(math.isclose(x, 100, abs_tol=1e-6) for x, _ in up)
    assert side_by_side([]) == []
