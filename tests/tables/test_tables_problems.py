"""One test per detection: the case is right but for one fault, and exactly that fault is reported."""

import pytest

from optimizer.errors import Problem


def test_unknown_table_file(alone):
    (alone.folder / "offers.csv").rename(alone.folder / "offer.csv")
    alone.write("contracts.csv", "offer,committed_t_per_year,end_year\n")
    problem = alone.problem()
    assert (problem.code, problem.file, problem.found) == ("T008", "toy/offer.csv", "`offer.csv`")
    assert problem.remedy == "did you mean `offers.csv`?"


@pytest.mark.parametrize("name", ["data.xlsx", "Demand.CSV", "x.parquet"])
def test_other_table_files_are_not_passed_over(alone, name):
    alone.write(name, "x")
    assert (alone.problem().code, alone.problem().file) == ("T008", f"toy/{name}")


def test_notes_and_subfolders_are_left_alone(alone):
    (alone.folder / "sources").mkdir()
    (alone.folder / "sources" / "x.csv").touch()
    alone.write("README.md", "x")
    alone.load()


def test_missing_shared_table(shared):
    (shared.data / "ports.csv").unlink()
    assert shared.problem() == Problem(
        "T009",
        "data/ports.csv",
        found="no such file",
        allowed="every table of the data package",
        remedy='restore the file, or set base = "none" and bring all tables',
    )


def test_unreadable_file(alone):
    (alone.folder / "events.csv").unlink()
    (alone.folder / "events.csv").mkdir()
    problem = alone.problem()
    assert (problem.code, problem.file, problem.found) == ("T002", "toy/events.csv", "Is a directory")


@pytest.mark.parametrize(
    ("content", "row", "found"),
    [(b"event\nok\n\xff\n", "3", "byte 0xff"), ("event\nx\n".encode("utf-16"), "", "UTF-16 text")],
)
def test_text_that_is_not_utf8(alone, content, row, found):
    (alone.folder / "events.csv").write_bytes(content)
    problem = alone.problem()
    assert (problem.code, problem.file, problem.row, problem.found) == ("T003", "toy/events.csv", row, found)


def test_semicolons(alone):
    alone.write("demand.csv", alone.text("demand").replace(",", ";"))
    problem = alone.problem()
    assert problem == Problem(
        "T010",
        "toy/demand.csv",
        "1",
        found="semicolons",
        allowed="commas",
        remedy="save the file with commas between cells and a decimal point in numbers",
    )


def test_too_many_cells_hint_at_an_unquoted_decimal_comma(alone):
    alone.replace("demand", "motors,2029,30", "motors,2029,30,5")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.found, problem.allowed) == ("T011", "3", "4 cells", "3 cells")
    assert "decimal point" in problem.remedy


def test_too_few_cells(alone):
    alone.replace("demand", "motors,2029,30", "motors,2029")
    assert (alone.problem().code, alone.problem().found) == ("T011", "2 cells")


def test_quote_that_is_never_closed(alone):
    alone.write("demand.csv", alone.text("demand") + '"motors,2028,3\n')
    problem = alone.problem()
    assert (problem.code, problem.file, problem.row) == ("T042", "toy/demand.csv", "4")


def test_nul_and_control_characters(alone):
    alone.replace("markets", "Motors", "Mot\x07ors")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column, problem.found) == ("T042", "2", "name", "`Mot\\x07ors`")
    alone.replace("markets", "Mot\x07ors", "Mot\x00ors")
    assert (alone.problem().code, alone.problem().row) == ("T042", "2")


def test_empty_file(alone):
    alone.write("links.csv", "")
    assert (alone.problem().code, alone.problem().found) == ("T012", "empty file")


def test_missing_key_column(alone):
    alone.write("demand.csv", "market,demand_t_per_year\nmotors,5\n")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column) == ("T012", "1", "year")
    assert problem.remedy == "add the column. It is: Year."


