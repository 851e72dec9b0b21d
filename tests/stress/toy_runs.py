"""Toys solved and written once, with histories and times to recover beside them where a test needs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from optimizer.jobs.frontier import solve_plan
from optimizer.jobs.prepare import Options
from optimizer.jobs.reopen import reopen
from optimizer.stress.strikes import Window, network_of, strikes_of
from optimizer.stress.templates import Plans
from optimizer.stress.trial import put_to

TOYS = Path(__file__).parents[1] / "toys"
SELECTORS = "facility,country,operator,stage,control_group,form,destination,segment,passage,origin_rule"
EFFECTS = f"effect,target,{SELECTORS},is_project_only,from_month,to_month,open_share,price_multiple"
ANY = ",".join("*" * 10)
PLANT = "plant," + ",".join("*" * 9)
REPLAYS = "replay,name,start_month,story\npast,The slow spring,2011-01,It works at half speed.\n"
TIMES = "facility,*,*,6,3,12\nfacility,other,*,9,3,12\ncountry,*,AAA,3,1,6\n"
RECOVERY = "kind,stage,node,recover_months,low_months,high_months\n"


def stock_case(folder: Path, events: str = "", effects: str = "") -> Path:
    """The toy in which stock carries the line, with a replay, times to recover and, if given, other events."""
    case = Path(shutil.copytree(TOYS / "stock-cover", folder / "stock-cover"))
    (case / "replays.csv").write_text(REPLAYS)
    (case / "replay_effects.csv").write_text(f"replay,{EFFECTS}\npast,1,facility,{PLANT},false,0,8,0.5,1\n")
    actuals = "replay,series,exporter,form,destination,month,period,actual_t,before_t,actual_share\n"
    (case / "replay_actuals.csv").write_text(actuals + "past,parts to M,AAA,part,MMM,1,2011-02,3,10,0.3\n")
    (case / "recovery_times.csv").write_text(RECOVERY + TIMES)
    if events:
        (case / "events.csv").write_text("event,name,cause,rate_per_year,story\n" + events)
        (case / "event_effects.csv").write_text(f"event,{EFFECTS}\n" + effects)
    return case


def stock_run(folder: Path, max_loss_months: float = 2.0, **tables: str) -> Path:
    """A run of that toy: with the default plan, 20 t are in stock when 2028 begins, two months of demand."""
    return solve_plan(stock_case(folder, **tables), folder / "run", Options(max_loss_months=max_loss_months)).path


def own_losses(path: Path, workers: int = 1) -> tuple[pd.Series, pd.DataFrame]:
    """Losses of a run's first plan by the evaluator for the shocks of the model, and the run's own table of them."""
    again = reopen(path)
    instance, tables = again.ready.instance, again.ready.case.tables
    window = Window(again.ready.case.settings.shocks.window_months, instance.years[-1])
    chosen = {shock.event for shock in instance.shocks.values()}
    starts = sorted({shock.start_year for shock in instance.shocks.values()})
    events = tables["events"][tables["events"]["event"].isin(chosen)]
    rows = pd.concat([events.assign(start_year=year) for year in starts], ignore_index=True)
    strikes = strikes_of(rows, tables["event_effects"], instance, network_of(instance, tables), window)
    plans = Plans.of(again.ready.program, again.plans)
    found = put_to(strikes, instance, plans, window, workers)
    losses = pd.Series(found.losses[1], index=[strike.strike for strike in strikes])
    return losses, again.run.tables["losses"].set_index("shock")
