import math

import pytest
from crossing_run import bounds, crossing_run

from optimizer.errors import UsageProblem
from optimizer.report import numbers, theme
from optimizer.report.frontier_curves import attained_curve, height, knee, lower_bound, proven_curve
from optimizer.report.geometry import (
    CENTRE,
    cut_at_edge,
    detail_frame,
    equal_earth,
    great_circle,
    head,
    land,
    world_frame,
)
from optimizer.report.labels import Wish, place_labels
from optimizer.report.plan_map import plan_map
from optimizer.report.view import RunView, listed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (numbers.mass(1234), "1.2 kt"),
        (numbers.mass(383.4), "383 t"),
        (numbers.mass(2.5e6), "2.5 Mt"),
        (numbers.mass(0.01), "< 0.1 t"),
        (numbers.usd_per_kg(84), "USD 84/kg"),
        (numbers.percent(0.37), "37 %"),
        (numbers.percent(0.0051), "0.51 %"),
        (numbers.percent(1.0), "100 %"),
        (numbers.musd(512.3), "MUSD 512"),
        (numbers.months(0.4), "0.4 months"),
        (numbers.months(1), "1 month"),
        (numbers.months(1e-7), "0 months"),
        (numbers.figure(float("nan")), numbers.MISSING),
        (numbers.figure(-0.5), "\u22120.5"),
    ],
)
def test_numbers_are_told_with_few_digits_and_their_unit(text, told):
    assert text == told


def test_lower_bound_takes_the_best_proof_at_each_loss():
    proofs = bounds()
    assert lower_bound(proofs, 4.0) == 99.0  # weight: 105 - 8 = 97; the cap over everything says 99
    assert lower_bound(proofs, 2.0) == 101.0  # weight: 105 - 4
    assert lower_bound(proofs, 1.0) == 103.0  # weight: 105 - 2; cap up to 1: 102
    assert lower_bound(proofs, 0.6) == 111.0  # the cap of 130 holds for plans up to 111 only
    assert lower_bound(proofs, 0.2) == math.inf
    assert lower_bound(proofs.iloc[:0], 1.0) == -math.inf


def test_proven_curve_has_both_sides_of_every_step():
    curve = dict(proven_curve(bounds(), 0.0, 5.0))
    assert curve[0.6] == 111.0
    after = min(x for x in curve if x > 0.6)
    assert after - 0.6 < 1e-6
    assert curve[after] == pytest.approx(103.8)


def test_attained_curve_is_straight_on_segments_and_a_step_elsewhere():
    view = RunView(crossing_run(None))
    curve = attained_curve(view.frontier, view.table("segments"), 5.0)
    assert curve == [(0.5, 120.0), (1.0, 120.0), (1.0, 104.0), (4.0, 100.0), (5.0, 100.0)]
    assert height(curve, 2.5) == pytest.approx(102.0)
    assert height(curve, 1.0) == 104.0
    assert height(curve, 0.75) == 120.0
    assert height(curve, 0.1) == math.inf


def test_knee_is_farthest_from_the_chord():
    # scaled: (0, 0), (6/7, 1/5), (1, 1): 23/35 below the chord
    assert knee([4.0, 1.0, 0.5], [100.0, 104.0, 120.0]) == 1
    assert knee([2.0, 1.0, 0.0], [0.0, 1.0, 2.0]) == 0
    assert knee([1.0], [2.0]) == 0


def test_a_point_that_does_not_exist_names_those_that_do():
    view = RunView(crossing_run(None))
    assert view.chosen(None) == 2
    with pytest.raises(UsageProblem, match=r"no point 9; the run has 1, 2, 3"):
        view.chosen(9)


def test_equal_earth_matches_its_published_figures():
    assert equal_earth(CENTRE, 0) == (0.0, 0.0)
    assert equal_earth(CENTRE + 180, 0)[0] == pytest.approx(2.70663, abs=1e-5)
    assert equal_earth(CENTRE, 90)[1] == pytest.approx(1.31737, abs=1e-5)