def test_missing_column_of_a_shared_table(shared):
    file = shared.data / "events.csv"
    file.write_text("event,name,cause,rate_per_year,source_id,confidence\nban,Ban,policy,0.1,src,reported\n")
    problem = shared.problems()[0]
    assert (problem.code, problem.file, problem.column) == ("T012", "data/events.csv", "story")


def test_missing_column_where_rows_are_new(alone):
    alone.write("links.csv", "from_facility,to_facility,form\nmine_k,sep_k,concentrate\n")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column) == ("T019", "2", "layer")


def test_wrong_unit_in_a_column_name(alone):
    alone.replace("facilities", "capacity_t_per_year", "capacity_kg_per_year")
    problems = alone.problems()
    problem = problems[0]
    assert (problem.code, problem.row, problem.column) == ("T013", "1", "capacity_kg_per_year")
    assert problem.remedy == (
        "did you mean `capacity_t_per_year`? Convert the numbers to its unit (t/yr) and rename the column"
    )
    assert len(problems) == 1


def test_misspelt_column(alone):
    alone.replace("offers", "take_or_pay_share", "takeorpay_share")
    problem = alone.problem()
    assert (problem.code, problem.remedy) == ("T013", "did you mean `take_or_pay_share`?")


def test_unknown_column(alone):
    alone.replace("countries", "name\nAAA,Aland\nBBB,Bland", "name,zzz\nAAA,Aland,1\nBBB,Bland,2")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.remedy) == (
        "T013",
        "zzz",
        "delete the column (remarks go into `note`)",
    )


def test_column_given_twice(alone):
    alone.write("countries.csv", "country_iso3,name,name\nAAA,Aland,A\nBBB,Bland,B\n")
    assert (alone.problem().code, alone.problem().column) == ("T014", "name")


@pytest.mark.parametrize(
    ("cell", "code", "remedy"),
    [
        ("many", "T015", "write the number alone, without unit or sign of money"),
        ("30 t", "T015", "write the number alone, without unit or sign of money"),
        ('"30,5"', "T015", "write a decimal point instead of the comma, and no separator between thousands"),
        ('"1.030,5"', "T015", "write a decimal point instead of the comma, and no separator between thousands"),
        ("1 030", "T015", "take out the separators between thousands"),
        ("1_030", "T015", "take out the separators between thousands"),
        ('"1,030.5"', "T015", "take out the separators between thousands"),
        ("30%", "T015", "write the share, for example 0.12 instead of 12 %"),
        ("0x1f", "T015", "write the number alone, without unit or sign of money"),
        ("=1+1", "T015", "write the number alone, without unit or sign of money"),
        ("nan", "T016", "write the number, or leave the cell empty where it is optional"),
        ("-inf", "T016", "write the number, or leave the cell empty where it is optional"),
        ("1e308", "T016", "check the unit and the exponent; for `no limit` write a large amount such as 1000000"),
        ("1e999", "T016", "check the unit and the exponent; for `no limit` write a large amount such as 1000000"),
    ],
)
def test_cells_that_are_no_number(alone, cell, code, remedy):
    alone.replace("demand", "motors,2029,30", f"motors,2029,{cell}")
    problem = alone.problem()
    assert (problem.code, problem.file, problem.row, problem.column) == (
        code,
        "toy/demand.csv",
        "3",
        "demand_t_per_year",
    )
    assert problem.found == f"`{cell.strip(chr(34))}`"
    assert problem.remedy == remedy


def test_year_that_is_not_whole(alone):
    alone.replace("demand", "motors,2029,30", "motors,2029.5,30")
    assert (alone.problem().code, alone.problem().column) == ("T017", "year")


def test_boolean(alone):
    alone.replace("compositions", "x,0.2,true", "x,0.2,yes")
    problem = alone.problem()
    assert (problem.code, problem.found, problem.allowed) == ("T018", "`yes`", "true or false")


