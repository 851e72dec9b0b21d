"""The deck: ten slides that open again, native charts and tables, nothing too small, too long or taken for markup."""

import io
import math
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from dataclasses import replace

import pytest
from crossing_run import HOSTILE, crossing_run, table
from pptx import Presentation
from pptx.util import Inches, Pt
from test_map_files import shocked_run

from optimizer.report import deck as deck_module
from optimizer.report.deck import deck, telling_shock
from optimizer.report.deck_charts import nice_step, steps
from optimizer.report.deck_kit import BODY, HEIGHT, WIDTH
from optimizer.report.deck_risks import stress_words
from optimizer.report.deck_timeline import timeline_rows
from optimizer.report.theme import text_width
from optimizer.report.view import RunView


@pytest.fixture(autouse=True, scope="module")
def no_drawing():
    """Maps take most of the time and are tested elsewhere."""
    import vl_convert

    small = vl_convert.svg_to_png('<svg xmlns="http://www.w3.org/2000/svg" width="16" height="9"></svg>')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deck_module, "map_bytes", lambda *arguments: small)
        patch.setattr(deck_module, "map_svg", lambda *arguments: "")
        yield


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    """The deck of the hand-made run."""
    return opened(RunView(shocked_run(tmp_path_factory.mktemp("run"))))


def opened(view, assumed=None):
    return Presentation(io.BytesIO(deck(view, assumed or {"offers": 0.5, "links": 0.0})))


def texts(slide):
    for shape in slide.shapes:
        if shape.has_text_frame:
            yield from shape.text_frame.paragraphs
        if shape.has_table:
            yield from (p for row in shape.table.rows for cell in row.cells for p in cell.text_frame.paragraphs)


def all_text(slide):
    return "\n".join(paragraph.text for paragraph in texts(slide))


def test_ten_slides_each_with_title_and_notes(show):
    assert len(show.slides) == 10
    assert show.slide_width / show.slide_height == pytest.approx(16 / 9, abs=1e-3)
    for slide in show.slides:
        assert slide.shapes.title.text
        assert slide.notes_slide.notes_text_frame.text.strip()
    notes = [slide.notes_slide.notes_text_frame.text for slide in show.slides]
    assert "Plan 2: MUSD 104, 1 month lost, proven within 1.9 % (optimal)." in notes[2]
    assert "purchase: +2.00 USD/kg." in notes[6]


def test_charts_and_tables_are_native(show):
    charts = {k: [s for s in slide.shapes if s.has_chart] for k, slide in enumerate(show.slides, start=1)}
    assert [k for k, found in charts.items() if found] == [3, 7]
    frontier = {series.name: list(series.values) for series in charts[3][0].chart.plots[0].series}
    assert frontier["Plans"] == [100.0, 104.0, 120.0]
    assert frontier["Recommended: plan 2"] == [104.0]
    portfolio = next(shape.table for shape in show.slides[3].shapes if shape.has_table)
    assert [cell.text for cell in portfolio.rows[1].cells] == [
        "contract",
        "Plant",
        "Japan",
        "Metal",
        "2027\u20132028",
        "60 t",
    ]
    risks = next(shape.table for shape in show.slides[8].shapes if shape.has_table)
    assert [cell.text for cell in risks.rows[1].cells][1:] == ["1 month", "1 month", "6 months"]


def test_steps_lead_from_the_cheapest_plan_to_the_recommended_one():
    # 50 USD/kg and 52 USD/kg; all of it is purchase, so it adds 2
    assert steps(RunView(crossing_run(None))) == [("Plan 1", 50.0), ("purchase", 2.0), ("Plan 2", 52.0)]
    assert nice_step(31) == 10
    assert nice_step(5.4) == 1
    assert math.isclose(nice_step(0.4), 0.1)


def test_timeline_shows_contracts_and_qualifications_by_plant():
    rows = timeline_rows(RunView(crossing_run(None)))
    assert [(r["kind"], r["name"], r["spans"]) for r in rows] == [
        ("qualification", "Plant", [(2027, 2028, 0.0)]), ("sale", "Plant", [(2027, 2028, 60.0)])
    ]  # fmt: skip


def test_the_shock_shown_is_the_one_that_hurts_the_cheapest_plan_most(show):
    assert telling_shock(RunView(shocked_run(None))) == "fire@2027"
    title = show.slides[5].shapes.title.text
    assert title.endswith(("in its first 3 months plan 2 still gets 40 % of its deliveries", "…"))


