import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from crossing_run import HOSTILE, crossing_run, results, table

from optimizer.report import numbers, theme
from optimizer.report.frontier_chart import finding
from optimizer.report.page import embedded, page, page_data
from optimizer.report.page_parts import parts
from optimizer.report.page_plans import Plans, event_order
from optimizer.report.page_sources import provenance, weakest
from optimizer.report.page_words import answer, checked, promise
from optimizer.report.view import RunView
from optimizer.results.folder import RunTables
from optimizer.results.write import write_tables

NAN = float("nan")


class Tags(HTMLParser):
    """Collects elements, resource attributes, scripts and text of a page."""

    def __init__(self):
        super().__init__()
        self.tags, self.resources, self.text, self.scripts, self.policy = [], [], [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.resources += [v for k, v in attrs if k in ("src", "href", "xlink:href", "srcset", "action", "data") and v]
        assert not any(k.startswith("on") for k, _ in attrs)
        if tag == "script":
            self.scripts.append([dict(attrs), ""])
        if dict(attrs).get("http-equiv"):
            self.policy = dict(attrs)["content"]

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script" and self.scripts and self.cdata_elem == "script":
            self.scripts[-1][1] += data
        else:
            self.text.append(data)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    run = crossing_run(tmp_path_factory.mktemp("page"), title=HOSTILE, name=HOSTILE)
    html = page(RunView(run), {"offers": 0.5, "<b>": 1.0})
    tags = Tags()
    tags.feed(html)
    return html, tags


def test_hostile_text_stays_text(hostile):
    _, tags = hostile
    assert not {"img", "iframe", "link", "object", "b"} & set(tags.tags)
    assert '<script>alert("x")</script>' in "".join(tags.text)
    assert "\N{ROCKET}" in "".join(tags.text)
    assert len(tags.scripts) == 3


def test_data_cannot_end_its_element_and_reads_back(hostile):
    _, tags = hostile
    attributes, content = tags.scripts[0]
    assert attributes["type"] == "application/json"
    assert not re.search("[<>&\u2028]", content)
    assert json.loads(content)["names"]["plant"] == HOSTILE
    assert json.loads(embedded({"a": "</script>\u2028&"})) == {"a": "</script>\u2028&"}


def test_the_page_asks_for_nothing(hostile):
    html, tags = hostile
    assert all(resource.startswith("#") for resource in tags.resources)
    sheet = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in sheet
    assert "@import" not in sheet


def test_only_the_scripts_it_was_written_with_may_run(hostile):
    _, tags = hostile
    assert tags.policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in tags.policy
    assert not re.search(r"script-src[^;]*(unsafe-inline|\*|http)", tags.policy)
    for _, script in tags.scripts[1:]:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in tags.policy


def test_the_same_run_gives_the_same_bytes(hostile, tmp_path):
    html, _ = hostile
    assert page(RunView(crossing_run(tmp_path, title=HOSTILE, name=HOSTILE)), {"<b>": 1.0, "offers": 0.5}) == html


def test_nothing_of_a_plan_is_lost_on_the_page(tmp_path):
    data = page_data(RunView(crossing_run(tmp_path)))
    assert [p["point"] for p in data["points"]] == [1, 2, 3]
    assert data["recommended"] == 2
    plan = data["plans"][2]
    assert [(r["kind"], r["id"], r["t"]) for r in plan["portfolio"]] == [
        ("sale", "deal", 60.0), ("qualification", "q", None)
    ]  # fmt: skip
    assert plan["costs"] == [["purchase", 52.0, 104.0, [[2027, 104.0]]]]
    assert plan["losses"] == [["fire", 2027, 1.0, 1.0, 6.0, [[2027, 1.0]]]]
    assert plan["shares"] == [["dig", "New Zealand", 1.0], ["melt", "Japan", 1.0]]
    # 50 t a year to the market and 100 t a year of ore, the mean of two years
    assert sorted(t for _, t in data["map"]["plans"]["2"]["flows"]) == [50.0, 100.0]


def test_stock_is_told_in_days_of_demand(tmp_path):
    run = crossing_run(tmp_path)
    stock = table(
        "point shock place product origin_class year period stock_t",
        (1, "nominal", "home", "metal", 0, 2027, 0, 10.0), (1, "nominal", "home", "metal", 1, 2027, 0, 5.0),
        (1, "fire@2027", "home", "metal", 0, 2027, 1, 99.0),
    )  # fmt: skip
    demand = table("market year demand_t", ("home", 2027, 73.0), ("home", 2028, 73.0))
    view = RunView(RunTables(None, {**run.tables, "stock": stock}, {**run.inputs, "demand": demand}, run.manifest))
    (row,) = Plans(view).plan(1)["stock"]
    # 15 t at the end of one of two years: 7.5 t on average, and 73 t a year are a fifth of a tonne a day
    assert (row["mean"], row["days"], row["years"]) == (7.5, 37.5, [[2027, 15.0]])


def test_a_story_is_told_without_the_year_it_starts_in(tmp_path):
    run = crossing_run(tmp_path)
    shocks = results()["shocks"]
    both = pd.concat([
        shocks.assign(story="It burns. Twice. It starts in 2027."),
        shocks.assign(shock="fire@2028", start_year=2028, story="It burns. Twice. It starts in 2028."),
    ])  # fmt: skip
    view = RunView(RunTables(tmp_path, {**run.tables, "shocks": both}, run.inputs, run.manifest))
    assert event_order(view)["fire"]["story"] == "It burns. Twice."


@pytest.fixture
def sourced(tmp_path):
    run = crossing_run(tmp_path)
    case = tmp_path / "case"
    case.mkdir()
    head = "offer,facility,price_usd_per_kg,price_low_usd_per_kg,price_high_usd_per_kg,source_id,confidence,note\n"
    (case / "offers.csv").write_text(head + "other,x,1,1,1,s,assumed,\ndeal,plant,50,40,70,s,assumed,Guessed\n")
    (case / "sources.csv").write_text("source_id,title,publisher,date,url\ns,A book,P,2025,u\nt,Unused,,,\n")
    paid = table("point offer year committed_t lifted_t paid_t", (2, "deal", 2027, 60, 60, 100.0))
    return RunView(RunTables(tmp_path, {**run.tables, "commitments": paid}, run.inputs, run.manifest))


def test_rows_lead_to_the_row_of_the_table_and_its_source(sourced):
    plans = {point: Plans(sourced).plan(point) for point in sourced.points}
    found = provenance(sourced, plans)
    assert found["links"]["sale:deal"] == ["offers:deal"]
    assert set(found["rows"]) == {"offers:deal"}
    row = found["rows"]["offers:deal"]
    assert (row["line"], row["confidence"], row["note"]) == (3, "assumed", "Guessed")
    assert found["sources"] == {"s": {"title": "A book", "publisher": "P", "date": "2025", "url": "u"}}


def test_the_weakest_assumption_is_worth_its_range_times_what_is_paid_for(sourced):
    plan = Plans(sourced).plan(2)
    rows = provenance(sourced, {2: plan})["rows"]
    (weak,) = weakest(sourced, plan, rows)
    # (70 - 40) USD/kg x 100 t = 3 MUSD
    assert weak["swing_musd"] == pytest.approx(3.0)
    sure = {"offers:deal": {**rows["offers:deal"], "confidence": "reported"}}
    assert weakest(sourced, plan, sure) == []


def test_parts_of_other_commands_are_shown_if_they_are_there(tmp_path):
    view = RunView(crossing_run(tmp_path))
    assert parts(view) == []
    summary = table("point samples measure_months secret", (1, 100, 2.0, 1), (2, 100, 1.0, 2))
    limits = table("point sentence usd_per_year", (2, "", 9e9), (2, "one more is worth it", 5.0))
    write_tables(tmp_path / "stress", {"stress_summary": summary, "stress_losses": summary})
    write_tables(
        tmp_path / "explain", {"explain_limits": limits, "explain_more": table("facility x_share", ("plant", 0.5))}
    )
    stress, explain = parts(view)
    assert [t["name"] for t in stress["tables"]] == ["stress_summary"]
    assert [c["title"] for c in stress["tables"][0]["columns"]] == ["Point", "Samples", "Measure, months"]
    assert [t["rows"] for t in explain["tables"]] == [[[2, "one more is worth it", 5.0]], [["Plant", 0.5]]]
    assert explain["tables"][1]["columns"][1]["share"]


@pytest.mark.parametrize(("is_deep", "told"), [(False, "Walk away above, at least, USD/kg"),
                                               (True, "Walk away above, USD/kg")])  # fmt: skip
def test_quick_prices_are_told_as_low_estimates(tmp_path, is_deep, told):
    sheets = table("point name price_usd_per_kg walk_away_usd_per_kg", (1, "a", 50.0, 60.0))
    limits = table("point sentence usd_per_year", (1, "one more is worth it", 5.0))
    write_tables(tmp_path / "explain", {"explain_suppliers": sheets, "explain_limits": limits})
    (tmp_path / "explain" / "explain.json").write_text(json.dumps({"is_deep": is_deep}))
    worth, walk = parts(RunView(crossing_run(tmp_path)))[0]["tables"]
    assert [c["title"] for c in walk["columns"]] == ["Point", "Name", "Price, USD/kg", told]
    assert bool(walk["note"]) is not is_deep
    assert worth["columns"][-1]["title"] == "Worth, USD a year"


def test_a_hardly_dearer_plan_reads_as_a_sentence(tmp_path):
    run = crossing_run(tmp_path)
    flat = run.tables["frontier"].assign(cost_musd=lambda f: 100.0 + 0.01 * (f["cost_musd"] - f["cost_musd"].min()))
    view = RunView(replace(run, tables={**run.tables, "frontier": flat}))
    told = " ".join(answer(view)).replace("\u00a0", " ")
    # 4 % more became 0.04 %: MUSD 0.04 of 100
    assert "MUSD 0.04 (less than 0.1 %) more than the cheapest plan" in told
    assert finding(view).startswith("Less than 0.1 % more cost takes away")


def test_the_certificate_is_told_with_its_figures(tmp_path):
    told = " ".join(promise(RunView(crossing_run(tmp_path)))).replace("\u00a0", " ")
    assert "by more than 2 % on average, 8 % at most" in told
    assert "checks passed" not in told
    (tmp_path / "audit.json").write_text(json.dumps({"checks": [{"passed": True}, {"passed": False}]}))
    assert checked(RunView(crossing_run(tmp_path))).endswith("1 of 2 checks passed.")


def test_a_run_of_one_plan_has_a_page(tmp_path):
    keep = results()["frontier"].iloc[:1].assign(cost_usd_per_kg=NAN)
    html = page(RunView(RunTables(tmp_path, {"frontier": keep}, {}, {"case": "bare"})), {})
    assert "The answer: plan 1" in html


def test_loads_are_told_in_the_unit_that_suits_their_size():
    assert numbers.load(641_234_000.0, "kg CO2e") == "641 kt CO2e"
    assert numbers.load(346.0, "kg") == "0.35 t"
    assert numbers.load(18_700_000.0, "m3") == "18.7 million m3"
    assert numbers.load(728_400.0, "m3") == "728 thousand m3"
    assert numbers.load(12.5, "m3") == "12.5 m3"


def test_words_can_be_read_on_every_colour_by_light_and_by_dark():
    for is_dark, parts_ in ((False, theme.LIGHT), (True, theme.DARK)):
        for name in ("ink", "muted", "accent-ink", "proof-ink", "gain"):
            for ground in ("paper", "page"):
                assert contrast(parts_[name], parts_[ground]) >= 4.5, (is_dark, name, ground)
        shown = dict(re.findall(r"--([\w-]+):(#\w+);", theme.css_colours(is_dark)))
        for name, colour in shown.items():
            if f"{name}-on" in shown:
                assert contrast(shown[f"{name}-on"], colour) >= 3.0, (is_dark, name)


def contrast(one, other):
    light, dark = sorted((theme.luminance(one), theme.luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
