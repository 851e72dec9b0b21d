"""A block without its rows of one column and its slack columns has the same losses and gives cuts as tight."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from two_stage import two_stage

from optimizer.solve.compile import compile_model
from optimizer.solve.compiled import RecourseBlock
from optimizer.solve.fixed_plan import block_program
from optimizer.solve.highs import LinearProgram, solve
from optimizer.solve.recourse import Shocks
from optimizer.solve.slim import Slim

INF = np.inf


def whole() -> LinearProgram:
    """Columns a, b, s, theta: rows 2a <= 6, -b <= -1, a >= 0.5, a + b + s = 4, theta >= 3a - b."""
    matrix = np.array([
        [2.0, 0.0, 0.0, 0.0],
        [0.0, -1.0, 0.0, 0.0],
        [1.0, 0.0, 0.0, 0.0],
        [1.0, 1.0, 1.0, 0.0],
        [-3.0, 1.0, 0.0, 1.0],
    ])  # fmt: skip
    return LinearProgram(
        matrix=sparse.csr_matrix(matrix),
        row_lower=np.array([-INF, -INF, 0.5, 4.0, 0.0]),
        row_upper=np.array([6.0, -1.0, INF, 4.0, INF]),
        lower=np.array([0.0, 0.0, 0.0, 0.0]),
        upper=np.array([5.0, INF, 2.0, INF]),
        cost=np.array([0.0, 0.0, 0.0, 1.0]),
    )


def test_by_hand_rows_become_bounds_and_slack_widens_a_row() -> None:
    slim = Slim(whole())
    assert slim.single.tolist() == [0, 1, 2]
    assert (slim.rows.tolist(), slim.columns.tolist()) == ([3, 4], [0, 1, 3])
    sides = slim.sides(slim.whole.row_lower, slim.whole.row_upper)
    assert sides.lower.tolist() == [0.5, 1.0, 0.0, 0.0]
    assert sides.upper.tolist() == [3.0, INF, 2.0, INF]  # 2a <= 6 is tighter than a <= 5
    assert (sides.row_lower.tolist(), sides.row_upper.tolist()) == ([2.0, 0.0], [4.0, INF])  # s is 0 to 2
    assert sides.gives_low.tolist() == [False, True, True]  # b at least 1, a at least 0.5
    assert sides.gives_high.tolist() == [True, False, False]  # a at most 3
    other = slim.sides(np.array([-INF, -INF, 0.7, 5.0, 0.0]), np.array([12.0, 1.0, INF, 5.0, INF]))
    assert other.lower.tolist() == [0.7, 0.0, 0.0, 0.0]  # -b <= 1 says less than b >= 0
    assert other.upper.tolist() == [5.0, INF, 2.0, INF]
    assert other.gives_low.tolist() == [False, False, True]
    assert other.row_lower.tolist() == [3.0, 0.0]


def test_by_hand_multipliers_come_back() -> None:
    """With b at most 1 the optimum is theta = 3 a - 1 with a as small as a + 1 + s = 4 lets."""
    program = whole()
    program.upper[1] = 1.0
    slim = Slim(program)
    sides = slim.sides(program.row_lower, program.row_upper)
    found = solve(slim.program(sides))
    assert found.objective == pytest.approx(2.0)  # s = 2, b = 1, so a = 1
    assert found.row_duals is not None
    duals, reduced = slim.multipliers(found.row_duals, sides, program.cost)
    assert duals @ program.matrix.toarray() + reduced == pytest.approx(program.cost)
    # what they prove: sides of rows at their multipliers, and bounds at the reduced costs
    ends = np.where(reduced > 0, program.lower, program.upper)
    rows = np.where(duals > 0, program.row_lower, program.row_upper)
    terms = [d * r for d, r in zip(duals, rows, strict=True) if d] + [
        d * e for d, e in zip(reduced, ends, strict=True) if d
    ]
    assert sum(terms) == pytest.approx(2.0)


def test_a_loss_in_one_row_alone_and_two_slacks_in_a_row_stay() -> None:
    program = LinearProgram(
        matrix=sparse.csr_matrix(np.array([[0.0, 0.0, 1.0], [1.0, -2.0, 0.0]])),
        row_lower=np.array([1.5, 1.0]), row_upper=np.array([INF, INF]),
        lower=np.zeros(3), upper=np.array([INF, INF, INF]), cost=np.array([0.0, 0.0, 1.0]),
    )  # fmt: skip
    slim = Slim(program)
    assert slim.single.size == 0
    assert slim.columns.tolist() == [1, 2]  # one of the two takes up the row's slack
    assert solve(slim.program(slim.sides(program.row_lower, program.row_upper))).objective == pytest.approx(1.5)


def test_bounds_that_miss_each_other_by_rounding_meet_and_others_do_not() -> None:
    """A plan keeps its rows within a tolerance: b up to a capacity of -1e-9 is b = 0, a capacity of -0.1 is none."""
    slim = Slim(whole())
    high = np.array([-2e-9, -1.0, INF, 4.0, INF])  # 2a <= -2e-9 and a >= 0.5, then a >= 0
    apart = slim.sides(np.array([-INF, -INF, 0.5, 4.0, 0.0]), high)
    assert apart.lower[0] == 0.5
    assert apart.upper[0] == -1e-9
    met = slim.sides(np.array([-INF, -INF, 0.0, 4.0, 0.0]), high)
    assert met.lower[0] == met.upper[0] == 0.0


def test_a_plan_short_of_its_rows_by_rounding_has_a_loss() -> None:
    """Flow up to the plan's capacity, -1e-8; all of the demand of 5 is missing."""
    block = RecourseBlock(
        "s", 1, sparse.csr_matrix(np.array([[-1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])),
        sparse.csr_matrix(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, -1.0]])), np.array([0.0, 0.0, 1.0]),
        np.array([-INF, 5.0, 0.0]), np.array([0.0, INF, INF]), np.zeros(2), np.full(2, INF), (), (),
    )  # fmt: skip
    ((loss, cut),) = Shocks({0: block}, {0: 0.0}).evaluate(np.array([-1e-8, 0.0]), [0])
    assert loss == pytest.approx(5.0, abs=1e-6)
    assert cut.at(np.array([1.0, 0.0])) == pytest.approx(4.0, abs=1e-6)