def test_required_value_missing(alone):
    alone.replace("facilities", "Mine K,Oryx,AAA", "Mine K,,AAA")
    problem = alone.problem()
    assert problem == Problem(
        "T019",
        "toy/facilities.csv",
        "2",
        "operator",
        "nothing",
        "text",
        "fill the cell: Operator; projects of one operator slip together, share caps may name it.",
    )


def test_negative_capacity(alone):
    alone.replace("facilities", "2000,,500,output", "2000,,-500,output")
    problem = alone.problem()
    assert problem == Problem(
        "T020",
        "toy/facilities.csv",
        "4",
        "capacity_t_per_year",
        "`-500.0`",
        "at least 0 t/yr",
        "write a larger value, or check the sign and the unit",
    )


def test_share_over_one(alone):
    alone.replace("offers", "2029,0.8,0.15,magnet", "2029,80,0.15,magnet")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column) == ("T021", "4", "take_or_pay_share")
    assert problem.remedy == "write shares between 0 and 1, not per cent"


def test_word_that_is_not_allowed(alone):
    alone.replace("facilities", "operating,kite", "running,kite")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.found) == ("T022", "status", "`running`")
    assert problem.allowed == "operating, ramping, construction, planned, suspended, cancelled"


def test_code_of_a_country_in_the_wrong_form(alone):
    alone.replace("countries", "BBB,Bland", "BBB,Bland\nb2,Cland")
    assert (alone.problem().code, alone.problem().row) == ("T023", "4")


def test_date_in_the_wrong_form(alone):
    header = "importer,exporter,form,legal_basis,kind,rate_share,valid_from,valid_to\n"
    alone.write("tariffs.csv", header + "BBB,AAA,magnet,law,duty,0.1,01.02.2027,\n")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.allowed) == ("T023", "valid_from", "a date like 2027-01-31")


def test_key_given_twice(alone):
    alone.replace("demand", "motors,2029,30", "motors,2027,30")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column) == ("T024", "3", "market, year")
    assert problem.found == "`motors|2027`, as in row 2"


@pytest.mark.parametrize(
    ("table", "old", "new", "row", "column"),
    [
        ("demand", "motors,2029", "motor,2029", "3", "market"),
        ("market_products", "motors,magnet_n,0,1\n", "motors,magnet_n,0,1\nmotors,magnet_m,0,1\n", "3", "product"),
        ("qualified", "magnet_a,magnet_n,*", "magnet_c,magnet_n,*", "2", "facility"),
        ("qualified", "magnet_n,*", "magnet_n,trains", "2", "market"),
        ("contracts", "sale_a", "sale_b", "2", "offer"),
        ("links", "mine_k,sep_k", "mine_k,sep_q", "2", "to_facility"),
        ("links", "mine_k,sep_k,concentrate", "mine_k,sep_k,concentrat", "2", "form"),
        ("stock_policies", "magnet_b,oxide_x", "magnet_z,oxide_x", "3", "place"),
        ("facilities", "0.1,false,\nsep_k", "0.1,false,harbour\nsep_k", "2", "port"),
        ("facilities", "500,output", "500,magnet_q", "4", "capacity_basis"),
        ("event_effects", "lane,*,AAA", "lane,mine_z,AAA", "2", "facility"),
        ("event_effects", "*,*,heavy", "*,*,heavi", "2", "control_group"),
        ("event_effects", "both,*,*,*,false", "both,*,canal,*,false", "2", "passage"),
        ("event_effects", "both,*,*,*,false", "both,*,*,ruler,false", "2", "origin_rule"),
        ("event_effects", "both,*,*,*,false", "both,army,*,*,false", "2", "segment"),
        ("route_flows", "split,out,x", "split,out,z", "2", "item"),
    ],
)
def test_dangling_reference(alone, table, old, new, row, column):
    alone.replace(table, old, new)
    problem = alone.problem()
    assert (problem.code, problem.file, problem.row, problem.column) == ("T025", f"toy/{table}.csv", row, column)
    assert problem.allowed
    assert problem.remedy


