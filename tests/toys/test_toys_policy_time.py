"""Rules that change over time, and public money: each on a toy with a result derived by hand, each audited."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from toy import cheapest, cost_of, lifted, planned, point_of, scratch, variant

from optimizer.audit.run import audit_run
from optimizer.chain.phases import branch_probability, regimes_in_force
from optimizer.chain.trade import TradeRules
from optimizer.errors import DataProblem
from optimizer.jobs.frontier import Run, solve_plan
from optimizer.jobs.prepare import Options, prepare
from optimizer.tables.case import load_case


def near(value: float):
    return pytest.approx(value, rel=1e-6, abs=1e-6)


def folder_of(name: str, toml: dict[str, str], **cells: tuple[str, str]) -> Path:
    """A toy with some texts replaced."""
    return variant(Path(mkdtemp(dir=scratch().name)), name, toml, **cells)


@cache
def cost(name: str, toml: tuple[tuple[str, str], ...] = (), **cells: tuple[str, str]) -> float:
    """Cost of the cheapest plan of a toy with some texts replaced, MUSD."""
    return cheapest(prepare(folder_of(name, dict(toml), **cells)).program).first


def run_of(folder: Path, options: Options | None = None) -> Run:
    """One audited plan of a case."""
    run = solve_plan(folder, Path(mkdtemp(dir=scratch().name)) / "run", options or Options())
    assert run.status == "complete"
    return run


def failures(run: Run, table: str, column: str, factor: float) -> set[str]:
    """Checks that fail once a column of an instance table is wrong by a factor."""
    wrong = {**run.inputs, table: run.inputs[table].assign(**{column: run.inputs[table][column] * factor})}
    return {check.name for check in audit_run(run.tables, wrong).failures}


FROM_2028 = '[[policy.schedule]]\nfrom_year = 2028\nregime = "storm"\n\n[shocks]'
GALE = "storm,Storm,calm,false,0.1,12,2,Exports are licensed and taxed.\n"
GALE_ROW = "gale,Gale,storm,false,0.2,12,2,Few licences.\n"
GALE_LICENCE = "AAA,controlled,*,*,case_by_case,0.4,0,2000,storm,,,,,\n"
GALE_LICENCES = GALE_LICENCE + GALE_LICENCE.replace("0.4", "0.1").replace("storm", "gale")


def test_a_regime_can_change_at_a_known_date() -> None:
    # 2027 calm: 100 t at 10; 2028 storm: 40 t at 12 and 60 t at 14
    run = run_of(folder_of("regimes", {"[shocks]": FROM_2028, 'shock_regimes = ["storm"]': ""}))
    assert point_of(run)["cost_musd"] == near(1.0 + 0.48 + 0.84)
    assert lifted(run, 2027) == near({"far_sale": 100.0})
    assert lifted(run, 2028) == near({"far_sale": 40.0, "home_sale": 60.0})


def test_a_shock_departs_from_the_regime_of_its_year() -> None:
    both = {"[shocks]": FROM_2028, "start_years = [2028]": "start_years = [2027, 2028]"}
    shocks = prepare(folder_of("regimes", both)).instance.shocks
    assert list(shocks) == ["regime-storm@2027"]
    also = {**both, 'shock_regimes = ["storm"]': 'shock_regimes = ["gale"]'}
    folder = folder_of("regimes", also, regimes=(GALE, GALE + GALE_ROW), licences=(GALE_LICENCE, GALE_LICENCES))
    shocks = prepare(folder).instance.shocks
    shares = {name: set(shock.lane_share.values()) for name, shock in shocks.items()}
    # a tenth of what calm let through, a quarter of the four tenths that storm lets through
    assert shares == {"regime-gale@2027": {0.1}, "regime-gale-from-2028@2028": {0.25}}


def test_branches_weigh_the_hazards_of_regimes() -> None:
    # two branches after calm: 0.25 x 0.4 and 0.5 x 0.6 a year, so a quarter and three quarters of the weight; under
    # calm the expected loss is 12 x (0.25 x 0.6 + 0.75 x 0.9) = 9.9 months, and half of it takes 50 t from home
    toml = {'shock_regimes = ["storm"]': 'shock_regimes = ["storm", "gale"]', '"worst_case"': '"expected"'}
    folder = folder_of("regimes", toml, licences=(GALE_LICENCE, GALE_LICENCES))
    head = (
        "regime,name,based_on,is_plan_default,branch_of,branch_share,rate_per_year,shock_months,price_multiple,story\n"
    )
    rows = (
        "calm,Calm,,true,,,0,12,1,Free.\n"
        "storm,Storm,calm,false,calm,0.25,0.4,12,2,Licensed.\n"
        "gale,Gale,storm,false,calm,0.5,0.6,12,2,Few licences.\n"
    )
    (folder / "regimes.csv").write_text(head + rows, encoding="utf-8")
    shocks = prepare(folder).instance.shocks
    assert {name: shock.rate_per_year for name, shock in shocks.items()} == near(
        {"regime-storm@2028": 0.1, "regime-gale@2028": 0.3}
    )
    run = run_of(folder)
    assert point_of(run)["loss_months"] == pytest.approx(9.9, abs=1e-5)
    assert point_of(run_of(folder, Options(max_loss_months=4.95)))["cost_musd"] == near(2.2)


def test_a_branch_of_a_branch_takes_both() -> None:
    rows = {
        "calm": {},
        "storm": {"branch_of": "calm", "branch_share": 0.25, "branch_low": 0.1},
        "gale": {"branch_of": "storm", "branch_share": 0.5},
    }
    assert branch_probability(rows, "gale", ["calm"], "branch_share") == 0.125
    assert branch_probability(rows, "gale", ["calm"], "branch_low") == pytest.approx(0.05)
    assert branch_probability(rows, "gale", ["storm", "calm"], "branch_share") == 0.5
    assert branch_probability(rows, "storm", ["storm", "calm"], "branch_share") == 1.0


def test_schedules_and_branches_are_checked() -> None:
    twice = FROM_2028.replace("[shocks]", FROM_2028)
    head = "regime,name,based_on,is_plan_default,rate_per_year,shock_months,price_multiple,story\n"
    more = head.replace("\n", ",branch_of,branch_share\n")
    found = []
    for toml, cells in (
        ({"[shocks]": FROM_2028.replace("2028", "2031")}, {}),
        ({"[shocks]": FROM_2028.replace("storm", "sturm")}, {}),
        ({"[shocks]": twice}, {}),
        ({}, {"regimes": (head, more)}),
    ):
        folder = folder_of("regimes", toml, **cells)
        if cells:
            text = (folder / "regimes.csv").read_text(encoding="utf-8")
            text = text.replace("free.\n", "free.,,\n").replace("taxed.\n", "taxed.,calm,0.7\n")
            text += "gale,Gale,storm,false,0.2,12,2,Few.,calm,0.4\n"
            (folder / "regimes.csv").write_text(text, encoding="utf-8")
        with pytest.raises(DataProblem) as raised:
            prepare(folder)
        found.append([f"{problem.code} {problem.column}" for problem in raised.value.problems])
    assert found == [
        ["T029 policy.schedule[1].from_year"],
        ["T025 policy.schedule[1].regime"],
        ["T024 policy.schedule[2].from_year"],
        ["T044 branch_share"],
    ]


COUNTED = "[shortfall]\nincludes_shock_cost = true\n\n[frontier]"
FREE_STORM = ("AAA,controlled,*,*,case_by_case,0.4,", "AAA,controlled,*,*,free,1,")


def test_a_shock_that_brings_duties_costs_them() -> None:
    # the storm lets everything through at a duty of 100 % of 20 USD/kg: 2 MUSD on 100 t, once in ten years
    toml = {"[frontier]": COUNTED}
    duty = ("duty,0.1,", "duty,1.0,")
    run = run_of(folder_of("regimes", toml, licences=FREE_STORM, tariffs=duty))
    assert point_of(run)["cost_musd"] == near(2.2)
    assert cost_of(run, "shock_cost") == near(0.2)
    assert set(run.inputs["shock_duties"]["extra_share"]) == {1.0}
    # for half a year it is half of that
    half = (GALE, GALE.replace("0.1,12,", "0.1,6,"))
    assert point_of(run_of(folder_of("regimes", toml, licences=FREE_STORM, tariffs=duty, regimes=half)))[
        "cost_musd"
    ] == near(2.1)
    # three times as often the expected duty of 6 USD/kg is dearer than the 4 that home costs more in 2028
    often = (GALE, GALE.replace("0.1,12,", "0.3,12,"))
    run = run_of(folder_of("regimes", toml, licences=FREE_STORM, tariffs=duty, regimes=often))
    assert point_of(run)["cost_musd"] == near(2.4)
    assert lifted(run, 2028) == near({"home_sale": 100.0})
    # where shock cost does not count, no duty is kept
    plain = run_of(folder_of("regimes", {}, licences=FREE_STORM, tariffs=duty))
    assert plain.inputs["shock_duties"].empty


def test_partial_approvals_limit_what_moves_behind_priced_sales() -> None:
    # the trader sells at 6 USD/kg what maker sends; of maker's 100 t a year 0.3 is licensed, the rest from home at 14
    cells = {
        "offers": ("trader_toll,toll,trader,boxed,repack,1,", "trader_sale,sale,trader,boxed,,6,"),
        "links": ("maker,trader,part,buyer", "maker,trader,part,supplier"),
        "facilities": (
            "maker,maker,maker,AAA,0,0,make,operating,,2000,1000",
            "maker,maker,maker,AAA,0,0,make,operating,,2000,100",
        ),
        "licences": ("AAA,controlled,*,*,free,1,0,2000", "AAA,controlled,*,*,case_by_case,0.3,0,2000"),
        "products": ("boxed,boxed,part,", "boxed,boxed,billet,"),
    }
    assert cost("smuggling", **cells) == near(0.6)
    toml = {'reexport = "transshipment"': 'reexport = "transshipment"\nlimits_intermediates = true'}
    run = run_of(folder_of("smuggling", toml, **cells))
    assert point_of(run)["cost_musd"] == near(0.03 * 6 + 0.07 * 14)
    assert "shadow_licences" in failures(run, "capacities", "open_sale_t", 0.9)


def test_a_shipped_regime_puts_a_hundred_per_cent_on_top() -> None:
    tables = load_case("allied-magnets").tables
    plan, shock = (TradeRules(tables, regimes_in_force(tables, name)) for name in (None, "decoupling-100"))
    rise = [rules.tariff_share("USA", "CHN", "magnet", 2028) for rules in (plan, shock)]
    assert rise[1] - rise[0] == near(1.0)


LEARNS = ("yield_learning = true", "yield_learning = false")


def test_a_new_plant_learns() -> None:
    run = planned("learning-yields")
    assert lifted(run, 2027) == near({"home_sale": 100.0})
    assert lifted(run, 2028) == near({"feed_sale": 125.0, "conversion": 100.0})
    assert lifted(run, 2029) == near({"feed_sale": 100.0, "conversion": 100.0})
    assert cost("learning-yields", (LEARNS,)) == near(1.8)
    holder = ("works,works,works,CCC", "works,works,works,BBB")
    assert cost("learning-yields", facilities=holder) == near(0.4 / 0.9 + 0.2 + 1.2)
    full = ("construction,,2027,1000", "construction,,2027,50")
    assert cost("learning-yields", facilities=full) == near(2.47)


def test_a_plant_that_does_not_learn_has_no_rows_for_it() -> None:
    on = planned("learning-yields")
    off = run_of(folder_of("learning-yields", dict([LEARNS])))
    assert len(on.inputs["recipe_yields"]) == 2
    assert off.inputs["recipe_yields"].empty
    sizes = [prepare(folder_of("learning-yields", dict(toml))).program.matrix.shape for toml in ([], [LEARNS])]
    assert sizes[0] == sizes[1]


def test_the_audit_recomputes_yields() -> None:
    assert "material_balance" in failures(planned("learning-yields"), "recipe_yields", "yield_share", 0.9)


def test_a_sponsored_plant_learns_from_its_first_output() -> None:
    both = ("max_projects = 1", "max_projects = 2")
    on = ("technology_controls = true", "technology_controls = true\nyield_learning = true")
    folder = folder_of("held-project", dict([both, on]))
    (folder / "yield_learning.csv").write_text(
        "stage,route,country,year_of_operation,yield_share\nmake,*,*,1,0.5\n", encoding="utf-8"
    )
    assert cheapest(prepare(folder).program).first == near(11.0)


MONEY = 'subsidies = ["half", "credit", "cheap"]'


def test_the_audit_recomputes_public_money() -> None:
    # half of each project is paid and 3 of its 10 USD/kg, of which half is passed on: 2 x 0.5 x (1 - 0.5); see README
    folder = folder_of("held-project", {"subsidies = []": MONEY, "max_projects = 1": "max_projects = 2"})
    with (folder / "subsidy_terms.csv").open("a", encoding="utf-8") as file:
        file.write("cheap,floor,old,*,*,45,\n")
    run = run_of(folder)
    # 5 in 2027; 0.1 t/yr x (10 - 1) in each of two years; two projects of 0.5
    assert point_of(run)["cost_musd"] == near(5 + 0.9 + 0.9 + 1)
    assert set(run.inputs["subsidies"]["kind"]) == {"investment_credit", "production_credit", "floor"}
    for table, column, check in (
        ("offer_years", "price_usd_per_kg", "subsidised_prices"),
        ("price_parts", "price_usd_per_kg", "subsidised_prices"),
        ("projects", "cost_musd", "subsidised_projects"),
        ("subsidies", "value", "subsidised_projects"),
    ):
        assert check in failures(run, table, column, 1.1), table


def test_a_floor_the_state_pays_and_a_cheap_loan_are_recomputed() -> None:
    # old's formula: 40 USD/kg, floor 50; the state pays the floor. A loan of half over one year at 0 %, discounted at
    # 25 %, is worth 0.5 x (1 - 1 / 1.25) = 0.1 of the cost; the plan's first year has the factor 1.25 ** -0.5.
    toml = {"subsidies = []": 'subsidies = ["cheap"]', "discount_rate_share = 0.0": "discount_rate_share = 0.25"}
    folder = folder_of("held-project", {**toml, "max_projects = 1": "max_projects = 2"})
    offers = folder / "offers.csv"
    head, first, *rest = offers.read_text(encoding="utf-8").splitlines()
    lines = [f"{head},floor_usd_per_kg", first.replace(",50,0,", ",40,0,") + ",50", *(f"{line}," for line in rest)]
    offers.write_text("\n".join(lines) + "\n", encoding="utf-8")
    terms = "programme,kind,facility,project,product,value,term_years,rate_share\n"
    rows = "cheap,floor,old,*,*,50,,\ncheap,loan,*,*,*,0.5,1,0\n"
    (folder / "subsidy_terms.csv").write_text(terms + rows, encoding="utf-8")
    run = run_of(folder)
    assert list(run.inputs["projects"]["cost_musd"]) == near([0.9, 0.9])
    assert set(run.inputs["offer_years"].query("offer == 'old_sale'")["price_usd_per_kg"]) == {40.0}
    assert "subsidised_prices" in failures(run, "price_parts", "price_usd_per_kg", 1.1)
    assert "subsidised_projects" in failures(run, "subsidies", "term_years", 2.0)
