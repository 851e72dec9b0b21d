"""The optimisation model: sets, variables, constraints, objectives."""
