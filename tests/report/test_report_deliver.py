import json
import re
from html.parser import HTMLParser

import pytest
from crossing_run import HOSTILE, crossing_run, results

from optimizer.errors import UsageProblem
from optimizer.report import deliver
from optimizer.report.deliver import draw_run, write_map, write_report
from optimizer.report.page_words import answer
from optimizer.report.view import RunView
from optimizer.results.folder import RunTables

FILES = ("frontier", "map"), ("png", "svg", "html")


class Tags(HTMLParser):
    """Collects elements, resource attributes and text of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.resources, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.resources += [v for k, v in attrs if k in ("src", "href", "xlink:href", "srcset", "action", "data") and v]
        assert not any(k.startswith("on") for k, _ in attrs)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    run = crossing_run(folder, title=HOSTILE, name=HOSTILE)
    return folder, run, draw_run(folder, run, {"offers": 0.5, "<b>": 1.0})


def test_every_file_promised_is_there(hostile):
    folder, _, names = hostile
    promised = {f"{name}.{ending}" for name in FILES[0] for ending in FILES[1]}
    assert set(names) == promised | {"shares.png", "losses.png", "costs.png", "report.html"}
    assert all((folder / name).stat().st_size > 1000 for name in names)
    assert not list(folder.glob("*.new"))
    assert (folder / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["map.html", "frontier.html"])
def test_single_pages_hold_their_runtime_and_no_foreign_markup(hostile, name):
    folder, _, _ = hostile
    text = (folder / name).read_text(encoding="utf-8")
    page = Tags()
    page.feed(text)
    assert page.resources == []
    assert not re.search(r"<script[^>]*\bsrc=", text)
    assert "<script>alert" not in text
    assert page.tags.count("script") <= 2


def test_hostile_text_stays_text_in_svg(hostile):
    import xml.etree.ElementTree as ElementTree

    folder, _, _ = hostile
    tree = ElementTree.parse(folder / "map.svg")
    assert not [node for node in tree.iter() if node.tag.endswith("script")]
    assert any("<script>" in (node.text or "") for node in tree.iter())


def test_the_answer_has_its_figures(tmp_path):
    text = " ".join(answer(RunView(crossing_run(tmp_path)))).replace("\u00a0", " ")
    assert "Sign 1 contract with Plant in Japan, qualify 1 further plant." in text
    assert "Plan 2 costs MUSD 104 (USD 52/kg) and loses 1 month of demand (mean of the worst 20 % of shocks)" in text
    assert "MUSD 4 (4 %) more than the cheapest plan, for 75 % less loss." in text
    assert "costs less than MUSD 102, which is proven" in text


def test_a_report_is_drawn_again_in_place_with_what_was_assumed(tmp_path, monkeypatch):
    monkeypatch.setattr(deliver, "picture", lambda spec, ending: b"drawn")
    run = crossing_run(tmp_path)
    names = draw_run(tmp_path, run, {"offers": 0.5})
    before = (tmp_path / "report.html").read_bytes()
    assert b"50 %" in before
    (tmp_path / "report.html").unlink()
    assert "report.html" in names
    assert [path.name for path in write_report(run)] == ["report.html"]
    assert (tmp_path / "report.html").read_bytes() == before


def test_an_unknown_ending_names_the_known_ones(tmp_path):
    with pytest.raises(UsageProblem, match="png, svg, pdf, html, geojson, gpkg"):
        write_map(crossing_run(tmp_path), None, tmp_path / "map.bmp")
    with pytest.raises(UsageProblem, match="1, 2, 3"):
        write_map(crossing_run(tmp_path), 7, tmp_path / "map.svg")
    assert not list(tmp_path.iterdir())


def test_geojson_cuts_lines_at_the_antimeridian(tmp_path):
    write_map(crossing_run(tmp_path, name=HOSTILE), 1, tmp_path / "plan.geojson")
    features = json.loads((tmp_path / "plan.geojson").read_text(encoding="utf-8"))["features"]
    flow = next(f for f in features if f["properties"].get("to_facility") == "home")
    pieces = flow["geometry"]["coordinates"]
    assert len(pieces) == 2
    assert pieces[0][-1][0] == 180
    assert pieces[1][0][0] == -180
    assert flow["properties"]["t_per_year"] == 50.0
    assert next(f for f in features if f["properties"].get("node") == "plant")["properties"]["name"] == HOSTILE


def test_geopackage_and_pdf(tmp_path):
    import geopandas

    write_map(crossing_run(tmp_path), 2, tmp_path / "plan.gpkg")
    flows = geopandas.read_file(tmp_path / "plan.gpkg", layer="lanes")
    assert sorted(flows["t_per_year"]) == [50.0, 100.0]
    assert flows.crs.to_epsg() == 4326
    assert len(geopandas.read_file(tmp_path / "plan.gpkg", layer="nodes")) == 4
    write_map(crossing_run(tmp_path), 2, tmp_path / "plan.pdf")
    assert (tmp_path / "plan.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("cost", [0.0, 100.0])
def test_one_point_and_missing_tables_can_be_drawn(tmp_path, monkeypatch, cost):
    monkeypatch.setattr(deliver, "picture", lambda spec, ending: json.dumps(spec).encode())
    keep = results()["frontier"].iloc[:1].assign(cost_musd=cost, loss_months=cost, cost_usd_per_kg=cost or float("nan"))
    bare = RunTables(tmp_path, {"frontier": keep}, {}, {"case": "bare"})
    assert "report.html" in draw_run(tmp_path, bare, {})
