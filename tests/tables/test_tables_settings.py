import pytest
from pydantic import ValidationError

from optimizer.errors import Problem
from optimizer.tables.case_file import read_settings
from optimizer.tables.settings import CaseSettings

HEAD = 'title = "T"\n[horizon]\nfirst_year = 2027\nlast_year = 2030\n'


def read(tmp_path, text):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "case.toml").write_bytes(content)
    return read_settings(tmp_path / "case.toml", "case.toml")


def only_problem(tmp_path, text) -> Problem:
    settings, problems = read(tmp_path, text)
    assert settings is None
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def test_defaults_are_those_of_the_case_format(tmp_path):
    settings, problems = read(tmp_path, HEAD)
    assert problems == []
    assert settings.base == "shared"
    assert (settings.finance.discount_rate_share, settings.finance.price_deck) == (0.07, "base")
    assert settings.finance.carbon_price_usd_per_t == 0
    assert settings.candidates.statuses == ("operating", "ramping", "construction", "planned")
    assert settings.contracts.surge_share == 0.15
    assert settings.contracts.start_years == settings.shocks.events == settings.origin_rules == ()
    assert settings.freight.air is False
    assert settings.stock.closes_at_opening is True
    assert settings.shocks.window_months == 24
    assert (settings.measure.kind, settings.measure.alpha) == ("cvar_by_start_year", 0.8)
    assert settings.measure.year_weights == {}
    assert settings.shortfall.is_allowed is settings.shortfall.includes_shock_cost is False
    frontier = settings.frontier
    assert (frontier.points, frontier.tolerance_share, frontier.gap_share, frontier.time_limit_s) == (
        8,
        0.01,
        0.01,
        600,
    )
    assert settings.tables.remove == {}


def test_every_section_is_read(tmp_path):
    text = (
        HEAD
        + """
[[origin_rules]]
rule = "r"
countries = ["AAA"]
[[market_rules]]
market = "m"
forbids = ["r"]
from_year = 2028
[[limits.share_cap]]
name = "one"
stage = "s"
country = "*"
max_share = 0.5
[[limits.supplier_count]]
name = "two"
stage = "s"
min = 2
[[limits.budget]]
name = "b"
terms = ["purchase", "toll"]
years = [2027]
max_musd = 5
[[limits.environment]]
name = "e"
indicator = "ghg_kgco2e"
max_value = 1e9
[measure]
year_weights = { 2027 = 0.5, 2028 = 1 }
[tables]
remove = { facilities = ["x"], footprints = [["a", "b", "c"]] }
"""
    )
    settings, problems = read(tmp_path, text)
    assert problems == []
    assert settings.market_rules[0].from_year == 2028
    assert settings.limits.share_cap[0].country == "*"
    assert settings.limits.supplier_count[0].min == 2
    assert settings.limits.budget[0].terms == ("purchase", "toll")
    assert settings.limits.environment[0].max_value == 1e9
    assert settings.measure.year_weights == {2027: 0.5, 2028: 1.0}
    assert settings.tables.remove["footprints"] == (("a", "b", "c"),)


def test_settings_are_frozen(tmp_path):
    settings, _ = read(tmp_path, HEAD)
    with pytest.raises(ValidationError):
        settings.finance.price_deck = "low"


def test_unknown_key_names_the_nearest(tmp_path):
    problem = only_problem(tmp_path, HEAD + "[finance]\ndiscount_rate = 0.07\n")
    assert problem == Problem(
        code="T005",
        file="case.toml",
        row="6",
        column="finance.discount_rate",
        found="`finance.discount_rate`",
        allowed="discount_rate_share, price_deck, carbon_price_usd_per_t, money_year",
        remedy="did you mean `discount_rate_share`?",
    )


def test_unknown_key_of_another_section_names_its_place(tmp_path):
    problem = only_problem(tmp_path, HEAD + "[shocks]\nwindow_months = 12\npoints = 5\n")
    assert (problem.code, problem.row, problem.remedy) == ("T005", "7", "did you mean `frontier.points`?")


def test_unknown_section(tmp_path):
    problem = only_problem(tmp_path, HEAD + "[stocks]\ncloses_at_opening = true\n")
    assert (problem.code, problem.row, problem.remedy) == ("T005", "5", "did you mean `stock`?")


