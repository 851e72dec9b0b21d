"""Every rule of the registry: documented, attached, and equal to its stored snapshot on one rich toy."""

from pathlib import Path

import pyomo.environ as pyo
import pytest
from pyomo.repn import generate_standard_repn
from toy_instance import everything, shock, under_rules

from optimizer.model.build import build_model
from optimizer.model.registry import FIRST_STAGE, RECOURSE, SHOCK_COST

SNAPSHOTS = Path(__file__).parent.parent / "snapshots"
RULES = {rule.name: rule for rule in (*FIRST_STAGE, *RECOURSE, *SHOCK_COST)}
ROWS = 6


@pytest.fixture(scope="module")
def models():
    from dataclasses import replace

    from optimizer.chain.instance import Measure

    rich = everything()
    worst = replace(rich, measure=Measure("worst_case", 0.5, {}), includes_shock_cost=True)
    open_market = {d: replace(market, forbidden_bits={}) for d, market in rich.markets.items()}
    fire = shock("fire@2028", 2028, {("smelter", 1): 0.5})
    quiet = replace(rich, markets=open_market, shocks={"fire@2028": fire})
    second = replace(rich.offers["toll"], offer="toll-2", take_or_pay_share=0.5)
    joint = replace(quiet, offers={**rich.offers, "toll-2": second})
    return tuple(build_model(case) for case in (rich, worst, quiet, under_rules(), joint))


def printed(row):
    """One row in canonical form: coefficients by name, sorted, then sense and right-hand side."""
    repn = generate_standard_repn(row.body, compute_values=True)
    pairs = sorted(
        (variable.name, coefficient) for variable, coefficient in zip(repn.linear_vars, repn.linear_coefs, strict=True)
    )
    left = " ".join(f"{coefficient:+.10g} {name}" for name, coefficient in pairs if coefficient)
    constant = float(repn.constant or 0)
    lower = None if row.lower is None else pyo.value(row.lower) - constant
    upper = None if row.upper is None else pyo.value(row.upper) - constant
    if lower is not None and upper is not None:
        return f"{left} = {lower:.10g}"
    return f"{left} >= {lower:.10g}" if lower is not None else f"{left} <= {upper:.10g}"


def snapshot_of(name, models):
    for m in models:
        for block in (m, *(m.shock.values()), *(m.costed_shock.values() if hasattr(m, "costed_shock") else ())):
            component = block.component(name)
            if component is not None:
                rows = sorted(component.values(), key=lambda row: row.name)
                return "".join(f"{row.name}:\n  {printed(row)}\n" for row in rows[:ROWS])
    return None


@pytest.mark.parametrize("name", sorted(RULES))
def test_rule_is_documented_with_equation_unit_and_dual(name):
    text = RULES[name].function.__doc__
    assert ".. math::" in text
    assert "Unit:" in text
    assert "Dual:" in text
    assert text.splitlines()[0].strip().endswith(".")


@pytest.mark.parametrize("name", sorted(RULES))
def test_rule_matches_snapshot(name, models, update_snapshots):
    current = snapshot_of(name, models)
    assert current is not None, f"the rich toy has no row of {name}"
    path = SNAPSHOTS / f"{name}.txt"
    if update_snapshots:
        path.write_text(current, encoding="utf-8")
    assert path.exists(), f"{name} has no snapshot: run pytest with --update-snapshots and read the file"
    assert current == path.read_text(encoding="utf-8")


def test_every_snapshot_belongs_to_a_rule():
    assert {path.stem for path in SNAPSHOTS.glob("*.txt")} == set(RULES)


def test_every_constraint_of_the_model_is_registered(models):
    for m in models:
        names = {c.parent_component().local_name for c in m.component_data_objects(pyo.Constraint, active=True)}
        assert names <= set(RULES)