def test_source_must_be_registered_unless_it_is_the_case(shared):
    shared.write("events.csv", "event,rate_per_year,source_id,confidence\nban,0.3,elsewhere,reported\n")
    assert (shared.problem().code, shared.problem().column) == ("T025", "source_id")
    shared.write("events.csv", "event,rate_per_year,source_id,confidence\nban,0.3,case,buyer\n")
    shared.load()


def test_own_tables_alone_need_no_register(alone):
    alone.write("contracts.csv", "offer,committed_t_per_year,end_year,source_id,confidence\nsale_a,5,2028,mail,buyer\n")
    alone.load()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a..b", "C:x", "a|b", "a>b", "~x", ".x"])
def test_names_that_could_be_a_path_or_part_of_an_index(alone, name):
    alone.write("passages.csv", f"passage,name,latitude,longitude\n{name},The Strait,0,0\n")
    assert (alone.problem().code, alone.problem().column) == ("T026", "passage")


@pytest.mark.parametrize(
    ("table", "old", "new", "column"),
    [
        ("markets", "Motors,BBB", "Motors,BBC", "country_iso3"),
        ("event_effects", "*,AAA,*", "*,AAB,*", "country"),
        ("event_effects", "*,both,*", "*,nobody,*", "destination"),
        ("country_groups", "both,BBB", "both,BBX", "country_iso3"),
    ],
)
def test_unknown_country_or_group(alone, table, old, new, column):
    alone.replace(table, old, new)
    problem = alone.problem()
    assert (problem.code, problem.file, problem.column) == ("T027", f"toy/{table}.csv", column)


def test_groups_and_all_stand_for_countries(alone):
    header = "importer,exporter,form,legal_basis,kind,rate_share,valid_from,valid_to\n"
    alone.write("tariffs.csv", header + "both,*,magnet,law,duty,0.1,2027-01-01,\n")
    alone.load()
    alone.write("tariffs.csv", header + "bothh,*,magnet,law,duty,0.1,2027-01-01,\n")
    assert alone.problem().remedy == "did you mean `both`?"


def test_basket_that_does_not_sum_to_one(alone):
    alone.replace("compositions", "y,0.8", "y,0.805")
    alone.load()
    alone.replace("compositions", "y,0.805", "y,0.806")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column) == ("T028", "3", "share")
    assert (problem.found, problem.allowed) == (
        "1.006 as the sum over `kite`",
        "shares of an ore that sum to 1 (±0.005)",
    )


@pytest.mark.parametrize(
    ("table", "old", "new", "column"),
    [("demand", "motors,2029", "motors,2031", "year"), ("contracts", "5,2028", "5,2026", "end_year")],
)
def test_year_outside_the_horizon(alone, table, old, new, column):
    alone.replace(table, old, new)
    problem = alone.problem()
    assert (problem.code, problem.file, problem.column) == ("T029", f"toy/{table}.csv", column)


@pytest.mark.parametrize(
    ("table", "old", "new", "column"),
    [
        ("offers", "65,1,50", "65,60,50", "min_t_per_year"),
        ("offers", "2027,2029,0.8,0.15,mine,magnet", "2029,2028,0.8,0.15,mine,magnet", "first_start_year"),
        ("stock_policies", "1,20,0,0.05", "1,20,21,0.05", "min_t"),
        ("stock_policies", "1,20,0,0.05", "30,20,0,0.05", "opening_t"),
        ("event_effects", "false,0,6", "false,6,6", "from_month"),
        ("event_effects", "false,0,6", "false,7,6", "from_month"),
    ],
)
def test_range_the_wrong_way_round(alone, table, old, new, column):
    alone.replace(table, old, new)
    problem = alone.problem()
    assert (problem.code, problem.column) == ("T030", column)


