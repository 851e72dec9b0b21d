"""A relation in which nothing can be decided is left out if it holds and told by name if it cannot."""

import pyomo.environ as pyo
import pytest

from optimizer.errors import Infeasible
from optimizer.model.build import _add_rows
from optimizer.model.compare import equal, no_less, no_more


@pytest.mark.parametrize(
    ("relation", "holds", "fails"),
    [(equal, (0.0,), (1.0, -1.0)), (no_less, (0.0, -1.0), (1.0,)), (no_more, (0.0, 1.0), (-1.0,))],
)
def test_nothing_against_a_number(relation, holds, fails) -> None:
    assert all(relation([], right) is pyo.Constraint.Skip for right in (*holds, 1e-10, -1e-10))
    assert all(relation([], right) is pyo.Constraint.Infeasible for right in fails)


def test_what_cannot_hold_is_told_with_the_name_of_the_limit() -> None:
    m = pyo.ConcreteModel()
    rows = [(("mine", 2027), no_less([], 0.0)), (("mine", 2028), no_less([], 5.0))]
    with pytest.raises(Infeasible) as told:
        _add_rows(m, "supplier_count_floor", rows)
    assert told.value.conflict == ("supplier_count_floor for ('mine', 2028): nothing in the case can meet it",)


def test_a_limit_of_which_no_row_is_left_is_not_there() -> None:
    m = pyo.ConcreteModel()
    _add_rows(m, "budget_limit", [(0, no_more([], 5.0))])
    assert m.component("budget_limit") is None
