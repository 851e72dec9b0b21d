"""Rows of rare instances: no rates, only an upper number of suppliers, a running contract, years without an offer."""

from __future__ import annotations

import runpy
import sys
from dataclasses import replace
from pathlib import Path

import pyomo.environ as pyo
import pytest
from toy_instance import everything, two_suppliers

from optimizer.chain.limit_kinds import Budget, SupplierCount
from optimizer.chain.tables_of import instance_tables
from optimizer.errors import UsageProblem
from optimizer.model import document
from optimizer.model.build import build_model
from optimizer.model.reach import _tells_classes_apart
from optimizer.model.risk import overall_probability
from optimizer.model.variables import is_open
from optimizer.shocks import document as hazards

DOCS = Path(__file__).parents[2] / "docs"


def test_shocks_without_rates_are_equally_likely() -> None:
    rich = everything()
    quiet = {f"s{k}": replace(shock, rate_per_year=0.0) for k in range(4) for shock in rich.shocks.values()}
    assert overall_probability(replace(rich, shocks=quiet)) == dict.fromkeys(quiet, 0.25)


def test_a_number_of_suppliers_may_have_only_an_upper_end() -> None:
    count = SupplierCount("few", "magnet", frozenset({"cheap", "safe"}), None, 1, (2027,))
    model = build_model(two_suppliers(supplier_counts=(count,)))
    assert model.component("supplier_count_floor") is None
    assert len(model.supplier_count_limit) == 1


def test_a_supplier_whose_contract_runs_is_in_use() -> None:
    base = two_suppliers(
        supplier_counts=(SupplierCount("one", "magnet", frozenset({"cheap", "safe"}), 1, None, (2027, 2028)),)
    )
    running = replace(base.offers["safe-sale"], running_t={2027: 5.0})
    model = build_model(replace(base, offers={**base.offers, "safe-sale": running}))
    assert pyo.value(model.usage_definition["safe-sale", 2027].lower) == 1.0
    assert pyo.value(model.usage_definition["safe-sale", 2028].lower) == 0.0


def test_a_lane_is_closed_to_what_is_denied_abroad_or_barred() -> None:
    rich = everything()
    name = "b:rival>plant:metal"
    lanes = {name: replace(rich.lanes[name], approval_share={2027: 0.0}, barred_bits={2028: 1})}
    case = replace(rich, lanes={**rich.lanes, **lanes})
    # denied in 2027; in 2028 the licence is free, but classes under rule 1 are barred, at the market too
    assert [is_open(case, name, g, t) for t in (2027, 2028) for g in (0, 1)] == [False, False, True, False]


def test_shocks_tell_classes_apart_where_a_lane_bars_some() -> None:
    plain = two_suppliers()
    shock = replace(next(iter(everything().shocks.values())), lane_share={})
    assert not _tells_classes_apart(plain, shock)
    lanes = {name: replace(lane, barred_bits={2027: 1}) for name, lane in plain.lanes.items()}
    assert _tells_classes_apart(replace(plain, lanes=lanes), shock)


def test_budgets_go_into_the_tables_of_the_instance() -> None:
    rich = replace(everything(), budgets=(Budget("purse", ("purchase", "toll"), (2027, 2028), 50.0),))
    (row,) = instance_tables(rich)["budgets"].to_dict("records")
    assert row == {"name": "purse", "terms": "purchase;toll", "years": "2027;2028", "max_musd": 50.0}


def test_pages_are_written_by_their_modules(monkeypatch, tmp_path) -> None:
    page = tmp_path / "formulation.md"
    monkeypatch.setattr(sys, "argv", ["document", str(page)])
    runpy.run_path(document.__file__, run_name="__main__")
    assert page.read_text() == (DOCS / "formulation.md").read_text()
    monkeypatch.setattr(sys, "argv", ["document"])
    with pytest.raises(UsageProblem, match=r"docs/shocks\.md"):
        runpy.run_path(hazards.__file__, run_name="__main__")


def test_an_equation_at_the_end_of_a_docstring_is_closed() -> None:
    def rule() -> None:
        r"""A rule.

        .. math:: x \\ge 0
        """

    assert document._section(rule).endswith("```\n")
