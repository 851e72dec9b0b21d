"""Maps in every format, with what a shock closes, before and after, year by year, and of a region."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pandas as pd
import pytest
from crossing_run import HOSTILE, crossing_run, table

from optimizer.errors import UsageProblem
from optimizer.report.deliver import write_map
from optimizer.report.geometry import world_frame
from optimizer.report.labels import SIZE
from optimizer.report.map_canvas import Canvas, Letters
from optimizer.report.map_files import chosen_shock, map_bytes
from optimizer.report.map_panel import flow_lines
from optimizer.report.map_region import region_points
from optimizer.report.map_style import SHOCKED, look
from optimizer.report.plain_text import broken, fitted, plain
from optimizer.report.plan_map import hit_by, plan_map, shock_map
from optimizer.report.theme import text_width
from optimizer.report.view import RunView
from optimizer.report.world_map import MapRequest, map_svg

SVG = "{http://www.w3.org/2000/svg}"


def shocked_run(path, name="Plant"):
    """The hand-made run with a fire that closes the plant for three months, in which 5 t still come."""
    run = crossing_run(path, name=name)
    flows = run.tables["flows"]
    lane = ("b:plant>home:metal", "buyer", "plant", "home", "metal")
    fire = [(p, "fire@2027", *lane, 0, 2027, 1, 5.0) for p in (1, 2, 3)]
    tables = dict(run.tables)
    tables["flows"] = pd.concat([flows, pd.DataFrame(fire, columns=flows.columns)], ignore_index=True)
    inputs = dict(run.inputs) | {
        "shock_periods": table("shock period year first_month months", ("fire@2027", 1, 2027, 0.0, 3.0)),
        "facility_shares": table("shock facility period open_share", ("fire@2027", "plant", 1, 0.1)),
        "lane_shares": table("shock lane period origin_bit open_share", ("fire@2027", "s:pit>plant:ore", 1, 0, 0.0)),
        "origin_rules": table("origin_bit rule", (1, "covered_origin")),
    }
    return replace(run, tables=tables, inputs=inputs)


def words(svg):
    tree = ElementTree.fromstring(svg)
    return [node.text or "" for node in tree.iter() if node.tag in (f"{SVG}text", f"{SVG}title")]


def test_a_route_over_the_pacific_never_crosses_the_whole_map():
    """Japan to the United States: the line is cut at the map's edge, no piece jumps from one side to the other."""
    view = RunView(crossing_run(None))
    plan = plan_map(view, 2)
    frame = world_frame([(-160, 60), (170, -50), (11, 0)], 1000)
    lines = [drawn for drawn in flow_lines(plan, frame, look(view, [plan], "product")) if drawn.flow.end == "home"]
    assert len(lines) == 2
    for drawn in lines:
        steps = [abs(a[0] - b[0]) for a, b in zip(drawn.line, drawn.line[1:], strict=False)]
        assert max(steps) < 40
    edges = sorted(x for drawn in lines for x in (drawn.line[0][0], drawn.line[-1][0]))
    assert edges[0] < 150
    assert edges[-1] > 850


def test_layers_open_again_in_a_gis(tmp_path):
    import geopandas

    run = shocked_run(tmp_path / "run")
    write_map(run, MapRequest(2, shock="fire"), tmp_path / "plan.gpkg")
    layers = {name: geopandas.read_file(tmp_path / "plan.gpkg", layer=name) for name in ("nodes", "lanes", "passages")}
    assert all(layer.crs.to_epsg() == 4326 for layer in layers.values())
    nodes, lanes = layers["nodes"].set_index("node"), layers["lanes"].set_index("to_facility")
    assert nodes.loc["plant", "open_share"] == 0.1
    assert nodes.loc["idle", "role"] == "unused"
    assert bool(lanes.loc["plant", "is_cut"]) is True
    assert lanes.loc["home", "t_per_year"] == 50.0
    assert lanes.loc["home"].geometry.geom_type == "MultiLineString"
    west, _, east, _ = lanes.total_bounds
    assert (west, east) == (-180.0, 180.0)
    assert all(part.length < 120 for part in lanes.loc["home"].geometry.geoms)
    assert layers["passages"].loc[0, "t_per_year"] == 50.0
    write_map(run, 2, tmp_path / "plan.geojson")
    again = geopandas.read_file(tmp_path / "plan.geojson")
    assert sorted(again["what"].value_counts().to_dict().items()) == [("lane", 2), ("node", 4), ("passage", 1)]
    assert again.crs.to_epsg() == 4326
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["plan.geojson", "plan.gpkg"]


def test_shock_map_shows_the_yearly_rate_of_its_first_period(tmp_path):
    view = RunView(shocked_run(tmp_path))
    plan = shock_map(view, 2, "fire@2027")
    assert plan.arriving == pytest.approx(20.0)  # 5 t in 3 months
    assert [flow.end for flow in plan.flows] == ["home"]