def test_a_path_over_the_antimeridian_is_cut_in_two():
    assert cut_at_edge([(170, 0), (190, 10)], centre=0) == [[(170, 0), (180.0, 5.0)], [(-180.0, 5.0), (-170, 10)]]
    assert cut_at_edge([(190, 10), (170, 0)], centre=0) == [[(-170, 10), (-180.0, 5.0)], [(180.0, 5.0), (170, 0)]]
    assert cut_at_edge([(-190, 0), (-170, 0), (-160, 4)], centre=0) == [
        [(170, 0), (180.0, 0.0)],
        [(-180.0, 0.0), (-170, 0), (-160, 4)],
    ]
    assert cut_at_edge([(10, 0), (20, 0)], centre=0) == [[(10, 0), (20, 0)]]


def test_great_circle_takes_the_short_way_and_runs_on():
    path = great_circle((170, 0), (-171, 0))
    assert path[0] == pytest.approx((170, 0))
    assert path[-1] == pytest.approx((189, 0))
    assert len(path) == 11  # nineteen degrees in steps of at most two


def test_arrow_head_points_along_the_line():
    tip, left, right = head([(0, 0), (100, 0)], 0.5, 10)
    assert tip == (56.0, 0.0)
    assert (left, right) == ((46.0, 5.0), (46.0, -5.0))
    assert head([(0, 0), (5, 0)], 0.5, 10) is None


def test_land_stays_inside_the_frame():
    frame = world_frame([(-120, 60), (140, -40)], 400)
    polygons = land(frame)
    assert len(polygons) > 50
    for ring in (ring for polygon in polygons for ring in polygon):
        assert ring[0] == ring[-1]
        assert all(-0.2 <= x <= 400.2 and -0.2 <= y <= frame.height + 0.2 for x, y in ring)


def test_a_crowd_gets_a_detail_and_a_few_do_not():
    crowd = [(110 + k, 30 + k % 3) for k in range(7)]
    world = world_frame([*crowd, (-100, 40)], 1000)
    detail = detail_frame(crowd, world, (1000, 400))
    assert detail is not None
    assert all(detail.holds(detail.place(*point)) for point in crowd)
    assert detail_frame(crowd[:5], world, (1000, 400)) is None


def test_labels_keep_clear_of_each_other_and_of_symbols():
    spots = [(100 + 3 * k, 100 + 2 * k) for k in range(12)]
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in spots]
    wishes = [Wish((f"Plant number {k}",), at, 4, k) for k, at in enumerate(spots)]
    placed = place_labels(wishes, taken, (0, 0, 500, 300))
    boxes = [label.box for label in placed]
    assert len(placed) >= 5
    assert placed[0].wish.lines == ("Plant number 11",)
    for k, a in enumerate(boxes):
        assert a[0] >= 0
        assert a[2] <= 500
        assert a[1] >= 0
        assert a[3] <= 300
        for b in boxes[k + 1 :] + taken:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]


def test_the_map_averages_nominal_years():
    plan = plan_map(RunView(crossing_run(None)), 2)
    assert {(f.start, f.end, f.layer): f.t_per_year for f in plan.flows} == {
        ("pit", "plant", "supplier"): 100.0,
        ("plant", "home", "buyer"): 50.0,
    }
    assert [p.key for p in plan.unused] == ["idle"]
    assert plan.markets[0].t_per_year == 50.0
    assert plan.flows[-1].path[-1][0] == pytest.approx(238.0)  # 122 degrees west, running on over 180


def test_long_text_is_wrapped_and_cut():
    lines = theme.wrapped("W" * 900, 400, 12, 2)
    assert len(lines) == 2
    assert all(len(line) < 70 for line in lines)
    assert theme.shortened("A plant (with a long remark in brackets)", 12) == "A plant"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
