"""The audit against faults nobody thought of: every column of every table, one cell changed at a time.

A change that no check sees is a blind spot. Those that are none are listed, each with its reason.
Prices come from the solver, and no table says how; segments, which a run of one point has not, have corruptions of
their own.
"""

from functools import cache

import pytest
from hand_made_run import CERTIFICATE
from rich_run import rich_inputs, rich_results
from watched import Audited, sampled_rows, unseen_cells, unseen_rows

from optimizer.results.schema import TABLES

WORDS = "said of a row, computed with by nobody"
PROOF = "a proof that claims less is true all the same; one that claims more at a plan's own loss is within tolerance"
SPARE = "of co-products more may be ready, and more left over, than is asked for"
UNTOLD = {
    ("frontier", "status"): WORDS,
    ("bounds", "proof"): WORDS,
    ("bounds", "status"): WORDS,
    ("bounds", "max_loss_months"): PROOF,
    ("bounds", "weight"): PROOF,
    ("bounds", "bound_musd"): PROOF,
    ("bounds", "max_cost_musd"): PROOF,
    ("standby", "standby_t"): SPARE,
    ("supply", "period"): "the pool sends nothing, in no period",
    ("shocks", "in_model"): WORDS,
    ("environment", "unit"): WORDS,
}
"""Columns of result tables in which a change may pass, and why."""
MAY_LACK = {
    "bounds": PROOF,
    "standby": SPARE,
    "supply": "a plant that sends nothing",
}
"""Tables in which a missing row may pass, and why."""
INPUTS_MAY_LACK = {
    "settings": "the name of the case, and its title",
    "facility_shares": "a shock that cuts less",
    "lane_shares": "a shock that cuts less",
    "recipe_closures": "no ban",
    "recipe_yields": "nothing is lost while a plant learns",
    "place_classes": "of a place that sends nothing",
    "waived": "no waiver, which nobody needs",
    "share_caps": "no limit",
    "supplier_counts": "no limit",
    "budgets": "no limit",
    "environment_caps": "no limit",
    "build_limits": "no limit",
}
"""Tables of the instance in which a missing row may pass, and what its absence says."""


@cache
def rich() -> Audited:
    return Audited(rich_results(), rich_inputs(), CERTIFICATE)


def explained(missed, table):
    return {(table, column) for column, _, _ in missed} <= set(UNTOLD)


HELD = [name for name in TABLES if name not in ("segments", "prices")]


@pytest.mark.parametrize("table", HELD)
def test_what_a_row_says_is_held_against_something(table):
    columns = [column for column in TABLES[table].columns if column not in TABLES[table].key]
    missed = unseen_cells(rich(), table, columns, most=1)
    assert explained(missed, table), missed


@pytest.mark.long
@pytest.mark.parametrize("table", HELD)
def test_every_cell_and_every_row_is_held_against_something(table):
    missed = unseen_cells(rich(), table, list(TABLES[table].columns), most=4)
    assert explained(missed, table), missed
    assert table in MAY_LACK or unseen_rows(rich(), table, most=4) == []


@pytest.mark.long
def test_no_row_of_the_instance_can_be_missing_unseen():
    missed = {
        table
        for table, frame in rich().inputs.items()
        for row in sampled_rows(frame, 4)
        if not rich().sees_input(table, frame.drop(index=frame.index[row]))
    }
    assert missed == set(INPUTS_MAY_LACK)
