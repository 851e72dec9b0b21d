"""The replays that ship with the tables, and their chart."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.report.replay_chart import replay_chart
from optimizer.report.write import specification
from optimizer.stress.replay import chosen_replays

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return {name: pd.read_csv(DATA / f"{name}.csv") for name in ("replays", "replay_effects", "replay_actuals")}


def test_every_replay_does_something_and_all_means_all(tables) -> None:
    every = chosen_replays(tables, ["all"])
    assert [replay.replay for replay in every] == tables["replays"]["replay"].tolist()
    assert all(replay.effects for replay in every)
    assert [replay.replay for replay in chosen_replays(tables, ["april-2025"])] == ["april-2025"]


@pytest.mark.parametrize(("destination", "month", "series"), [
    ("USA", 1, "magnets to the United States"),
    ("USA", 2, "magnets to the United States"),
    ("EU", 1, "magnets to Germany"),
    ("EU", 2, "magnets to Germany"),
])  # fmt: skip
def test_named_and_other_magnets_add_up_to_the_month_seen(tables, destination: str, month: int, series: str) -> None:
    """Named goods are taken as 40 % of tonnage; rounding of the shares leaves two points."""
    effects = tables["replay_effects"].query("replay == 'april-2025' and destination == @destination")
    acting = effects[(effects["from_month"] <= month) & (effects["to_month"] > month)].set_index("control_group")
    both = 0.4 * acting.loc["magnet_heavy", "open_share"] + 0.6 * acting.loc["magnet_light", "open_share"]
    seen = tables["replay_actuals"].query("series == @series and month == @month")["actual_share"].item()
    assert both == pytest.approx(seen, abs=0.021)


def test_the_chart_has_a_panel_per_series_and_both_lines(tables) -> None:
    actuals = tables["replay_actuals"].query("replay == 'april-2025'").assign(model_share=0.5)
    chart = specification(replay_chart(actuals, "what it finds", "what is shown"))
    assert [panel["title"]["text"] for panel in chart["hconcat"]] == [
        "magnets to all countries", "magnets to the United States", "magnets to Germany",
    ]  # fmt: skip
    kinds = {row["kind"] for panel in chart["hconcat"] for row in panel["data"]["values"]}
    assert kinds == {"seen at the time", "the plan in the model"}
