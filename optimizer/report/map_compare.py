"""Bars under a pair of maps: what every market gets, and from which country, before and in the shock."""

from __future__ import annotations

from optimizer.report import numbers, theme
from optimizer.report.map_canvas import Box, Canvas, Letters
from optimizer.report.map_title import by_country
from optimizer.report.plain_text import fitted
from optimizer.report.plan_map import PlanMap
from optimizer.report.view import RunView, country

BEFORE, AFTER = theme.FAINT, theme.PROOF
NAME_WIDTH, ROW, MOST = 210.0, 56.0, 6

Pair = tuple[str, float, float]


def compare_bars(canvas: Canvas, view: RunView, plans: tuple[PlanMap, PlanMap], box: Box) -> None:
    """Two blocks of pairs of bars side by side in a box: by market, by country of the plant."""
    before, after = plans
    later = {place.key: place.t_per_year for place in after.markets}
    markets = [(place.name, place.t_per_year, later.get(place.key, 0.0)) for place in before.markets]
    homes, now = by_country(before), by_country(after)
    codes = [*homes, *(code for code in now if code not in homes)]
    lands = [(country(code), homes.get(code, 0.0), now.get(code, 0.0)) for code in codes]
    largest = max((value for pair in (*markets, *lands) for value in pair[1:]), default=0.0) or 1.0
    half = (box[2] - box[0] - 20) / 2
    for k, (heading, rows) in enumerate((("What each market gets, t/yr", markets), ("From plants in, t/yr", lands))):
        left = box[0] + k * (half + 20)
        _block(canvas, heading, rows, (left, box[1], left + half, box[3]), largest)


def _block(canvas: Canvas, heading: str, rows: list[Pair], box: Box, largest: float) -> None:
    left, top, right, bottom = box
    canvas.text((left, top + 10), heading, Letters(15, weight="bold"))
    key = left + theme.text_width(heading, 15) + 36
    for colour, text in ((BEFORE, "as planned"), (AFTER, "in the shock")):
        canvas.rect((key, top + 4, key + 14, top + 16), colour)
        canvas.text((key + 20, top + 10), text, Letters(13, theme.MUTED))
        key += 34 + theme.text_width(text, 13)
    count = max(1, min(MOST, int((bottom - top - 26) / 30)))
    step = min(ROW, (bottom - top - 26) / max(1, min(count, len(rows))))
    long = right - left - NAME_WIDTH - 70
    for k, (name, before, after) in enumerate(sorted(rows, key=lambda row: -row[1])[:count]):
        y = top + 30 + k * step
        canvas.text((left, y + step / 2 - 4), fitted(name, NAME_WIDTH - 12, 14), Letters(14))
        for j, (value, colour) in enumerate(((before, BEFORE), (after, AFTER))):
            high = (step - min(12, step / 5)) / 2
            start, upper = left + NAME_WIDTH, y + j * high
            canvas.rect((start, upper, start + max(1.0, long * value / largest), upper + high - 1), colour)
            end = start + long * value / largest + 6
            canvas.text((end, upper + high / 2 - 0.5), numbers.mass(value), Letters(12, theme.INK))