def test_untouched_plants_deliver_their_pool_in_proportion_to_the_plan(tmp_path):
    run = shocked_run(tmp_path)
    flows = run.tables["flows"]
    idle = (2, "nominal", "b:idle>home:metal", "buyer", "idle", "home", "metal", 0, 2027, 0, 150.0)
    tables = dict(run.tables)
    tables["flows"] = pd.concat([flows, pd.DataFrame([idle], columns=flows.columns)], ignore_index=True)
    tables["supply"] = table(
        "point shock pool market product origin_class year period supply_t",
        (2, "fire@2027", 0, "home", "metal", -1, 2027, 1, 10.0),
    )
    tables["pools"] = table(
        "shock pool facility product", ("fire@2027", 0, "idle", "metal"), ("fire@2027", 0, "plant", "metal")
    )
    plan = shock_map(RunView(replace(run, tables=tables)), 2, "fire@2027")
    # 10 t in 3 months are 40 t/yr; the plan has 150 t from idle and 50 t from plant: 30 and 10, and 20 as before
    assert {flow.start: flow.t_per_year for flow in plan.flows} == pytest.approx({"idle": 30.0, "plant": 30.0})


def test_no_tonne_of_a_pool_is_lost_where_no_plant_of_it_delivers_usually(tmp_path):
    run = shocked_run(tmp_path)
    tables, inputs = dict(run.tables), dict(run.inputs)
    inputs["lanes"] = table(
        "lane layer from_place to_place product mode passages from_port to_port",
        ("b:idle>home:metal", "buyer", "idle", "home", "metal", "air", "", "", ""),
        ("b:pit>home:metal", "buyer", "pit", "home", "metal", "air", "", "", ""),
    )
    tables["supply"] = table(
        "point shock pool market product origin_class year period supply_t",
        (2, "fire@2027", 0, "home", "metal", -1, 2027, 1, 10.0),
    )
    tables["pools"] = table(
        "shock pool facility product", ("fire@2027", 0, "idle", "metal"), ("fire@2027", 0, "pit", "metal")
    )
    plan = shock_map(RunView(replace(run, tables=tables, inputs=inputs)), 2, "fire@2027")
    # neither delivers to the market without the shock: 40 t/yr in equal parts, beside the 20 that still come
    assert {flow.start: flow.t_per_year for flow in plan.flows} == pytest.approx(
        {"idle": 20.0, "pit": 20.0, "plant": 20.0}
    )
    assert plan.arriving == pytest.approx(60.0)


def test_what_a_shock_closes_is_marked(tmp_path):
    view = RunView(shocked_run(tmp_path))
    hit = hit_by(view, "fire@2027")
    assert (hit.places, hit.lanes) == ({"plant": 0.1}, {"s:pit>plant:ore": 0.0})
    plain_map, marked = (map_svg(view, MapRequest(2, shock=shock)) for shock in ("", "fire@2027"))
    assert SHOCKED not in plain_map
    assert marked.count(SHOCKED) >= 3
    assert "stroke-dasharray" in marked  # not told by colour alone
    assert any("way closed by the shock" in text for text in words(marked))


def test_before_and_after_tell_both_figures(tmp_path):
    told = " ".join(words(map_svg(RunView(shocked_run(tmp_path)), MapRequest(2, before_after="fire@2027"))))
    assert "2027 as planned: 50 t/yr" in told
    assert "First 3 months of the shock: 20 t/yr" in told
    assert "plan 2 still gets 40 % of its deliveries" in told


def test_every_year_has_its_panel(tmp_path):
    told = words(map_svg(RunView(shocked_run(tmp_path)), MapRequest(2, is_yearly=True)))
    assert {"2027", "2028"} <= set(told)


def test_flows_by_origin_name_the_rules(tmp_path):
    run = shocked_run(tmp_path)
    run.tables["flows"]["origin_class"] = [1 if lane.startswith("s:") else 0 for lane in run.tables["flows"]["lane"]]
    told = words(map_svg(RunView(run), MapRequest(2, colour="origin")))
    assert {"covered origin", "under no origin rule"} <= set(told)


def test_map_is_a_page_of_16_to_9_with_source_and_disclaimer(tmp_path):
    svg = map_svg(RunView(crossing_run(tmp_path)), MapRequest(2))
    root = ElementTree.fromstring(svg)
    assert float(root.get("width")) * 9 == float(root.get("height")) * 16
    told = " ".join(words(svg))
    for part in ("Natural Earth", "searoute", "Equal Earth", "no statement on any territory"):
        assert part in told