def test_market_without_demand_or_product(alone):
    alone.write("demand.csv", "market,year,demand_t_per_year\n")
    problem = alone.problem()
    assert problem == Problem(
        "T031",
        "toy/markets.csv",
        "2",
        "market",
        "`motors`",
        "a market with at least one row in demand.csv",
        "add rows for `motors` to demand.csv (0 is a demand), or delete the market",
    )
    alone.write("market_products.csv", "market,product,substitution_usd_per_kg,use_kg_per_kg\n")
    assert [problem.code for problem in alone.problems()] == ["T031", "T032"]


@pytest.mark.parametrize(
    ("table", "old", "new"),
    [
        ("offers", "sale_x,sale,sep_k,oxide_x", "sale_x,sale,sep_k,magnet_n"),
        ("offers", "sale_x,sale,sep_k,oxide_x", "sale_x,sale,mine_k,rest_k"),
        ("offers", "magnet_b,magnet_n,press", "magnet_b,oxide_x,press"),
        ("qualified", "magnet_a,magnet_n", "magnet_a,oxide_x"),
    ],
)
def test_facility_that_does_not_make_the_product(alone, table, old, new):
    alone.replace(table, old, new)
    problem = alone.problem()
    assert (problem.code, problem.file, problem.column) == ("T033", f"toy/{table}.csv", "product")


def test_bundle_and_ore_products_are_made_too(alone):
    alone.replace("offers", "sale_x,sale,sep_k,oxide_x", "sale_x,sale,sep_k,rest_k")
    alone.load()
    alone.replace("offers", "sale_x,sale,sep_k,rest_k", "sale_x,sale,mine_k,conc_k")
    alone.load()


@pytest.mark.parametrize("route", ["", "split"])
def test_toll_route(alone, route):
    alone.replace("offers", "magnet_n,press", f"magnet_n,{route}")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.allowed) == ("T034", "route", "a route that `magnet_b` runs: press")


def test_unknown_stage(alone):
    alone.replace("offers", "mine,magnet,true", "mining,magnet,true")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.remedy) == ("T035", "first_stage", "did you mean `mine`?")


def test_stages_of_the_case_replace_the_order_of_the_routes(alone):
    alone.toml("", top='stages = ["magnet", "separation", "mine"]\n')
    assert {problem.code for problem in alone.problems()} == {"T036"}


def test_a_stage_listed_twice_is_told_once_and_no_offer_is_blamed(alone):
    alone.toml("", top='stages = ["mine", "separation", "magnet", "mine"]\n')
    assert [(problem.code, problem.column) for problem in alone.problems()] == [("T024", "stages")]


def test_first_stage_after_last_stage(alone):
    alone.replace("offers", "mine,separation,true", "magnet,separation,true")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column) == ("T036", "3", "first_stage")


def test_overlapping_cost_spans(alone):
    alone.replace("offers", "0.15,magnet,magnet", "0.15,separation,magnet")
    problem = alone.problem()
    assert problem == Problem(
        "T037",
        "toy/offers.csv",
        "4",
        "first_stage",
        "separation to magnet; paid twice: separation",
        "stages after those of `sale_x` (mine to separation), whose product it converts",
        "let the price cover only this plant's own stages, or end the other offer's span earlier",
    )


def test_no_overlap_without_a_buyer_link_or_another_form(alone):
    alone.replace("offers", "0.15,magnet,magnet", "0.15,separation,magnet")
    alone.replace("links", "oxide,buyer", "oxide,supplier")
    alone.load()
    alone.replace("links", "sep_k,magnet_b,oxide,supplier", "sep_k,magnet_b,bundle,both")
    alone.load()


