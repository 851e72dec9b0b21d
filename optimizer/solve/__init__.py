"""From a Pyomo model to plans: compiled arrays, the solver call, recourse, the frontier and its certificate."""
