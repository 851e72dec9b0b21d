"""Cases built on sampled shocks: the flagship as it stands, and the flagship with two thousand draws."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from optimizer.chain.build import build_instance
from optimizer.chain.instance import Instance
from optimizer.errors import DataProblem
from optimizer.shocks.hazards import read_hazards
from optimizer.tables.case import Case, load_case
from optimizer.tables.locate import data_root, find_case


@pytest.fixture(scope="module")
def flagship() -> Case:
    return load_case("allied-magnets")


def with_shocks(case: Case, **keys: object) -> Case:
    shocks = case.settings.shocks.model_copy(update=keys)
    return replace(case, settings=case.settings.model_copy(update={"shocks": shocks}))


def rates(instance: Instance) -> dict[int, float]:
    found: dict[int, float] = dict.fromkeys(instance.years, 0.0)
    for shock in instance.shocks.values():
        found[shock.start_year] += shock.rate_per_year
    return found


def test_flagship_stands_on_its_events_alone(flagship: Case) -> None:
    instance = build_instance(flagship)
    assert flagship.settings.shocks.events == ()  # all of the table
    assert {shock.event for shock in instance.shocks.values()} == set(flagship.tables["events"]["event"])
    assert len(instance.shocks) >= 200


def test_flagship_on_sampled_and_written_shocks(flagship: Case) -> None:
    written = build_instance(flagship)
    both = build_instance(with_shocks(flagship, sample_count=2000, keep_count=60, seed=3))
    alone = build_instance(with_shocks(flagship, sample_count=2000, keep_count=60, seed=3, hand_written_share=0.0))
    assert len(alone.shocks) == 60
    assert len(both.shocks) == 60 + len(written.shocks)
    for year in both.years:
        assert rates(both)[year] == pytest.approx((rates(written)[year] + rates(alone)[year]) / 2)
        of_year = [shock.probability for shock in both.shocks.values() if shock.start_year == year]
        assert sum(of_year) == pytest.approx(1.0)
    for name, shock in alone.shocks.items():  # drawn and reduced twice, to the same
        assert replace(both.shocks[name], rate_per_year=0, probability=0) == replace(
            shock, rate_per_year=0, probability=0
        )
    assert {shock.start_year for shock in alone.shocks.values()} == set(both.years)
    assert any(shock.lane_share for shock in alone.shocks.values())
    assert all(shock.story.count("It starts in January") == 1 for shock in both.shocks.values())


def test_port_strike_leaves_lorries_alone(flagship: Case) -> None:
    instance = build_instance(flagship)
    hit = {lane for lane, _, _ in instance.shocks["port-strike@2028"].lane_share}
    assert hit
    assert {instance.lanes[lane].mode for lane in hit} == {"sea"}


def test_without_hazards_nothing_can_be_sampled(flagship: Case) -> None:
    bare = {name: frame for name, frame in flagship.tables.items() if name != "hazards"}
    with pytest.raises(DataProblem, match="S008"):
        build_instance(with_shocks(replace(flagship, tables=bare), sample_count=10))


def test_wrong_names_in_hazards_of_a_case_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(find_case("allied-magnets"), folder)
    effects = pd.read_csv(data_root() / "hazard_effects.csv").head(2).astype(object)
    effects["hazard"] = "china-licences"
    effects["effect"] = [91, 92]
    effects.loc[0, ["country", "stage", "control_group"]] = ["XXQ", "smelting", "magnet_hevy"]
    effects.loc[1, ["country", "destination"]] = ["{country}", "{destination}"]  # words in braces are for draws
    effects.to_csv(folder / "hazard_effects.csv", index=False)
    with pytest.raises(DataProblem) as caught:
        load_case(folder)
    assert {(p.code, p.column, p.row) for p in caught.value.problems} == {
        ("T027", "country", "2"), ("T035", "stage", "2"), ("T025", "control_group", "2"),
    }  # fmt: skip


def test_a_removed_plant_takes_its_part_of_hazards_along(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    shutil.copytree(find_case("allied-magnets"), folder)
    with (folder / "case.toml").open("a", encoding="utf-8") as file:
        file.write('\n[tables]\nremove = { facilities = ["kachin-ionic-clay"] }\n')
    tables = load_case(folder).tables
    assert "kachin-ionic-clay" not in set(tables["hazard_effects"]["facility"])
    assert "licence-pangwa" not in {hazard.hazard for hazard in read_hazards(tables)}