def _add_toll_separation(alone, span):
    alone.replace("facility_routes", "sep_k,split\n", "sep_k,split\nsep_q,split\n")
    alone.replace("links", "form,layer\n", "form,layer\nmine_k,sep_q,concentrate,buyer\nsep_q,magnet_b,oxide,buyer\n")
    alone.replace(
        "facilities",
        "magnet_a,Magnet A",
        "sep_q,Separation Q,Oryx,AAA,10,21,separation,operating,,2000,,1000,feed,0.9,0.15,0.1,false,\n"
        "magnet_a,Magnet A",
    )
    alone.replace(
        "offers",
        "toll_b,",
        "sale_k,sale,mine_k,conc_k,,6,1,50,3,2027,2029,0.8,0.15,mine,mine,true,2025\n"
        f"toll_q,toll,sep_q,oxide_x,split,9,1,50,3,2027,2029,0.8,0.15,{span},true,2025\ntoll_b,",
    )


def test_chain_of_tolls_without_overlap(alone):
    _add_toll_separation(alone, "separation,separation")
    alone.load()


def test_overlap_further_down_the_path(alone):
    _add_toll_separation(alone, "separation,separation")
    alone.replace("offers", "0.15,magnet,magnet", "0.15,mine,magnet")
    found = {(problem.code, problem.allowed.split("`")[1]) for problem in alone.problems()}
    assert found == {("T037", "sale_k"), ("T037", "toll_q"), ("T037", "sale_x")}


def test_second_plant_at_the_same_stage_is_a_second_step(alone):
    _add_toll_separation(alone, "separation,separation")
    alone.replace(
        "routes",
        "split,concentrate,bundle,0.9\n",
        "split,concentrate,bundle,0.9\nagain,Again,separation,split,bundle,,\n",
    )
    alone.replace("route_flows", "press,in", "again,out,y,oxide_x,0.5\npress,in")
    alone.replace("facility_routes", "sep_q,split", "sep_q,again")
    alone.replace("offers", "oxide_x,split,9", "oxide_x,again,9")
    alone.replace("links", "mine_k,sep_q,concentrate", "sep_k,sep_q,bundle")
    alone.replace("offers", "sale_x,sale,sep_k,oxide_x", "sale_x,sale,sep_k,rest_k")
    alone.load()


@pytest.mark.parametrize(
    ("table", "old", "new", "column"),
    [
        ("routes", "split,concentrate,bundle", "split,,bundle", "feed_form"),
        ("route_flows", "press,out,magnet_n,magnet_n,1\n", "", "route"),
    ],
)
def test_incomplete_route(alone, table, old, new, column):
    alone.replace(table, old, new)
    problems = [problem for problem in alone.problems() if problem.code == "T038"]
    assert [problem.column for problem in problems] == [column]


def test_ore_missing_at_a_source_or_without_basket(alone):
    alone.replace("facilities", "operating,kite", "operating,kait")
    problem = alone.problem()
    assert (problem.code, problem.file, problem.column, problem.remedy) == (
        "T039",
        "toy/facilities.csv",
        "ore",
        "did you mean `kite`?",
    )
    alone.replace("facilities", "operating,kait", "operating,kite")
    alone.replace("compositions", "kite", "kitten")
    assert [problem.code for problem in alone.problems()] == ["T039"]


def test_removed_row_that_does_not_exist(shared):
    shared.toml('[tables]\nremove = { facilities = ["magnet_c"], plants = ["x"] }\n')
    one, two = shared.problems()
    assert (one.code, one.column, one.found) == ("T040", "tables.remove.facilities", "`magnet_c`")
    assert one.remedy.startswith("did you mean `magnet_")
    assert (two.code, two.column, two.found) == ("T040", "tables.remove", "`plants`")


def test_product_that_cannot_be_stored(alone):
    alone.replace("stock_policies", "magnet_b,oxide_x", "magnet_b,conc_k")
    assert (alone.problem().code, alone.problem().row) == ("T043", "3")


def test_promised_shares_over_one(alone):
    header = "facility,holder,committed_share,from_year,to_year\n"
    alone.write("offtakes.csv", header + "mine_k,A,0.7,2026,2028\nmine_k,B,0.5,2029,2035\n")
    alone.load()
    alone.write("offtakes.csv", header + "mine_k,A,0.7,2026,2029\nmine_k,B,0.5,2029,2035\n")
    problem = alone.problem()
    assert (problem.code, problem.row, problem.found) == ("T044", "3", "1.2 promised of `mine_k` in 2029")


