"""Cost-versus-resilience frontiers for sourcing portfolios, from sourced tables to signable plans.

The main calls, each with one typed thing in and one out::

    case = optimizer.load_case("allied-magnets")
    instance = optimizer.build_instance(case)
    model = optimizer.build_model(instance)
    frontier = optimizer.trace_frontier(model, "cost", "loss_measure")

Names are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optimizer.chain.build import build_instance
    from optimizer.jobs.frontier import frontier_of, run_case, solve_plan
    from optimizer.model.build import build_model
    from optimizer.solve.compile import compile_model
    from optimizer.solve.frontier import trace_frontier
    from optimizer.solve.one import solve_at as solve
    from optimizer.tables.case import load_case

__version__ = "0.1.0"

_HOMES = {
    "load_case": ("optimizer.tables.case", "load_case"),
    "build_instance": ("optimizer.chain.build", "build_instance"),
    "build_model": ("optimizer.model.build", "build_model"),
    "compile_model": ("optimizer.solve.compile", "compile_model"),
    "solve": ("optimizer.solve.one", "solve_at"),
    "trace_frontier": ("optimizer.solve.frontier", "trace_frontier"),
    "solve_plan": ("optimizer.jobs.frontier", "solve_plan"),
    "frontier_of": ("optimizer.jobs.frontier", "frontier_of"),
    "run_case": ("optimizer.jobs.frontier", "run_case"),
}

__all__ = [
    "build_instance",
    "build_model",
    "compile_model",
    "frontier_of",
    "load_case",
    "run_case",
    "solve",
    "solve_plan",
    "trace_frontier",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'optimizer' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
