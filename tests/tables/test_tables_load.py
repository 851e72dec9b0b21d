import gc
import weakref

import pandas as pd
import pytest

from optimizer.errors import DataProblem
from optimizer.tables.case import load_case
from optimizer.tables.locate import cases_root, data_root, find_case, shipped_cases
from optimizer.tables.overrides import Difference
from optimizer.tables.package import dtype, empty_frame, load_package


def test_both_toys_load(alone, shared):
    one, two = alone.load(), shared.load()
    assert one.name == two.name == "toy"
    assert one.settings.horizon.years == (2027, 2028, 2029)
    assert one.differences == two.differences == ()
    assert list(one.tables["offers"]["offer"]) == list(two.tables["offers"]["offer"]) == ["sale_a", "sale_x", "toll_b"]
    assert set(one.tables["offers"]["source_id"]) == {"case"}
    assert set(two.tables["offers"]["source_id"]) == {"src"}
    assert set(two.tables["demand"]["confidence"]) == {"buyer"}
    assert one.origins["offers"] == ("toy/offers.csv:2", "toy/offers.csv:3", "toy/offers.csv:4")
    assert two.origins["offers"][0] == "data/offers.csv:2"
    assert one.money_year == load_package(data_root()).money_year


def test_every_table_has_every_column_with_its_type(alone):
    case, package = alone.load(), load_package(data_root())
    assert set(case.tables) == set(package.resources)
    for name, resource in package.resources.items():
        frame = case.tables[name]
        assert tuple(frame.columns) == resource.columns
        assert [str(kind) for kind in frame.dtypes] == [dtype(field) for field in resource.fields]
        assert list(frame.index) == list(range(len(frame)))
        assert [str(kind) for kind in empty_frame(resource).dtypes] == [dtype(field) for field in resource.fields]


def test_empty_tables_gather_no_notes_of_the_cases_that_used_them():
    """pandas keeps a dead reference for each view of an axis, so an axis that all cases share grows with every case."""

    def dead():
        gc.collect()
        return sum(type(thing) is weakref.ReferenceType and thing() is None for thing in gc.get_objects())

    def used():
        for resource in load_package(data_root()).resources.values():
            frame = empty_frame(resource)
            assert frame[frame.columns[:1]].reset_index(drop=True).empty

    used()
    before = dead()
    for _ in range(3):
        used()
    assert dead() == before  # with shared axes some 200 more each time: two or more for each of fifty tables


def test_missing_values_by_type(alone):
    facilities = alone.load().tables["facilities"].set_index("facility")
    assert facilities.loc["sep_k", "ore"] is None
    assert facilities.loc["magnet_b", "start_year"] is pd.NA
    assert facilities.loc["mine_k", "start_year"] == 2000
    assert pd.isna(facilities.loc["mine_k", "ramp_up_years"])
    assert facilities.loc["mine_k", "is_aggregate"] is False or not facilities.loc["mine_k", "is_aggregate"]


def test_frames_written_and_read_again_are_the_same(alone):
    first = alone.load()
    for name, frame in first.tables.items():
        if len(frame):
            frame.to_csv(alone.folder / f"{name}.csv", index=False)
    second = alone.load()
    for name, frame in first.tables.items():
        pd.testing.assert_frame_equal(frame, second.tables[name])


def test_hashes_follow_content_only(shared):
    first = shared.load()
    assert len(first.case_hash) == len(first.data_hash) == 64
    shared.write("README.md", "text")
    assert shared.load().case_hash == first.case_hash
    shared.replace("demand", "2029,30", "2029,31")
    second = shared.load()
    assert second.case_hash != first.case_hash
    assert second.data_hash == first.data_hash
    prices = shared.data / "events.csv"
    prices.write_text(prices.read_text().replace("0.1", "0.2"))
    assert shared.load().data_hash != first.data_hash


def test_byte_order_mark_blank_lines_quotes_and_spaces_are_taken(alone):
    text = alone.text("markets").replace("Motors", '"Motors, Ltd "').replace("\n", "\r\n")
    (alone.folder / "markets.csv").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n,,,,,,,\r\n")
    assert list(alone.load().tables["markets"]["name"]) == ["Motors, Ltd"]


def test_minus_zero_is_zero_and_whole_floats_are_integers(alone):
    alone.replace("demand", "motors,2027,10", "motors,2027.0,-0.0")
    demand = alone.load().tables["demand"]
    assert str(demand["demand_t_per_year"][0]) == "0.0"
    assert demand["year"][0] == 2027


def test_patch_keeps_other_cells_and_notes_where_they_come_from(shared):
    shared.write("offers.csv", "offer,price_usd_per_kg,max_t_per_year\nsale_a,62.5,\n")
    case = shared.load()
    assert case.differences == (Difference("offers", "sale_a", "patched", "price_usd_per_kg", 65.0, 62.5),)
    row = case.tables["offers"].set_index("offer").loc["sale_a"]
    assert row["price_usd_per_kg"] == 62.5
    assert row["max_t_per_year"] == 50
    assert (row["source_id"], row["confidence"]) == ("case", "buyer")
    assert row["note"] == "price_usd_per_kg set by the case; the rest from src (reported)"
    assert case.origins["offers"][0] == "toy/offers.csv:2"