@pytest.mark.parametrize(
    ("toml", "code", "column"),
    [
        ('[candidates]\nexclude_countries = ["ZZZ"]\n', "T027", "candidates.exclude_countries"),
        ('[candidates]\nexclude_facilities = ["mine_q"]\n', "T025", "candidates.exclude_facilities"),
        ('[[origin_rules]]\nrule = "r"\ncountries = ["ZZZ"]\n', "T027", "origin_rules[1].countries"),
        ('[[origin_rules]]\nrule = "r"\ncountries = ["AAA"]\nstages = ["x"]\n', "T035", "origin_rules[1].stages"),
        ('[[market_rules]]\nmarket = "*"\nforbids = ["r"]\n', "T025", "market_rules[1].forbids"),
        ("[shocks]\nevents = ['bann']\n", "T025", "shocks.events"),
        ("[shocks]\nstart_years = [2040]\n", "T029", "shocks.start_years"),
        ("[contracts]\nstart_years = [2040]\n", "T029", "contracts.start_years"),
        ("[freight]\navoid_passages = ['canal']\n", "T025", "freight.avoid_passages"),
        ("[measure]\nyear_weights = { 2040 = 1 }\n", "T029", "measure.year_weights"),
        (
            "[[limits.share_cap]]\nname='a'\nstage='magnet'\ncountry='ZZZ'\nmax_share=1\n",
            "T027",
            "limits.share_cap[1].country",
        ),
        (
            "[[limits.share_cap]]\nname='a'\nstage='x'\ncountry='AAA'\nmax_share=1\n",
            "T035",
            "limits.share_cap[1].stage",
        ),
        (
            "[[limits.environment]]\nname='a'\nindicator='x'\nmax_value=1\n",
            "T025",
            "limits.environment[1].indicator",
        ),
        (
            "[[policy.schedule]]\nfrom_year = 2028\nregime = 'none_such'\n",
            "T025",
            "policy.schedule[1].regime",
        ),
        (
            "[[limits.builds]]\nname='a'\ncountries=['ZZZ']\nmax_projects=1\n",
            "T027",
            "limits.builds[1].countries",
        ),
        ("[[limits.supplier_count]]\nname='a'\nstage='x'\nmin=1\n", "T035", "limits.supplier_count[1].stage"),
        ("[[limits.budget]]\nname='a'\nyears=[2040]\nmax_musd=1\n", "T029", "limits.budget[1].years"),
        (2 * "[[origin_rules]]\nrule = 'r'\ncountries = ['AAA']\n", "T024", "origin_rules[2].rule"),
    ],
)
def test_settings_that_name_what_no_table_has(alone, toml, code, column):
    alone.toml(toml)
    problem = alone.problem()
    assert (problem.code, problem.file, problem.column) == (code, "toy/case.toml", column)


REGIMES = (
    "regime,name,branch_of,branch_share,rate_per_year,shock_months,price_multiple,story\n"
    "open,Open,,,0,12,1,x\nshut,Shut,open,0.7,0,12,1,x\nhalf,Half,open,{share},0,12,1,x\n"
)


def test_steps_of_a_schedule_are_years_of_the_horizon_each_once(alone):
    alone.write("regimes.csv", REGIMES.format(share=0.3))
    step = "[[policy.schedule]]\nfrom_year = {}\nregime = 'shut'\n"
    alone.toml(step.format(2028) + step.format(2028) + step.format(2040))
    found = [(problem.code, problem.column) for problem in alone.problems()]
    assert found == [("T024", "policy.schedule[2].from_year"), ("T029", "policy.schedule[3].from_year")]