def hostile_view(tmp_path):
    nasty = HOSTILE + "\x00\x0b\u202e" + '=HYPERLINK("http://x")'
    run = shocked_run(tmp_path, name=nasty)
    tables = dict(run.tables)
    tables["shocks"] = tables["shocks"].assign(name=nasty, story=nasty)
    inputs = dict(run.inputs)
    inputs["markets"] = inputs["markets"].assign(name=nasty)
    inputs["products"] = inputs["products"].assign(name=nasty)
    manifest = {**run.manifest, "title": nasty, "question": nasty}
    return RunView(replace(run, tables=tables, inputs=inputs, manifest=manifest))


def test_hostile_text_stays_text_and_in_its_box(tmp_path):
    content = deck(hostile_view(tmp_path), {"<b>": 1.0})
    show = Presentation(io.BytesIO(content))
    assert any("<script>" in all_text(slide) for slide in show.slides)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                ElementTree.fromstring(parts.read(name))
                assert b'TargetMode="External"' not in parts.read(name)
    check_boxes(show)


def test_nothing_is_smaller_than_twelve_points_or_leaves_its_slide(show):
    check_boxes(show)


def check_boxes(show):
    for slide in show.slides:
        for paragraph in texts(slide):
            assert all(run.font.size is None or run.font.size >= Pt(12) for run in paragraph.runs)
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= Inches(WIDTH) + 10
            assert shape.top + shape.height <= Inches(HEIGHT) + 10
            if shape.has_table:
                check_cells(shape.table)
        title = slide.shapes.title.text
        assert text_width(title, 24) <= 2 * BODY * 72


def check_cells(found):
    for row in found.rows:
        for column, cell in zip(found.columns, row.cells, strict=True):
            assert text_width(cell.text, 12) <= column.width / 12700 - 10


def test_a_run_of_one_point_without_shocks_or_case_has_a_deck_too(tmp_path):
    run = crossing_run(tmp_path)
    bare = {"frontier": run.tables["frontier"].iloc[:1]}
    show = opened(RunView(replace(run, tables=bare, inputs={})), {})
    assert len(show.slides) == 10
    assert "signs, qualifies and sponsors nothing" in all_text(show.slides[3])


def test_stress_results_are_told_where_the_run_has_them(tmp_path):
    run = shocked_run(tmp_path)
    view = RunView(run)
    assert stress_words(view) == []
    (tmp_path / "stress").mkdir()
    columns = "point samples mean_loss_months measure_months in_sample_months worst_loss_months"
    summary = table(columns, (1, 100, 3.0, 5.0, 4.0, 9.0), (2, 100, 0.75, 1.5, 1.0, 6.0))
    summary.to_parquet(tmp_path / "stress" / "stress_summary.parquet")
    told = all_text(opened(view).slides[8])
    assert (
        "In 100 sampled shocks it was not built for, the plan loses 0.75 months on average and 6 months at worst"
        in told
    )
    assert "the measure is 1.5 months, where the model says 1 month" in told


def test_sources_are_counted_over_the_tables_of_the_case(tmp_path):
    (tmp_path / "case").mkdir()
    columns = "offer source_id confidence"
    rows = table(columns, ("a", "s1", "assumed"), ("b", "s1", "reported"), ("c", "s2", "reported"))
    rows.to_csv(tmp_path / "case" / "offers.csv", index=False)
    columns = "source_id title publisher date url"
    sources = table(columns, ("s1", "First", "P", "2025", ""), ("s2", "Second", "Q", "", ""))
    sources.to_csv(tmp_path / "case" / "sources.csv", index=False)
    slide = opened(RunView(crossing_run(tmp_path))).slides[9]
    assert slide.shapes.title.text == "2 sources stand behind 3 rows of the case: 67 % reported, 33 % assumed"
    found = next(shape.table for shape in slide.shapes if shape.has_table)
    assert [[cell.text for cell in row.cells] for row in found.rows][1:] == [
        ["s1", "First", "P, 2025", "2"], ["s2", "Second", "Q", "1"]
    ]  # fmt: skip


def test_an_office_program_renders_every_slide(tmp_path):
    """Opened by another program than the one that wrote it: as many pages as slides, none of them blank."""
    office, renderer = shutil.which("soffice"), shutil.which("pdftoppm")
    if office is None or renderer is None:
        pytest.skip("LibreOffice or poppler is not installed")
    file = tmp_path / "deck.pptx"
    file.write_bytes(deck(RunView(shocked_run(tmp_path)), {}))
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    convert = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(file)]
    subprocess.run(convert, check=True, capture_output=True, timeout=6000)
    draw = [renderer, "-r", "20", "-gray", str(tmp_path / "deck.pdf"), str(tmp_path / "page")]
    subprocess.run(draw, check=True, timeout=600)
    pages = sorted(tmp_path.glob("page-*.pgm"))
    assert len(pages) == len(Presentation(file).slides)
    assert all(len(set(page.read_bytes()[20:])) > 2 for page in pages)