def test_patch_with_the_same_value_is_no_difference(shared):
    shared.write("offers.csv", "offer,price_usd_per_kg\nsale_a,65\n")
    case = shared.load()
    assert case.differences == ()
    assert case.tables["offers"]["source_id"][0] == "src"


def test_new_key_is_added_after_the_shared_rows(shared):
    shared.write("events.csv", "event,name,cause,rate_per_year,story\nfire,Fire,fire,0.02,It burns.\n")
    case = shared.load()
    assert case.differences == (Difference("events", "fire", "added"),)
    assert list(case.tables["events"]["event"]) == ["ban", "fire"]
    assert list(case.tables["events"]["confidence"]) == ["reported", "buyer"]


def test_a_row_keeps_the_source_it_states(shared):
    shared.write("sources.csv", "source_id,title\nquote7,Quotation 7\n")
    shared.write("offers.csv", "offer,price_usd_per_kg,source_id,confidence\nsale_a,62,quote7,reported\n")
    row = shared.load().tables["offers"].iloc[0]
    assert (row["source_id"], row["confidence"]) == ("quote7", "reported")


def test_removed_rows_take_along_what_cannot_stand_without_them(shared):
    shared.toml('[tables]\nremove = { facilities = ["magnet_b"], country_groups = [["both", "BBB"]] }\n')
    shared.replace("stock_policies", "magnet_b,oxide_x,0,20,0,0.05,100\n", "")
    case = shared.load()
    assert set(case.differences) == {
        Difference("facilities", "magnet_b", "removed"),
        Difference("country_groups", "both|BBB", "removed"),
        Difference("facility_routes", "magnet_b|press", "removed"),
        Difference("links", "sep_k|magnet_b|oxide", "removed"),
        Difference("offers", "toll_b", "removed"),
    }
    assert "toll_b" not in set(case.tables["offers"]["offer"])


def test_key_with_parts_may_be_joined_in_remove(shared):
    shared.toml('[tables]\nremove = { country_groups = ["both|BBB"] }\n')
    assert shared.load().differences == (Difference("country_groups", "both|BBB", "removed"),)


def test_removed_and_given_anew_replaces_the_row(shared):
    header, _, *_ = (shared.data / "events.csv").read_text().splitlines()
    shared.toml('[tables]\nremove = { event_effects = ["ban|1"] }\n')
    effects = (shared.data / "event_effects.csv").read_text().replace(",0,6,0,3,", ",0,9,0,3,")
    shared.write("event_effects.csv", effects)
    case = shared.load()
    assert header.startswith("event")
    assert [difference.kind for difference in case.differences] == ["removed", "added"]
    assert list(case.tables["event_effects"]["to_month"]) == [9]


def test_case_without_markets_and_demand_is_valid(tmp_path):
    (tmp_path / "case.toml").write_text(
        'title = "Nothing"\nbase = "none"\n[horizon]\nfirst_year = 2030\nlast_year = 2030\n'
    )
    case = load_case(tmp_path)
    assert all(frame.empty for frame in case.tables.values())
    assert case.warnings == ("the case has no market: the plan will be empty and cost nothing",)


def test_zero_demand_is_valid(alone):
    alone.write("demand.csv", "market,year,demand_t_per_year\nmotors,2027,0\nmotors,2029,0\n")
    assert alone.load().tables["demand"]["demand_t_per_year"].sum() == 0


def test_warnings_name_what_deserves_a_look(alone):
    alone.replace("demand", "motors,2029,30\n", "")
    alone.replace("facilities", "planned,,,2,300,output,0.9,0.15,0.1", "planned,,,2,300,output,0.9,0.15,0")
    warnings = "\n".join(alone.load().warnings)
    assert "demand of motors is given for 2027 to 2027" in warnings
    assert "ceiling for that kind is 0, so that nothing can be committed: toll_b" in warnings


def test_nothing_is_written(shared, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    shared.load()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_case_is_found_by_folder_file_and_shipped_name(alone):
    assert find_case(alone.folder) == find_case(str(alone.folder / "case.toml")) == alone.folder
    for name in shipped_cases():
        assert find_case(name) == cases_root() / name
    with pytest.raises(DataProblem, match="T001"):
        find_case("there-is-no-such-case")
    with pytest.raises(DataProblem, match="T001"):
        find_case("")


def test_installed_package_has_its_tables_inside(tmp_path, monkeypatch):
    from optimizer.tables import locate

    for name in ("data", "cases/one"):
        (tmp_path / "optimizer" / "shipped" / name).mkdir(parents=True)
    (tmp_path / "optimizer" / "shipped" / "cases" / "one" / "case.toml").touch()
    monkeypatch.setattr(locate, "_PACKAGE_FOLDER", tmp_path / "optimizer")
    assert locate.data_root() == tmp_path / "optimizer" / "shipped" / "data"
    assert locate.shipped_cases() == ["one"]
    assert locate.find_case("one") == tmp_path / "optimizer" / "shipped" / "cases" / "one"


def test_broken_data_package(tmp_path):
    (tmp_path / "datapackage.json").write_text("{")
    with pytest.raises(DataProblem, match="T045"):
        load_package(tmp_path)
