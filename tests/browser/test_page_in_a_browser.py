"""The page as a reader has it: opened from a file, clicked, typed at, printed."""

import csv
import io
from pathlib import Path

import page_run
import pytest

from optimizer.jobs.frontier import frontier_of
from optimizer.jobs.prepare import Options
from optimizer.report import numbers
from optimizer.results.folder import read_run

TOY = Path(__file__).parents[1] / "toys" / "no-foresight"

PLACE = """point => {
  const view = views.frontier.view, row = pointOf(point), [x, y] = view.origin();
  const box = view.container().querySelector('svg').getBoundingClientRect();
  return [box.left + x + view.scale('x')(row.loss), box.top + y + view.scale('y')(row.cost)];
}"""
NAMELESS = """() => {
  const all = document.querySelectorAll('button, a, input, select, summary, [tabindex], [role=img], svg');
  const isPart = node => node.parentNode.closest('[role=img]') || node.closest('[aria-hidden=true]');
  const labels = node => [...(node.labels || [])].map(label => label.textContent).join('');
  const name = node => node.getAttribute('aria-label') || labels(node) || node.textContent;
  return [...all].filter(node => node.checkVisibility() && !isPart(node) && !name(node).trim())
    .map(node => node.outerHTML.slice(0, 90));
}"""


def text(tab, place):
    return tab.inner_text(place).replace("\u00a0", " ")


def click_point(tab, point, **options):
    tab.locator("#chart-frontier").scroll_into_view_if_needed()
    tab.evaluate("window.scrollTo(0, byId('chart-frontier').getBoundingClientRect().top + scrollY - 150)")
    x, y = tab.evaluate(PLACE, point)
    for key in options.get("keys", ()):
        tab.keyboard.down(key)
    tab.mouse.click(x, y)
    for key in options.get("keys", ()):
        tab.keyboard.up(key)


def test_a_toy_run_gives_a_page_that_asks_nothing_of_anyone(opened, tmp_path):
    run = frontier_of(TOY, tmp_path / "run", Options(points=3, workers=1))
    address = page_run.written(read_run(run.path), tmp_path)
    tab, seen = opened(address)
    assert seen.requests == [address]
    assert seen.messages == []
    assert "Nobody can undercut" in text(tab, "main")
    assert tab.locator("#chart-frontier svg").count() == 1


def test_a_click_on_a_point_changes_everything_that_follows(opened, thirty):
    tab, seen = opened(thirty)
    before = {place: text(tab, place) for place in ("#told", "#portfolio-table", "#figures")}
    click_point(tab, 20)
    tab.wait_for_selector("html[data-drawn='20 against 1']")
    assert text(tab, "#told").startswith("Plan 20: MUSD")
    assert all(text(tab, place) != words for place, words in before.items())
    assert tab.locator("input[name=plan]:checked").get_attribute("value") == "20"
    assert "Plan 20" in tab.locator("#map-a-host svg").first.get_attribute("aria-label").replace("plan", "Plan")
    # plan 20 signs 20 mod 7 + 1 contracts and one qualification
    assert tab.locator("#portfolio-table tbody tr:not(.group):not(.onlyB)").count() == 8
    assert "plan 20" in text(tab, "#loss-finding").lower()
    assert seen.messages == []


def test_a_click_is_answered_at_once_with_thirty_points(opened, thirty):
    tab, _ = opened(thirty)
    took = tab.evaluate("""async () => {
      const times = [];
      for (const point of [3, 28, 11, 17, 8]) { await choose(point); times.push([lastChange.shown, lastChange.all]); }
      return times;
    }""")
    print("\nmilliseconds to what is in the window, and to all:", [[round(t) for t in pair] for pair in took])
    assert all(0 < shown <= whole for shown, whole in took)
    assert tab.evaluate("lastChange.point") == 8


