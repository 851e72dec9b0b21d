"""PyAUGMECON's side of the comparison, run by an interpreter that has it: arrays in, what it found out as JSON.

    PYTHON benchmarks/pyaugmecon_side.py ARRAYS.npz '{"levels": 10, "gap": 0.005, "nadir": 3.0, "workers": 2}'

Needs numpy, scipy, pyomo and PyAUGMECON with HiGHS; nothing of this project.
"""

import json
import multiprocessing
import sys
import tempfile

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression
from scipy import sparse


def written(arrays):
    """The arrays as a Pyomo model, row for row, with both objectives in the list the tool asks for."""
    matrix = sparse.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=tuple(arrays["shape"]))
    m = pyo.ConcreteModel()
    m.x = pyo.Var(range(matrix.shape[1]), domain=pyo.Reals)
    for j, x in m.x.items():
        x.setlb(None if np.isinf(arrays["lower"][j]) else float(arrays["lower"][j]))
        x.setub(None if np.isinf(arrays["upper"][j]) else float(arrays["upper"][j]))
        if arrays["is_integer"][j]:
            x.domain = pyo.Integers
    m.rows = pyo.ConstraintList()
    for i in range(matrix.shape[0]):
        part = slice(matrix.indptr[i], matrix.indptr[i + 1])
        low, high = float(arrays["row_lower"][i]), float(arrays["row_upper"][i])
        if part.start == part.stop or (np.isinf(low) and np.isinf(high)):
            continue
        body = linear(m, matrix.indices[part], matrix.data[part], 0.0)
        if low == high:
            m.rows.add(body == low)
        else:
            m.rows.add((None if np.isinf(low) else low, body, None if np.isinf(high) else high))
    m.obj_list = pyo.ObjectiveList()
    for name in ("first", "second"):
        used = np.flatnonzero(arrays[name])
        m.obj_list.add(linear(m, used, arrays[name][used], float(arrays[f"{name}_constant"])), sense=pyo.minimize)
    return m


def linear(m, columns, values, constant):
    """A linear expression."""
    return LinearExpression(
        constant=constant, linear_coefs=[float(v) for v in values], linear_vars=[m.x[int(j)] for j in columns]
    )


def main():
    from pyaugmecon import PyAugmecon, PyAugmeconConfig

    multiprocessing.set_start_method("spawn", force=True)  # its locks come the default way, its processes are spawned
    asked = json.loads(sys.argv[2])
    model = written(np.load(sys.argv[1]))
    with tempfile.TemporaryDirectory() as place:
        config = PyAugmeconConfig(
            mode="sampled", sample_points=asked["levels"], nadir_points=[asked["nadir"]], objective_order="given",
            workers=asked["workers"], solver_name="highs", solver_options={"mip_rel_gap": asked["gap"], "threads": 1},
            write_csv=False, artifact_folder=place, progress_bar=False, log_to_console=False,
        )  # fmt: skip
        found = PyAugmecon(model, config).solve()
    told = {
        "points": [[float(value) for value in point] for point in found.points],
        "payoff": np.asarray(found.payoff_table, dtype=float).tolist(),
        "seconds": found.runtime_seconds,
        "solves": found.models_solved,
        "infeasible": found.models_infeasible,
    }
    print("FOUND " + json.dumps(told))


if __name__ == "__main__":
    main()