def test_branches_of_a_regime_exclude_each_other(alone):
    alone.write("regimes.csv", REGIMES.format(share=0.3))
    alone.load()
    alone.write("regimes.csv", REGIMES.format(share=0.4))
    problem = alone.problem()
    assert (problem.code, problem.row, problem.column, problem.found) == (
        "T044",
        "4",
        "branch_share",
        "1.1 after `open`",
    )


def test_stage_listed_twice(alone):
    alone.toml("", top='stages = ["mine", "separation", "magnet", "magnet"]\n')
    assert (alone.problem().code, alone.problem().column) == ("T024", "stages")


def test_duty_that_ends_before_it_begins(alone):
    header = "importer,exporter,form,legal_basis,kind,rate_share,valid_from,valid_to\n"
    alone.write("tariffs.csv", header + "BBB,AAA,magnet,law,duty,0.1,2028-01-01,2027-01-01\n")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.allowed) == ("T030", "valid_from", "at most valid_to (2027-01-01)")


def test_market_of_a_facilitys_name(alone):
    alone.replace("markets", "motors,Motors", "sep_k,Motors")
    for table in ("market_products", "demand", "stock_policies"):
        alone.replace(table, "motors,", "sep_k,")
    assert (alone.problem().code, alone.problem().column) == ("T026", "market")


def test_sea_route_through_an_unknown_passage(alone):
    alone.write("ports.csv", "port,name,country_iso3,latitude,longitude\npa,A,AAA,1,1\npb,B,BBB,2,2\n")
    alone.write("sea_routes.csv", "from_port,to_port,distance_km,passages\npa,pb,100,strait;straight\n")
    problem = alone.problem()
    assert (problem.code, problem.column, problem.remedy) == ("T025", "passages", "did you mean `strait`?")


def test_many_faults_are_told_together(alone):
    alone.toml("[shocks]\nevents = ['bann']\n")
    alone.write("Extra.csv", "x")
    alone.replace("countries", "BBB,Bland", "BBB,Bland\nAAA,Again")
    alone.replace("facilities", "2000,,500,output", "2000,,-500,output")
    alone.replace("facilities", "Alpha,AAA", "Alpha,AAX")
    alone.replace("offers", "65,1,50", "65,60,50")
    alone.replace("offers", "60,1,50", "sixty,1,50")
    alone.replace("offers", "2029,0.8,0.15,magnet", "2029,1.8,0.15,magnet")
    alone.replace("compositions", "y,0.8", "y,0.7")
    alone.replace("demand", "motors,2029", "motors,2039")
    alone.replace("contracts", "sale_a", "sale_b")
    alone.replace("links", "oxide,buyer", "oxide,mine")
    alone.replace("stock_policies", "oxide_x", "oxide_y")
    alone.replace("routes", "mine,source", "mine,spring")
    codes = [problem.code for problem in alone.problems()]
    assert sorted(codes) == sorted(
        ["T025", "T008", "T024", "T020", "T027", "T030", "T015", "T021", "T028", "T029", "T025", "T022", "T025", "T022"]
    )
    files = [problem.file for problem in alone.problems()]
    assert files == sorted(files)


def test_faults_of_settings_and_tables_are_told_together(alone):
    alone.toml("[shocks]\nwindow = 3\n")
    alone.replace("demand", "2029,30", "2029,x")
    assert [problem.code for problem in alone.problems()] == ["T005", "T015"]


def test_no_follow_up_faults_of_a_table_that_could_not_be_read(alone):
    alone.write("facilities.csv", alone.text("facilities").replace(",", ";"))
    assert alone.problem().code == "T010"


def test_table_text_is_never_executed(alone):
    alone.replace("markets", "Motors", "\"__import__('os').system('touch x')\"")
    alone.replace("events", "Exports stop.", "=HYPERLINK(1)")
    case = alone.load()
    assert case.tables["markets"]["name"][0] == "__import__('os').system('touch x')"
    assert case.tables["events"]["story"][0] == "=HYPERLINK(1)"