def test_two_points_stand_side_by_side_and_differences_are_marked(opened, thirty):
    tab, _ = opened(thirty)
    click_point(tab, 9)
    click_point(tab, 25, keys=["Shift"])
    tab.wait_for_selector("html[data-drawn='9 against 25']")
    assert tab.locator("#other").input_value() == "25"
    tab.check("#aside")
    assert tab.locator("#map-b").is_visible()
    assert text(tab, "#map-b-title") == "Plan 25"
    marks = tab.locator("#portfolio-table .badge").all_inner_texts()
    # plan 9 signs deals 0-2, plan 25 deals 0-4: three differ in volume, two are only in plan 25
    assert sorted(marks) == ["differs"] * 3 + ["only plan 25"] * 2
    tab.select_option("#other", "")
    tab.wait_for_selector("html[data-drawn='9']")
    assert not tab.locator("#map-b").is_visible()
    assert "than plan" not in text(tab, "#told")


def test_the_keyboard_reaches_everything_and_the_change_is_announced(opened, thirty):
    tab, _ = opened(thirty)
    assert tab.get_attribute("#told", "aria-live") == "polite"
    first = tab.evaluate("state.a")
    tab.focus("#chart-frontier")
    tab.keyboard.press("ArrowLeft")  # less loss lies to the left: the next safer plan
    assert tab.evaluate("state.a") == first + 1
    tab.keyboard.press("Home")
    assert tab.evaluate("state.a") == 1
    tab.focus("input[name=plan]:checked")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("state.a") == 2
    assert text(tab, "#told").startswith("Plan 2:")
    assert tab.evaluate("getComputedStyle(document.activeElement.nextSibling).outlineStyle") == "solid"
    tab.focus("#portfolio-table button")
    tab.keyboard.press("Enter")
    assert tab.locator("#drawer").is_visible()
    tab.keyboard.press("Escape")
    assert not tab.locator("#drawer").is_visible()
    assert tab.evaluate("document.activeElement.closest('#portfolio-table') !== null")


def test_every_control_and_picture_has_a_name(opened, thirty):
    tab, _ = opened(thirty)
    tab.check("#aside")
    for box in tab.locator("summary").all():
        box.click()
    assert tab.evaluate(NAMELESS) == []
    assert tab.locator("svg[role=img]").count() >= 2
    labels = tab.evaluate("[...document.querySelectorAll('.chart')].map(c => c.getAttribute('aria-label'))")
    assert [label for label in labels if len(label) < 20] == []
    heads = tab.evaluate("[...document.querySelectorAll('table')].every(t => t.querySelector('th'))")
    assert heads


def test_a_figure_leads_to_its_row_source_and_confidence(opened, thirty):
    tab, _ = opened(thirty)
    tab.locator("#portfolio-table button").first.click()
    told = text(tab, "#drawer")
    for words in (
        "offers.csv, line 2",
        "assumed for this model",
        "A book, P, 2025",
        "Guessed",
        "portfolio.csv: point =",
    ):
        assert words in told
    assert tab.locator("#drawer a").count() == 0  # an address is text: nothing opens by itself
    tab.click("#drawer-close")
    tab.locator("[data-figure=cost_musd]").click()
    assert "frontier.csv" in text(tab, "#drawer")
    assert "cost_musd" in text(tab, "#drawer")


def test_a_table_is_downloaded_as_csv(opened, thirty):
    tab, seen = opened(thirty)
    tab.evaluate("choose(7)")
    with tab.expect_download() as waiting:
        tab.click("[data-csv=portfolio]")
    assert waiting.value.suggested_filename == "made-portfolio-plan-7.csv"
    rows = list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8-sig"))))
    assert rows[0][:2] == ["kind", "plant"]
    assert [row[0] for row in rows[1:]].count("sale") >= 1
    assert seen.messages == []


def test_a_long_table_is_opened_whole_and_stays_open(opened, thirty):
    tab, seen = opened(thirty)
    rows, more = tab.locator("[data-part] tbody tr"), tab.locator("[data-more]")
    assert (rows.count(), more.inner_text()) == (12, "Show all 30 rows")
    more.click()
    assert (rows.count(), more.inner_text()) == (30, "Show fewer")
    tab.evaluate("choose(7)")
    assert rows.count() == 30
    more.click()
    assert rows.count() == 12
    assert seen.messages == []


def test_words_at_the_chosen_plan_stay_above_it(opened, thirty):
    tab, _ = opened(thirty)
    tab.evaluate("choose(20)")
    words = tab.locator("#chart-frontier svg text", has_text="Plan 20")
    bottom = words.evaluate("node => node.getBoundingClientRect().bottom")
    # a curve through the plan falls to the right, hardly so where it is flat: both lines must end above its dot
    assert bottom < tab.evaluate(PLACE, 20)[1] - 5


