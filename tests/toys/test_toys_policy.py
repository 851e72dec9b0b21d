"""Rules of states and permits, each on a toy in which it binds and changes the plan by an amount derived by hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
from toy import TOYS, cheapest, cost_of, lifted, moved, planned, point_of, price_of, scratch, variant

from optimizer.errors import DataProblem
from optimizer.jobs.frontier import Run, solve_plan
from optimizer.jobs.point_tables import benchmark_rows
from optimizer.jobs.prepare import Options, prepare


def near(value: float):
    return pytest.approx(value, rel=1e-6, abs=1e-6)


@cache
def cost(name: str, toml: tuple[tuple[str, str], ...] = (), **cells: tuple[str, str]) -> float:
    """Cost of the cheapest plan of a toy with some texts replaced, MUSD."""
    folder = variant(Path(mkdtemp(dir=scratch().name)), name, dict(toml), **cells)
    return cheapest(prepare(folder).program).first


def run_of(name: str, toml: dict[str, str], **cells: tuple[str, str]) -> Run:
    """One audited plan of a toy with some texts replaced."""
    folder = Path(mkdtemp(dir=scratch().name))
    run = solve_plan(variant(folder, name, toml, **cells), folder / "run", Options())
    assert run.status == "complete"
    return run


STORM = '[policy]\nregime = "storm"\n'


def test_one_regime_decides_duty_and_licence() -> None:
    assert point_of(planned("regimes"))["cost_musd"] == near(2.0)
    run = run_of("regimes", {'[policy]\nshock_regimes = ["storm"]\n': STORM})
    assert point_of(run)["cost_musd"] == near(2.64)
    assert cost_of(run, "tariff") == near(2 * 40 * 2 / 1000)
    assert lifted(run, 2027) == near({"far_sale": 40.0, "home_sale": 60.0})


def test_a_regime_that_a_shock_brings_closes_what_it_no_longer_licenses() -> None:
    run = planned("regimes", max_loss_months=3.6)
    assert point_of(run)["cost_musd"] == near(2.2)
    (loss,) = run.tables["losses"].to_dict("records")
    assert loss["shock"] == "regime-storm@2028"
    assert loss["loss_months"] == pytest.approx(3.6, abs=1e-5)
    assert lifted(run, 2028)["home_sale"] == pytest.approx(50.0, abs=1e-4)
    assert point_of(planned("regimes"))["loss_months"] == pytest.approx(7.2, abs=1e-5)


def test_stock_covers_the_time_to_a_licence() -> None:
    run = planned("licence-time")
    assert lifted(run, 2027) == near({"far_sale": 125.0})
    assert lifted(run, 2028) == near({"far_sale": 93.75})
    assert cost_of(run, "stock") == near(0.034375)
    assert price_of(run, "licence_cover", "market|part|2028") > 0
    assert cost("licence-time", (('licence_time = "stock"', 'licence_time = "ignored"'),)) == near(2.0)


def test_a_green_channel_needs_less_stock() -> None:
    # a tenth of what comes in is held; 2027 fills the room of 25 t, as a tonne held over saves 1/0.9 t in 2028
    first, second = 125.0, 75 / 0.9
    carried = 0.5 * 25 + 0.5 * (25 + second / 10)
    short = ("case_by_case,1,73,2000", "general_licence,1,36.5,2000")
    assert cost("licence-time", licences=short) == near((10 * (first + second) + carried) / 1000)


def test_new_volume_arrives_late_where_no_stock_may_cover_it() -> None:
    run = run_of("licence-time", {'licence_time = "stock"': 'licence_time = "delay"'})
    assert point_of(run)["cost_musd"] == near(2.25)
    rows = run.tables["commitments"].query("offer == 'far_sale'").set_index("year")["committed_t"]
    assert rows.to_dict() == near({2027: 125.0, 2028: 100.0})


def test_a_general_licence_serves_only_the_customers_it_names() -> None:
    named = "case_by_case,1,73,2000,,,,,,\nAAA,controlled,*,civil,general_licence,1,0,2000,,market,,,,"
    other = named.replace(",market,", ",another;somebody,")
    assert cost("licence-time", licences=("case_by_case,1,73,2000,,,,,,", named)) == near(2.0)
    assert cost("licence-time", licences=("case_by_case,1,73,2000,,,,,,", other)) == near(2.221875)


def test_smuggling_through_a_trader_fails() -> None:
    run = planned("smuggling")
    assert lifted(run) == near({"home_sale": 100.0})
    assert moved(run, "b:trader>market:boxed") == {}
    ignored = run_of("smuggling", {'reexport = "transshipment"': 'reexport = "ignored"'})
    assert lifted(ignored) == near({"maker_sale": 100.0, "trader_toll": 100.0})
    assert point_of(ignored)["cost_musd"] == near(0.6)


def test_a_ban_on_named_firms_reaches_the_plants_they_hold() -> None:
    run = planned("named-firm")
    assert point_of(run)["cost_musd"] == near(1.4)  # 100 t x 14
    assert lifted(run) == near({"home_sale": 100.0})
    assert moved(run, "b:maker>packer:part") == {}
    # 0.3 + 0.25 of the packer: served where half is not what counts, or where operators alone count; 100 t x (5 + 1)
    for threshold in ("Sister,0.6", "Sister,"):
        assert cost("named-firm", licences=("Sister,0.5", threshold)) == near(0.6)
    assert cost("named-firm", licences=("Group;Sister,0.5", "packer,")) == near(1.4)


def test_no_price_buys_a_way_round() -> None:
    dear = ("home,part,,14,0", "home,part,,100000,0")
    assert cost("smuggling", offers=dear) == near(10_000.0)


def test_substantial_transformation_makes_other_goods_but_content_is_followed() -> None:
    billet = ("boxed,boxed,part,", "boxed,boxed,billet,")
    assert cost("smuggling", products=billet) == near(0.6)
    content = (('reexport = "transshipment"', 'reexport = "content"'),)
    reaching = ("banned,0,0,2000,,,false,true,,", "banned,0,0,2000,,,true,true,0.1,")
    assert cost("smuggling", content, products=billet, licences=reaching) == near(1.4)
    # above the share of content, 5 of 10 USD/kg, the goods are their maker's own
    mild = ("banned,0,0,2000,,,false,true,,", "banned,0,0,2000,,,true,true,0.6,")
    assert cost("smuggling", content, products=billet, licences=mild) == near(0.6)


def test_refusals_that_reach_abroad_cost_no_class_where_they_bind_nowhere() -> None:
    civil = prepare(variant(Path(mkdtemp(dir=scratch().name)), "smuggling", markets=(",defence,", ",civil,")))
    assert civil.instance.origin_rules == ()
    assert {g for gs in civil.instance.place_classes.values() for g in gs} == {0}


def test_content_below_a_threshold_leaves_no_mark() -> None:
    run = planned("content-rule")
    assert lifted(run)["aaa_sale"] == near(2.0)
    assert moved(run, "b:plant>market:part") == near({0: 100.0})
    low = (("content_threshold_share = 0.03", "content_threshold_share = 0.02"),)
    assert cost("content-rule", low) == near(1.29)
    assert cost("content-rule", (("content_threshold_share = 0.03", ""),)) == near(1.29)


def test_ownership_marks_and_an_exception_clears() -> None:
    owned = (("content_threshold_share = 0.03", "ownership_threshold_share = 0.5"),)
    assert cost("content-rule", owned) == near(1.49)
    barely = (("content_threshold_share = 0.03", "ownership_threshold_share = 0.61"),)
    assert cost("content-rule", barely) == near(1.29)
    cleared = (("content_threshold_share = 0.03", 'cleared_stages = ["make"]\ncleared_countries = ["MMM"]'),)
    assert cost("content-rule", cleared) == near(1.09)
    elsewhere = (("content_threshold_share = 0.03", 'cleared_stages = ["make"]\ncleared_countries = ["BBB"]'),)
    assert cost("content-rule", elsewhere) == near(1.29)


def test_owners_can_be_excluded() -> None:
    out = '[candidates]\nexclude_owned_by = ["AAA"]\n\n[[origin_rules]]'
    low = ("content_threshold_share = 0.03", "content_threshold_share = 0.02")
    assert cost("content-rule", (("[[origin_rules]]", out), low)) == near(1.49)


def test_a_benchmark_is_paid_for_until_it_is_dearer_than_to_keep_it() -> None:
    run = planned("benchmark")
    assert cost_of(run, "benchmark") == near(0.07)
    assert lifted(run) == near({"far_sale": 100.0})
    dear = run_of("benchmark", {"penalty_usd_per_kg = 2.0": "penalty_usd_per_kg = 6.0"})
    assert point_of(dear)["cost_musd"] == near(1.14)
    assert lifted(dear) == near({"far_sale": 65.0, "near_sale": 35.0})
    own = "penalty_usd_per_kg = 2.0", 'penalty_usd_per_kg = 2.0\nexempt_countries = ["AAA"]'
    assert cost("benchmark", (own,)) == near(1.0)


def test_a_benchmark_with_a_price_is_held_while_ties_are_broken_and_a_strict_one_need_not_be(tmp_path: Path) -> None:
    strict = variant(tmp_path, "benchmark", {"penalty_usd_per_kg = 2.0": ""})
    for folder, held in ((TOYS / "benchmark", True), (strict, False)):
        ready = prepare(folder)
        rows = [key[0] for key, is_held in zip(ready.program.row_keys, benchmark_rows(ready), strict=True) if is_held]
        assert set(rows) == ({"origin_share_cap"} if held else set())
        assert len(rows) == sum(name == "over_cap" for name, _ in ready.program.column_keys)


def test_feed_above_a_limit_is_barred_from_its_year() -> None:
    run = planned("closed-activity")
    assert lifted(run, 2027) == near({"hot_sale": 100.0, "conversion": 100.0})
    assert lifted(run, 2028) == near({"clean_sale": 100.0, "conversion": 100.0})
    assert cost_of(run, "restoration") == near(0.1)
    assert price_of(run, "activity_ban", "works|crack|hot_conc|buyer|2028") <= -0.002 + 1e-9
    assert cost("closed-activity", (('rules = ["thorium"]', "rules = []"),)) == near(0.8)
    assert cost("closed-activity", (("restoration = true", "restoration = false"),)) == near(0.9)
    assert cost("closed-activity", feed_properties=("thorium_ppm,600", "thorium_ppm,500")) == near(0.8)


def test_a_plant_has_no_output_after_its_closing_year() -> None:
    free = (('rules = ["thorium"]', "rules = []"),)
    mine = ("mine,operating,hot,2000,1000,output,1,1,0,false,", "mine,operating,hot,2000,1000,output,1,1,0,false,2027")
    assert cost("closed-activity", free, facilities=mine) == near(1.0)


def test_a_standard_excludes_a_source() -> None:
    folder = variant(
        Path(mkdtemp(dir=scratch().name)),
        "closed-activity",
        {"[environment]": '[candidates]\nstandards = ["fit"]\n\n[environment]'},
    )
    (folder / "standards.csv").write_text("standard,facility,country,stage\nfit,*,AAA,mine\n")
    assert cheapest(prepare(folder).program).first == near(1.2)


def test_a_cap_per_kilogram_follows_what_is_delivered() -> None:
    # the cap of the toy over its 100 t of demand: the same plan
    total = planned("environment-cap")
    cap = float(total.inputs["environment_caps"]["max_value"].iloc[0])
    per_kg = cap / 1000 / total.inputs["demand"]["demand_t"].sum()
    run = run_of("environment-cap", {"max_value = 1100": f"max_value = {float(per_kg)}\nper_kg = true"})
    assert lifted(run) == near(lifted(total))
    assert point_of(run)["cost_musd"] == near(1.05)


NO_LIMIT = ("max_projects = 1", "max_projects = 2")


def test_building_sites_are_limited() -> None:
    run = planned("held-project")
    starts = run.tables["portfolio"].query("kind == 'project'")["start_year"]
    assert sorted(starts) == [2027, 2028]
    assert cost("held-project", (NO_LIMIT,)) == near(9.0)


def test_technology_controls_delay_or_stop_projects() -> None:
    def refused(policy: str, share: str, days: str, **more: tuple[str, str]) -> float:
        return cost("held-project", (NO_LIMIT,), licences=("free,1,0,", f"{policy},{share},{days},"), **more)

    assert refused("banned", "0", "0") == near(13.5)
    assert refused("case_by_case", "0.5", "182.5") == near(11.0)
    needs = "build_one,equipment,AAA,1,0.25\nbuild_two,equipment,AAA,1,0.25"
    none = "build_one,equipment,AAA,,\nbuild_two,equipment,AAA,,"
    assert refused("banned", "0", "0", project_requirements=(needs, none)) == near(15.0)
    off = ("technology_controls = true", "technology_controls = false")
    assert cost("held-project", (NO_LIMIT, off), licences=("free,1,0,", "banned,0,0,")) == near(9.0)
    # refused to the firm `one` alone: its plant comes a year later for 1.25 MUSD, 5 + 0.5 + 2.5 + 1 + 1 + 1.25
    named = ("2000,,,,,,", "2000,,,,,,\nAAA,equipment,*,*,banned,0,0,2001,,one,,,,")
    assert cost("held-project", (NO_LIMIT,), licences=named) == near(11.25)


def test_public_money_lowers_prices_and_costs() -> None:
    assert cost("held-project", (NO_LIMIT, ("subsidies = []", 'subsidies = ["half"]'))) == near(8.0)
    assert cost("held-project", (NO_LIMIT, ("subsidies = []", 'subsidies = ["credit"]'))) == near(8.8)


def test_partial_approvals_can_limit_owned_goods_on_the_way_to_plants() -> None:
    # maker's goods for the works in CCC, which changes their form: 0.3 of what is reserved at 5 USD/kg, all of it paid
    billet, paid = (
        ("boxed,boxed,part,", "boxed,boxed,billet,"),
        ("maker,part,,5,0,1000,1,2027,2029,0,", "maker,part,,5,0,100,1,2027,2029,0,"),
    )
    part = ("AAA,controlled,*,*,free,1,0,2000", "AAA,controlled,*,*,case_by_case,0.3,0,2000")
    free = cost("smuggling", products=billet, offers=paid, licences=part)
    assert free == near(0.6)
    limited = (('reexport = "transshipment"', 'reexport = "transshipment"\nlimits_intermediates = true'),)
    # at most 100 t are reserved, 30 t of them come through; 70 t from home
    assert cost("smuggling", limited, products=billet, offers=paid, licences=part) == near(0.03 * 6 + 0.07 * 14)


def test_names_of_regimes_rules_and_programmes_are_checked() -> None:
    def found(name: str, old: str, new: str) -> str:
        with pytest.raises(DataProblem) as raised:
            prepare(variant(Path(mkdtemp(dir=scratch().name)), name, {old: new}))
        return " ".join(f"{problem.code} {problem.column} {problem.found}" for problem in raised.value.problems)

    assert found("regimes", '["storm"]', '["sturm"]') == "T025 policy.shock_regimes `sturm`"
    assert found("closed-activity", '["thorium"]', '["radon"]') == "T025 environment.rules `radon`"
    assert found("held-project", "subsidies = []", 'subsidies = ["more"]') == "T025 policy.subsidies `more`"
    assert "policy.reexport" in found("smuggling", '"transshipment"', '"sometimes"')


def test_smuggling_behind_a_priced_sale_fails_too() -> None:
    sold = ("trader_toll,toll,trader,boxed,repack,1,", "trader_sale,sale,trader,boxed,,6,")
    shadow = ("maker,trader,part,buyer", "maker,trader,part,supplier")
    assert cost("smuggling", offers=sold, links=shadow) == near(1.4)
    ignored = (('reexport = "transshipment"', 'reexport = "ignored"'),)
    assert cost("smuggling", ignored, offers=sold, links=shadow) == near(0.6)
