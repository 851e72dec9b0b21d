"""The certificate told is that of the plans as written, not of the plans as they were traced."""

from __future__ import annotations

import pandas as pd
import pytest

from optimizer.jobs.frontier import certified
from optimizer.jobs.point_tables import Found


def tables(cheapest_loss: float) -> dict[str, pd.DataFrame]:
    points = pd.DataFrame({"point": [1, 2], "cost_musd": [10.0, 20.0], "loss_months": [cheapest_loss, 0.0]})
    bounds = pd.DataFrame(
        {"kind": ["cap"], "max_loss_months": [9.0], "weight": [0.0], "bound_musd": [9.0], "max_cost_musd": [None]}
    )
    segments = pd.DataFrame({"from_point": [1], "to_point": [2], "integers_hash": ["same"]})
    return {"frontier": points, "bounds": bounds, "segments": segments}


@pytest.mark.parametrize("cheapest_loss", [2.0, 1.0])
def test_figures_are_those_of_the_tables(cheapest_loss: float) -> None:
    """U falls in a line from 20 to 10, L is 9: mean (15 - 9) / 15; largest (20 - 9) / 20, whatever was told."""
    told = {"mean_gap_share": 0.5, "max_gap_share": 0.5, "uncertain_share": 0.5, "solves": 3}
    found = certified(Found([], {}, told, "complete"), tables(cheapest_loss))
    assert found.certificate["mean_gap_share"] == pytest.approx(6 / 15)
    assert found.certificate["max_gap_share"] == pytest.approx(11 / 20)
    assert found.certificate["uncertain_share"] == pytest.approx(0.5)
    assert found.certificate["solves"] == 3


def test_one_plan_has_no_certificate() -> None:
    found = Found([], {}, {}, "complete")
    assert certified(found, tables(1.0)) is found