def random_block(random: np.random.Generator) -> RecourseBlock:
    """Demand met by flows behind capacities of the plan, with caps of one column, leftovers and rows of both signs."""
    flows, rows = 6, 4
    width = flows + rows + 1  # flows, leftovers, shortfall
    matrix, linking, lower, upper = [], [], [], []

    def add(entries: dict[int, float], of_x: dict[int, float], low: float, high: float) -> None:
        matrix.append([entries.get(j, 0.0) for j in range(width)])
        linking.append([of_x.get(j, 0.0) for j in range(flows + 1)])
        lower.append(low)
        upper.append(high)

    for i in range(flows):
        factor = float(random.choice([-2.0, 1.0, 3.0]))
        share = float(random.choice([0.0, 0.5, 1.0]))
        add({i: factor}, {i: -abs(factor) * share * np.sign(factor)}, *((-INF, 0.0) if factor > 0 else (0.0, INF)))
        if random.random() < 0.4:
            add({i: 1.0}, {}, -INF, float(random.uniform(2.0, 5.0)))
    for r in range(rows):
        pair = random.choice(flows, 2, replace=False)
        add({int(pair[0]): 1.0, int(pair[1]): float(random.uniform(-1, 1)), flows + r: -1.0}, {}, -3.0, 3.0)
    add({**dict.fromkeys(range(flows), 1.0), width - 1: 1.0}, {}, 30.0, 30.0)
    add({width - 1: -2.4}, {}, 0.0, INF)  # months of loss, with theta
    coefficient = np.zeros(len(matrix))
    coefficient[-1] = 1.0
    bounds = np.concatenate([np.full(flows, INF), random.choice([1.0, 20.0], rows), [INF]])
    return RecourseBlock(
        "s", flows, sparse.csr_matrix(np.array(linking)), sparse.csr_matrix(np.array(matrix)), coefficient,
        np.array(lower), np.array(upper), np.concatenate([np.zeros(flows), np.full(rows, -20.0), [0.0]]), bounds, (),
        (),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_losses_are_those_of_the_whole_and_cuts_are_tight_and_valid(seed: int) -> None:
    random = np.random.default_rng(seed)
    block = random_block(random)
    shocks = Shocks({0: block}, {0: 0.0})
    plans = [np.append(random.uniform(0.0, 6.0, 6), 0.0) for _ in range(12)]
    true = [solve(block_program(block, x)).objective for x in plans]
    assert max(true) > 0.1  # months
    for x, loss in zip(plans, true, strict=True):
        ((found, cut),) = shocks.evaluate(x, [0])
        assert found == pytest.approx(loss, abs=1e-6)
        assert cut.at(x) == pytest.approx(loss, abs=1e-6)
        for other, its in zip(plans, true, strict=True):
            assert cut.at(other) <= its + 1e-6


def test_blocks_of_models_shrink_and_keep_their_losses() -> None:
    model, blocks = two_stage(3, 6, 8)
    program = compile_model(model, {"cost": model.cost, "loss": model.loss_measure}, blocks)
    shocks = Shocks(dict(enumerate(program.blocks)), dict.fromkeys(range(8), 0.0))
    random = np.random.default_rng(0)
    for _ in range(5):
        x = random.uniform(0.0, 4.0, program.lower.size)
        for number, (loss, cut) in enumerate(shocks.evaluate(x, range(8))):
            assert loss == pytest.approx(solve(block_program(program.blocks[number], x)).objective, abs=1e-6)
            assert cut.at(x) == pytest.approx(loss, abs=1e-6)
    shapes = [(shock.whole.matrix.shape, shock.slim.matrix.shape) for shock in shocks.loaded.values()]
    assert all(slim[0] < whole[0] and slim[1] < whole[1] for whole, slim in shapes)
