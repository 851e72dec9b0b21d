"""Reports of unusual runs: crowds, many years, nothing moved, no plan, no name, no place, no shared tables."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from crossing_run import crossing_run, table

from optimizer.errors import UsageProblem
from optimizer.report import geometry, numbers
from optimizer.report import view as views
from optimizer.report.batch_page import Entry, _row
from optimizer.report.deck_risks import _times
from optimizer.report.deck_timeline import timeline_slide
from optimizer.report.deliver import draw_run
from optimizer.report.frontier_curves import height, knee
from optimizer.report.map_canvas import Canvas
from optimizer.report.map_legend import nice
from optimizer.report.map_panel import _together
from optimizer.report.map_region import country_groups
from optimizer.report.map_title import shock_row
from optimizer.report.page import _plain, _weak_words
from optimizer.report.page_parts import MOST_ROWS, _fair, parts
from optimizer.report.page_words import _signed, checked
from optimizer.report.plan_charts import _share_rows, losses_chart, losses_finding, shares_finding
from optimizer.report.plan_map import known_passages, plan_map
from optimizer.report.tornado_chart import write_tornado_chart
from optimizer.report.view import RunView, country_names
from optimizer.report.workbook_sheets import Book, shortened_table
from optimizer.report.world_map import MapRequest, map_svg

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter() if node.tag == f"{SVG}text"]


def changed(run, **tables):
    return replace(run, tables={**run.tables, **tables})


def given(run, **inputs):
    return replace(run, inputs={**run.inputs, **inputs})


# --- maps -----------------------------------------------------------------------------------------------------------


def crowded(path):
    """The hand-made run with eight further mines within two degrees of each other, all in use."""
    run = crossing_run(path)
    names = [f"mine{k}" for k in range(8)]
    rows = [
        (n, n, "D", "NZL", -41.0 + k % 3, 172.0 + k // 3, "dig", "operating", False, 0) for k, n in enumerate(names)
    ]
    more = pd.DataFrame(rows, columns=run.inputs["facilities"].columns)
    flows = run.tables["flows"]
    ore = [
        (p, "nominal", f"s:{n}>plant:ore", "supplier", n, "plant", "ore", 0, y, 0, 100.0)
        for p in (1, 2, 3) for y in (2027, 2028) for n in names
    ]  # fmt: skip
    both = pd.concat([flows, pd.DataFrame(ore, columns=flows.columns)], ignore_index=True)
    return changed(given(run, facilities=pd.concat([run.inputs["facilities"], more], ignore_index=True)), flows=both)


def rectangles(svg: str) -> int:
    return sum(node.tag == f"{SVG}rect" for node in ElementTree.fromstring(svg).iter())


def test_where_plants_crowd_the_map_has_an_inset_but_not_in_a_map_of_a_region(tmp_path):
    view = RunView(crowded(tmp_path))
    whole, region = (map_svg(view, MapRequest(2, region=name)) for name in ("", "NZL"))
    few = map_svg(RunView(crossing_run(tmp_path)), MapRequest(2))
    # the part that is shown larger, the paper under the inset and its rim
    assert rectangles(whole) - rectangles(few) >= 3
    assert rectangles(region) == rectangles(few)
    assert words(whole).count("Plant (JPN)") == words(few).count("Plant (JPN)")


def test_five_years_leave_room_to_tell_which_plants_come_and_go(tmp_path):
    run = crossing_run(tmp_path)
    lane = ("buyer", "plant", "home", "metal", 0)
    flows = [(2, "nominal", "b:plant>home:metal", *lane, y, 0, 50.0) for y in (2027, 2028)]
    flows += [
        (2, "nominal", "b:idle>home:metal", "buyer", "idle", "home", "metal", 0, y, 0, 50.0)
        for y in (2028, 2029, 2030, 2031)
    ]
    table_ = pd.DataFrame(flows, columns=run.tables["flows"].columns)
    settings = table("key value", ("first_year", "2027"), ("last_year", "2031"))
    told = words(map_svg(RunView(changed(given(run, settings=settings), flows=table_)), MapRequest(2, is_yearly=True)))
    assert "What changes" in told
    assert "2028: + Idle" in told
    assert "2029: \N{MINUS SIGN} Plant" in told
    assert not any(text.startswith(("2027:", "2030:", "2031:")) for text in told)
    assert any("Japan delivers 100 % in 2027 and 0 % in 2031" in text for text in told)


def test_years_are_those_of_the_flows_where_the_settings_do_not_tell(tmp_path):
    run = given(crossing_run(tmp_path), settings=table("key value"))
    told = words(map_svg(RunView(run), MapRequest(2, is_yearly=True)))
    assert {"2027", "2028"} <= set(told)


def test_a_plan_that_moves_nothing_is_drawn_and_told(tmp_path):
    run = crossing_run(tmp_path)
    view = RunView(changed(run, flows=run.tables["flows"].iloc[:0]))
    for request in (MapRequest(2), MapRequest(2, is_yearly=True)):
        assert any("nothing moves to the markets" in text for text in words(map_svg(view, request)))


def test_a_plant_without_a_position_or_at_the_market_is_no_arrow(tmp_path):
    run = crossing_run(tmp_path)
    plants = run.inputs["facilities"].set_index("facility")
    plants.loc["pit", ["latitude", "longitude"]] = float("nan")
    plan = plan_map(RunView(given(run, facilities=plants.reset_index())), 2)
    assert [flow.start for flow in plan.flows] == ["plant"]
    assert [place.key for place in plan.used] == ["plant"]
    plants.loc["plant", ["latitude", "longitude"]] = (37.0, -122.0)
    assert plan_map(RunView(given(run, facilities=plants.reset_index())), 2).flows == []


def test_flows_to_two_markets_in_one_town_are_one_line(tmp_path):
    run = crossing_run(tmp_path)
    markets = table(
        "market name country_iso3 latitude longitude", *((m, m, "USA", 37.0, -122.0) for m in ("home", "shop"))
    )
    flows = run.tables["flows"]
    other = flows[flows["to_facility"] == "home"].assign(to_facility="shop", lane="b:plant>shop:metal")
    plan = plan_map(RunView(changed(given(run, markets=markets), flows=pd.concat([flows, other]))), 2)
    lines = [flow for flow in _together(plan) if flow.layer == "buyer"]
    assert [(flow.t_per_year, set(flow.lanes)) for flow in lines] == [
        (100.0, {"b:plant>home:metal", "b:plant>shop:metal"})
    ]


def test_a_diamond_has_four_corners():
    canvas = Canvas(100, 50, "x")
    canvas.symbol((10, 10), "diamond", 160, "#000000")
    (path,) = (node.get("d") for node in ElementTree.fromstring(canvas.svg()).iter() if node.tag == f"{SVG}path")
    assert path == "M10.0 0.0L18.0 10.0L10.0 20.0L2.0 10.0Z"  # 160 = 1.6 x 10 x 10


def test_lines_that_touch_the_edge_or_have_no_length_are_cut_and_drawn_all_the_same():
    # a leg that begins on the map's edge is not cut there once more
    assert geometry.cut_at_edge([(180.0, 0.0), (190.0, 10.0)], 0) == [[(-180.0, 0.0), (-170.0, 10.0)]]
    assert geometry.cut_at_edge([(180.0, 0.0), (170.0, 10.0)], 0) == [[(180.0, 0.0), (170.0, 10.0)]]
    assert geometry.great_circle((10.0, 0.0), (10.0, 0.0)) == [(10.0, 0.0), (10.0, 0.0)]
    assert geometry.great_circle((0.0, 0.0), (180.0, 0.0)) == [(0.0, 0.0), (180.0, 0.0)]  # no shortest way
    assert geometry.head([(0.0, 0.0), (1.0, 0.0)], 0.5, 10.0) is None


def test_names_of_the_world_are_empty_without_the_shared_tables(tmp_path, monkeypatch):
    known = (country_names, known_passages, geometry.countries)
    try:
        for function in known:
            function.cache_clear()
        for module in ("view", "plan_map", "geometry", "map_region"):
            monkeypatch.setattr(f"optimizer.report.{module}.data_root", lambda: tmp_path)
        assert (country_names(), known_passages(), geometry.countries()) == ({}, {}, ())
        assert country_groups(tmp_path) == {}
        assert views.country("JPN") == "JPN"
    finally:
        for function in known:
            function.cache_clear()


# --- titles and sentences ---------------------------------------------------------------------------------------------


def test_a_run_without_plans_draws_nothing_and_says_so(tmp_path):
    run = crossing_run(tmp_path)
    empty = changed(run, frontier=run.tables["frontier"].iloc[:0])
    assert draw_run(tmp_path, empty, {}) == ()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageProblem, match="has no plan to draw"):
        RunView(empty).chosen(None)


def test_an_unknown_shock_is_told_by_its_id(tmp_path):
    assert shock_row(RunView(crossing_run(tmp_path)), "flood") == {"name": "flood", "start_year": "", "story": ""}


def test_what_to_sign_includes_projects(tmp_path):
    run = crossing_run(tmp_path)
    rows = run.tables["portfolio"]
    project = rows[rows["kind"] == "qualification"].assign(kind="project", offer="new-line")
    told = _signed(RunView(changed(run, portfolio=pd.concat([rows, project]))))
    assert told.endswith("qualify 1 further plant and sponsor 1 project.")
    none = _signed(RunView(changed(run, portfolio=rows.iloc[:0])))
    assert none == "The recommended plan signs no new contract."


def test_an_audit_kept_in_the_folder_is_told(tmp_path):
    run = replace(crossing_run(tmp_path), audit={})
    assert checked(RunView(run)) == ""
    (tmp_path / "audit.json").write_text('{"checks": [{"passed": true}, {"passed": false}]}')
    assert checked(RunView(run)).endswith("1 of 2 checks passed.")


def test_shares_of_many_countries_end_in_others_and_none_are_told_as_none(tmp_path):
    run = crossing_run(tmp_path)
    codes = [f"C{k:02d}" for k in range(20)]
    many = table("point stage country_iso3 flow_share", *[(p, "dig", c, 0.05) for p in (1, 2, 3) for c in codes])
    view = RunView(changed(run, shares=many))
    rows, order = _share_rows(view, many)
    assert order[-1] == "other"
    assert sum(row["share"] for row in rows if row["point"] == 1) == pytest.approx(1.0)
    others = [row["share"] for row in rows if row["country"] == "other" and row["point"] == 1]
    assert others == pytest.approx([0.05 * (20 - (len(order) - 1))])
    assert shares_finding(RunView(changed(run, shares=many.iloc[:0]))) == "No output to share"
    # a stage that only one of the two ends has cannot be compared
    assert shares_finding(RunView(changed(run, shares=many[many["point"] == 1]))) == "Shares of countries by stage"


def test_losses_of_a_run_without_shocks_or_without_loss_are_told(tmp_path):
    run = crossing_run(tmp_path)
    losses = run.tables["losses"]
    assert losses_finding(RunView(changed(run, losses=losses.iloc[:0])), 2) == "Plan 2: no shocks in this run"
    none = changed(run, losses=losses.assign(loss_months=0.0))
    assert losses_finding(RunView(none), 2) == "Plan 2 loses nothing under any of 1 events"
    assert _times({"loss_months": 0.0, "survive_months": 12.0, "recover_months": 0.0}) == ["nothing", "–", "–"]  # noqa: RUF001


def test_a_country_that_loses_share_is_named_with_its_stage(tmp_path):
    run = crossing_run(tmp_path)
    rows = [(p, s, c, x) for p, mine in ((1, 0.9), (2, 0.6), (3, 0.3)) for s, c, x in
            (("dig", "NZL", mine), ("dig", "AUS", 1 - mine), ("melt", "JPN", 0.5), ("melt", "NZL", 0.5))]  # fmt: skip
    shares = table("point stage country_iso3 flow_share", *rows)
    told = shares_finding(RunView(changed(run, shares=shares)))
    assert told == "New Zealand\u2019s share of dig falls from 90 % in plan 1 to 30 % in plan 3"


def test_events_that_take_nothing_are_counted_and_not_drawn(tmp_path):
    run = crossing_run(tmp_path)
    shocks, losses = run.tables["shocks"], run.tables["losses"]
    calm = shocks.assign(shock="calm@2027", event="calm", name="Calm")
    more = losses.assign(shock="calm@2027", loss_months=0.0)
    view = RunView(changed(run, shocks=pd.concat([shocks, calm]), losses=pd.concat([losses, more])))
    chart = losses_chart(view, 2).to_dict()
    assert "not shown: 1 events that take nothing in either plan" in " ".join(chart["title"]["subtitle"])
    assert "Calm" not in str(chart)
    assert losses_finding(view, 2).startswith("Plan 2 stands 1 of 2 events without loss; the worst")


def test_numbers_that_are_none_are_told_as_missing():
    assert numbers.percent(math.nan) == numbers.MISSING
    assert [_plain(value) for value in (None, pd.NA, "inf", "nan", 2)] == [None, None, None, None, 2.0]
    assert nice(0.0) == 1.0
    assert nice(7300.0) == 5000.0
    open_ = {"low": None, "high": 2.0, "base": None, "swing_musd": 1.0}
    assert _weak_words(open_) == "assumed, no range given"
    middle = _weak_words({**open_, "low": 1.0})
    assert middle.startswith("USD")
    assert "1.5" in middle


# --- curves, long tables, parts, batches ------------------------------------------------------------------------------


def test_curves_without_width_have_no_knee_and_stay_level():
    assert knee([5.0, 5.0, 5.0], [3.0, 2.0, 1.0]) == 0
    assert height([], 1.0) == math.inf
    assert height([(1.0, 5.0)], 2.0) == 5.0  # a single point holds for everything riskier
    assert height([(1.0, 5.0)], 0.5) == math.inf


def test_long_tables_keep_as_many_rows_of_each_point():
    whole = pd.DataFrame({"point": [1] * MOST_ROWS + [2] * 10, "x": 0})
    assert _fair(whole)["point"].value_counts().to_dict() == {1: MOST_ROWS // 2, 2: 10}
    assert len(_fair(whole.drop(columns="point"))) == MOST_ROWS
    assert _fair(whole.head(5)).equals(whole.head(5))


def test_a_part_without_rows_has_no_section_and_shocks_without_names_no_label(tmp_path):
    run = crossing_run(tmp_path)
    (tmp_path / "explain").mkdir()
    assert parts(RunView(changed(run, shocks=run.tables["shocks"].drop(columns="name")))) == []


def test_a_long_table_of_another_plan_is_cut_at_its_first_rows(tmp_path):
    view = RunView(crossing_run(tmp_path))
    other = pd.DataFrame({"point": [9] * 20_001})
    kept, told = shortened_table(view, other)
    assert told == f"{len(kept)} of 20001: the first"


def test_a_batch_without_any_frontier_lists_its_jobs():
    entry = Entry(**{**dict.fromkeys(Entry.__dataclass_fields__, ""), "seconds": 61.4, "gap_share": None})
    assert _row(entry, pd.DataFrame()) == {"time": "61 s", "points": "", "cheapest": "", "safest": "", "gap": ""}


def test_no_figure_draws_no_tornado(tmp_path):
    assert write_tornado_chart(pd.DataFrame(), "", "", tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_more_plants_than_a_slide_holds_are_cut_and_counted(tmp_path):
    run = crossing_run(tmp_path)
    base = run.tables["portfolio"].iloc[:1]
    rows = [base.assign(point=2, facility=f"p{k}", offer=f"o{k}", start_year=2027, end_year=2028) for k in range(40)]
    view = RunView(changed(run, portfolio=pd.concat(rows)))
    page = Slide()
    timeline_slide(page, view)  # type: ignore[arg-type]
    drawn = {name.split()[-2] for name in page.bars if name.endswith(" 2027") and not name.startswith("start of")}
    (more,) = (text for text in page.texts if "more: sheet Portfolio" in text)
    assert int(more.split()[1]) + len(drawn) == 40


class Slide:
    """Stands in for the kit and its slide: keeps the texts and the names of the bars."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.bars: list[str] = []

    def slide(self, title, notes, source):
        return self

    def text(self, box, lines, look):
        self.texts += lines

    def bar(self, box, fill, told="", name=""):
        self.bars.append(name)


def test_sheets_of_one_name_get_numbers():
    book = Book(SimpleNamespace(add_format=lambda looks: looks, add_worksheet=Sheet))
    names = [book.sheet(name).name for name in ("Costs/a", "Costs:a", "costs a", "x" * 40, "x" * 40, "[]")]
    assert names == ["Costs a", "Costs a 2", "costs a 3", "x" * 31, "x" * 27 + " 2", "Sheet"]


class Sheet:
    def __init__(self, name: str) -> None:
        self.name = name

    def set_landscape(self) -> None:
        pass

    def fit_to_pages(self, wide: int, tall: int) -> None:
        pass