def test_dots_per_inch_set_the_size_of_the_picture(tmp_path):
    sizes = []
    for dpi in (36, 72):
        write_map(crossing_run(tmp_path), 2, tmp_path / "plan.png", dpi)
        head = (tmp_path / "plan.png").read_bytes()[16:24]
        sizes.append((int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")))
    assert sizes == [(480, 270), (960, 540)]


def test_html_map_needs_nothing_from_outside(tmp_path):
    page = map_bytes(map_svg(RunView(crossing_run(tmp_path, name=HOSTILE)), MapRequest(2)), "html", HOSTILE).decode()
    assert "default-src 'none'" in page
    assert "src=x" not in page.replace("&lt;img src=x", "")
    assert page.count("<script") == 1
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_hostile_names_stay_text(tmp_path):
    nasty = HOSTILE + "\x00\x08\u202e\ufffe=HYPERLINK(1)"
    for request in (MapRequest(2), MapRequest(2, before_after="fire@2027"), MapRequest(2, is_yearly=True)):
        svg = map_svg(RunView(shocked_run(tmp_path, name=nasty)), request)
        tree = ElementTree.fromstring(svg)
        assert not [node for node in tree.iter() if node.tag.rpartition("}")[2] in ("script", "img", "image", "a")]
        assert "\u202e" not in svg
    assert any("<script>" in text for text in words(svg))


@pytest.mark.parametrize(
    ("request_", "file", "told"),
    [
        (MapRequest(2), "x.bmp", "png, svg, pdf, html, geojson, gpkg"),
        (MapRequest(9), "x.svg", "the run has 1, 2, 3"),
        (MapRequest(2, shock="fyre"), "x.svg", "did you mean 'fire'"),
        (MapRequest(2, before_after="flood"), "x.svg", "the run has: fire"),
        (MapRequest(2, region="ZZZ"), "x.svg", "no region 'ZZZ'"),
        (MapRequest(2, region="1,50,2,40"), "x.svg", "south before north"),
        (MapRequest(2, is_yearly=True, before_after="fire"), "x.svg", "one of them"),
        (MapRequest(2, shock="fire", before_after="fire"), "x.svg", "leave out --shock"),
        (MapRequest(2, is_yearly=True), "x.gpkg", "holds one plan"),
    ],
)
def test_what_cannot_be_drawn_is_told_and_nothing_is_left_behind(tmp_path, request_, file, told):
    with pytest.raises(UsageProblem, match=told):
        write_map(shocked_run(tmp_path / "run"), request_, tmp_path / file)
    assert list(tmp_path.iterdir()) == []


def test_an_event_stands_for_its_worst_start_year(tmp_path):
    run = shocked_run(tmp_path)
    shocks, losses = run.tables["shocks"], run.tables["losses"]
    later = shocks.assign(shock="fire@2028", start_year=2028)
    more = losses.assign(shock="fire@2028", loss_months=losses["loss_months"] + 1)
    tables = dict(run.tables) | {"shocks": pd.concat([shocks, later]), "losses": pd.concat([losses, more])}
    view = RunView(replace(run, tables=tables))
    assert chosen_shock(view, 2, "fire") == "fire@2028"
    assert chosen_shock(view, 2, "fire@2027") == "fire@2027"


def test_regions_are_countries_groups_boxes_or_the_crowd(tmp_path):
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "country_groups.csv").write_text("group,country_iso3\npacific,JPN\npacific,NZL\n")
    view = RunView(crossing_run(tmp_path))
    plans = [plan_map(view, 2)]
    assert {(139.0, 35.0), (174.0, -41.0)} <= set(region_points(view, plans, "pacific"))
    assert (139.0, 35.0) in region_points(view, plans, "jpn")
    assert set(region_points(view, plans, "0,40,20,60")) == {(x, y) for x in (0, 10, 20) for y in (40, 60)}
    assert len(region_points(view, plans, "auto")) == 1


def test_text_is_cut_to_its_box():
    long = fitted("W" * 500, 200, SIZE)
    assert long.endswith("…")
    assert text_width(long, SIZE) <= 200
    lines = broken("one two three four five six seven eight nine ten", 60, 12, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(text_width(line, 12) <= 60 for line in lines)
    assert plain("a\x00b\u202ec\nd") == "a\ufffdbc d"
    assert broken("", 60, 12) == [""]


def test_canvas_is_well_formed_whatever_is_written():
    canvas = Canvas(100, 50, 'A & B < "C"')
    canvas.text((1, 1), '</text><script>"&\x00', Letters(12, halo=2))
    canvas.symbol((5, 5), "cross", 40, "#000000", told='<b> & "')
    canvas.line([(0, 0), (1, 1)], "#000000", 1, told="]]>")
    root = ElementTree.fromstring(canvas.svg())
    assert root.find(f"{SVG}title").text == 'A & B < "C"'