def test_unknown_key_in_a_list_has_the_line_of_its_entry(tmp_path):
    entry = '[[limits.supplier_count]]\nname = "a"\nstage = "s"\nmin = 1\n'
    problem = only_problem(tmp_path, HEAD + entry + entry + "maks = 2\n")
    assert (problem.code, problem.row, problem.column) == ("T005", "13", "limits.supplier_count[2].maks")


def test_missing_key(tmp_path):
    problem = only_problem(tmp_path, 'title = "T"\n[horizon]\nfirst_year = 2027\n')
    assert (problem.code, problem.row, problem.column) == ("T006", "2", "horizon.last_year")
    assert problem.remedy == "add the key. It is: Last year of the plan."


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ('[finance]\ndiscount_rate_share = "7%"\n', "6", "finance.discount_rate_share"),
        ("[finance]\ndiscount_rate_share = 7\n", "6", "finance.discount_rate_share"),
        ("[finance]\ndiscount_rate_share = nan\n", "6", "finance.discount_rate_share"),
        ("[finance]\ncarbon_price_usd_per_t = inf\n", "6", "finance.carbon_price_usd_per_t"),
        ("[finance]\nprice_deck = 'mid'\n", "6", "finance.price_deck"),
        ("[freight]\nair = 'yes'\n", "6", "freight.air"),
        ("[frontier]\npoints = 1\n", "6", "frontier.points"),
        ("[frontier]\npoints = 2.5\n", "6", "frontier.points"),
        ("[measure]\nalpha = 1.0\n", "6", "measure.alpha"),
        ("[shocks]\nwindow_months = -1\n", "6", "shocks.window_months"),
        ("[shocks]\nstart_years = [2027, '2028']\n", "6", "shocks.start_years[2]"),
        ("[[limits.share_cap]]\nname='a'\nstage='s'\nmax_share=0.5\n", "5", "limits.share_cap[1]"),
        ("[[limits.supplier_count]]\nname='a'\nstage='s'\nmin=3\nmax=2\n", "5", "limits.supplier_count[1]"),
        ("[[limits.supplier_count]]\nname='a'\nstage='s'\n", "5", "limits.supplier_count[1]"),
        ("[[limits.budget]]\nname='a'\nterms=['rent']\nmax_musd=1\n", "7", "limits.budget[1].terms[1]"),
    ],
)
def test_wrong_value(tmp_path, text, row, column):
    problem = only_problem(tmp_path, HEAD + text)
    assert (problem.code, problem.row, problem.column) == ("T007", row, column)
    assert problem.found
    assert problem.allowed
    assert problem.remedy


def test_horizon_the_wrong_way_round(tmp_path):
    problem = only_problem(tmp_path, 'title = "T"\n[horizon]\nfirst_year = 2030\nlast_year = 2027\n')
    assert (problem.code, problem.row, problem.column) == ("T007", "2", "horizon")
    assert problem.allowed == "last_year 2027 lies before first_year 2030"


def test_syntax_error_has_its_line(tmp_path):
    problem = only_problem(tmp_path, HEAD + "[finance\n")
    assert (problem.code, problem.file, problem.row) == ("T004", "case.toml", "5")


@pytest.mark.parametrize("value", ["1" * 5000, "[" * 5000])
def test_absurd_values_are_a_syntax_error(tmp_path, value):
    assert only_problem(tmp_path, f"stages = {value}\n").code == "T004"


def test_text_that_is_not_utf8_has_its_line(tmp_path):
    problem = only_problem(tmp_path, HEAD.encode() + b'question = "caf\xe9"\n')
    assert (problem.code, problem.row, problem.found) == ("T003", "5", "byte 0xe9")


def test_missing_file(tmp_path):
    settings, problems = read_settings(tmp_path / "case.toml", "case.toml")
    assert settings is None
    assert [problem.code for problem in problems] == ["T002"]


def test_all_faults_of_the_settings_at_once(tmp_path):
    _, problems = read(tmp_path, 'titel = "T"\n[horizon]\nfirst_year = "x"\n[finance]\nprice_deck = 3\n')
    assert [problem.code for problem in problems].count("T006") == 2
    assert {problem.code for problem in problems} == {"T005", "T006", "T007"}


def test_every_field_has_a_description():
    assert CaseSettings.model_json_schema()["properties"].keys() >= {"title", "horizon", "limits"}