def test_dark_follows_the_system_and_the_reader(opened, thirty):
    tab, _ = opened(thirty, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = tab.evaluate(ground)
    tab.click("#light")
    light = tab.evaluate(ground)
    assert sum(map(int, dark[4:-1].split(","))) < 120
    assert sum(map(int, light[4:-1].split(","))) > 690
    ink = tab.evaluate("getComputedStyle(document.querySelector('#chart-losses svg text')).fill")
    tab.click("#light")
    assert ink != tab.evaluate("getComputedStyle(document.querySelector('#chart-losses svg text')).fill")


@pytest.mark.parametrize("width", [718, 740])  # the printed width of A4 and of Letter at 96 dots per inch
def test_nothing_is_cut_in_print(opened, thirty, width):
    tab, _ = opened(thirty)
    tab.emulate_media(media="print")
    tab.set_viewport_size({"width": width, "height": 1000})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert not tab.locator("#chips").is_visible()
    wide = "[...document.querySelectorAll('.chart svg, .mapbox svg')].map(s => s.getBoundingClientRect().right)"
    assert max(tab.evaluate(wide)) <= width + 1
    for place in ("#told", "#portfolio-table", "#chart-shares svg", "#chart-losses svg", "#chart-timeline svg"):
        assert tab.locator(place).first.is_visible()
    assert tab.pdf(format="A4").startswith(b"%PDF")


def test_hostile_text_is_shown_and_never_run(opened, hostile):
    tab, seen = opened(hostile)
    assert page_run.SCRIPT in text(tab, "h1")
    tab.locator("#portfolio-table button").first.click()
    assert page_run.SCRIPT in text(tab, "#drawer")
    assert "javascript:alert(3)" in text(tab, "#drawer")
    tab.click("#drawer-close")
    for box in tab.locator("summary").all():
        box.click()
    for point in (1, 4, 2):
        tab.evaluate("point => choose(point)", point)
    tab.hover("#chart-losses svg path[fill*=proof], #chart-losses svg [aria-label]", force=True, timeout=2000)
    with tab.expect_download() as waiting:
        tab.click("[data-csv=portfolio]")
    plants = [row[1] for row in csv.reader(io.StringIO(Path(waiting.value.path()).read_text(encoding="utf-8-sig")))][1:]
    assert any(page_run.SCRIPT in plant for plant in plants)
    assert tab.evaluate("cell('=1+1') + cell(' @x') + cell(\"'q\")") == "'=1+1' @x''q"
    assert tab.evaluate("window.hit") is None
    assert tab.locator("img, iframe, object, link").count() == 0
    assert tab.locator("script").count() == 3
    assert seen.dialogs == []
    assert len(seen.requests) == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= 1280


def test_the_page_may_not_connect_nor_run_foreign_scripts(opened, thirty):
    tab, seen = opened(thirty)
    assert tab.evaluate("fetch('https://example.org/').then(() => 'reached', () => 'refused')") == "refused"
    tab.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hit = 3'}))"
    )
    assert tab.evaluate("window.hit") is None
    assert len([url for url in seen.requests if not url.startswith("blob:")]) == 1


def test_figures_read_as_everywhere_else(opened, thirty):
    tab, _ = opened(thirty)
    values = [0.0, 0.4, 1.0, 84.0, 383.4, 1234.0, 12345.6, 2.5e6, -0.5, 0.0051, 0.37, 0.9999, 1e-7]
    for name, told in (("figure", numbers.figure), ("mass", numbers.mass), ("usdPerKg", numbers.usd_per_kg),
                       ("musd", numbers.musd), ("percent", numbers.percent), ("percentWords", numbers.percent_words),
                       ("months", numbers.months)):  # fmt: skip
        found = tab.evaluate(f"values => values.map(v => {name}(v))", values)
        assert [word.replace("\u00a0", " ") for word in found] == [told(value) for value in values], name
    found = tab.evaluate("values => values.map(v => load(v, 'kg CO2e') + '|' + load(v, 'm3'))", values)
    expected = [numbers.load(value, "kg CO2e") + "|" + numbers.load(value, "m3") for value in values]
    assert [word.replace("\u00a0", " ") for word in found] == expected
