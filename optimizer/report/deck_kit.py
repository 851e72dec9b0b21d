"""Slides of 16:9 with a plain theme: title, text, tables, charts, pictures and notes, all cut to fit their boxes.

Sizes in inches, type in points; nothing is set smaller than ``SMALL``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.report import theme
from optimizer.report.plain_text import broken, fitted, plain

WIDTH, HEIGHT = 13.333, 7.5
LEFT, TOP, RIGHT = 0.55, 1.3, 12.78
BODY = RIGHT - LEFT
FONT = "Arial"
"""A face that every office program has, or has one of the same widths for."""
TITLE, TEXT, SMALL = 24, 16, 12
LINE = 1.2
"""Height of a line over the height of its type."""

Box = tuple[float, float, float, float]
"""Left, top, width, height."""


@dataclass(frozen=True)
class TextLook:
    """How paragraphs are set.

    Attributes:
        size: of the type, points.
        colour: of the type.
        bold: whether it is bold.
        lines: most lines of a paragraph; what is longer is cut.
        align: left, right or center.
        gap: after every paragraph, points.
    """

    size: float = TEXT
    colour: str = theme.INK
    bold: bool = False
    lines: int = 3
    align: str = "left"
    gap: float = 0.0


class Kit:
    """A presentation in the making."""

    def __init__(self, title: str) -> None:
        from pptx import Presentation
        from pptx.util import Inches

        self.show = Presentation()
        self.show.slide_width, self.show.slide_height = Inches(WIDTH), Inches(HEIGHT)
        self.show.core_properties.title = plain(title)[:250]
        self.show.core_properties.author = ""
        self.layout = self.show.slide_layouts.get_by_name("Title Only") or self.show.slide_layouts[5]
        for other in list(self.show.slide_layouts):
            if other is not self.layout:
                self.show.slide_layouts.remove(other)
        for sheet in (self.show.slide_master, self.layout):
            _arrange(sheet)
        _set_theme(self.show.slide_master)

    def slide(self, title: str, notes: Sequence[str], source: str = "") -> Slide:
        """A new slide with its title, speaker notes and source line."""
        page = Slide(self.show.slides.add_slide(self.layout))
        page.title(title)
        page.slide.notes_slide.notes_text_frame.text = "\n".join(plain(line) for line in notes)
        if source:
            page.text((LEFT, HEIGHT - 0.5, BODY - 0.8, 0.42), [source], TextLook(SMALL, theme.MUTED, lines=2))
        number = str(len(self.show.slides))
        page.text((RIGHT - 0.7, HEIGHT - 0.5, 0.7, 0.3), [number], TextLook(SMALL, theme.MUTED, lines=1, align="right"))
        return page

    def content(self) -> bytes:
        """The presentation as a file."""
        stream = io.BytesIO()
        self.show.save(stream)
        return stream.getvalue()


class Slide:
    """One slide; texts are plain, and what does not fit ends in "…"."""

    def __init__(self, slide: Any) -> None:
        self.slide = slide

    def title(self, text: str) -> None:
        """The slide's title, two lines at most."""
        from pptx.enum.text import PP_ALIGN

        lines = broken(text, BODY * 72 * 0.95, TITLE, 2)
        frame = self.slide.shapes.title.text_frame
        frame.word_wrap = True
        frame.text = " ".join(lines)
        frame.paragraphs[0].alignment = PP_ALIGN.LEFT
        for run in frame.paragraphs[0].runs:
            _font(run, TITLE, theme.INK, True)

    def text(self, box: Box, paragraphs: Sequence[str], look: TextLook | None = None) -> float:
        """A text box. Returns the height used, in inches."""
        from pptx.enum.text import PP_ALIGN
        from pptx.util import Inches, Pt

        look = look or TextLook()
        shape = self.slide.shapes.add_textbox(*(Inches(v) for v in box))
        frame = shape.text_frame
        frame.word_wrap = True
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        used = 0
        for k, paragraph in enumerate(paragraphs):
            cut = broken(paragraph, box[2] * 72 * 0.96, look.size, look.lines)
            used += len(cut)
            place = frame.paragraphs[0] if k == 0 else frame.add_paragraph()
            place.alignment = {"left": PP_ALIGN.LEFT, "right": PP_ALIGN.RIGHT, "center": PP_ALIGN.CENTER}[look.align]
            place.space_after = Pt(look.gap)
            run = place.add_run()
            run.text = " ".join(cut)
            _font(run, look.size, look.colour, look.bold)
        return (used * look.size * LINE + look.gap * len(paragraphs)) / 72

    def bar(self, box: Box, colour: str, text: str = "", name: str = "") -> None:
        """A filled rectangle, with a text in it if that fits."""
        from pptx.enum.shapes import MSO_SHAPE
        from pptx.util import Inches

        shape = self.slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, *(Inches(v) for v in box))
        shape.fill.solid()
        shape.fill.fore_color.rgb = rgb(colour)
        shape.line.fill.background()
        for style in shape._element.findall("{http://schemas.openxmlformats.org/presentationml/2006/main}style"):
            shape._element.remove(style)  # the theme's shadow and rim
        shape.name = plain(name or text or "bar")[:80]
        frame = shape.text_frame
        frame.margin_left = frame.margin_right = Inches(0.06)
        frame.margin_top = frame.margin_bottom = 0
        if text and theme.text_width(plain(text), SMALL) <= (box[2] - 0.12) * 72:
            run = frame.paragraphs[0].add_run()
            run.text = plain(text)
            _font(run, SMALL, theme.readable_on(colour), False)

    def table(self, box: Box, heads: Sequence[str], rows: Sequence[Sequence[str]], shares: Sequence[float],
              right: Sequence[int] = (), name: str = "Table") -> None:  # fmt: skip
        """A native table: columns by shares of the width, those in ``right`` flush right, one line a row."""
        from pptx.util import Inches

        graphic = self.slide.shapes.add_table(len(rows) + 1, len(heads), *(Inches(v) for v in box))
        graphic.name = name
        table = graphic.table
        _plain_style(graphic)
        whole = sum(shares)
        for k, share in enumerate(shares):
            table.columns[k].width = Inches(box[2] * share / whole)
        high = min(0.4, box[3] / (len(rows) + 1))
        for j, row in enumerate([heads, *rows]):
            table.rows[j].height = Inches(high)
            for k, text in enumerate(row):
                width = (box[2] * shares[k] / whole - 0.16) * 72 * 0.97
                _cell(table.cell(j, k), fitted(text, width, SMALL * (1.06 if j == 0 else 1.0)), j, k in right)

    def picture(self, content: bytes, box: Box, told: str, crop_top: float = 0.0) -> None:
        """A picture as large as the box allows, with a text for those who cannot see it."""
        from pptx.util import Inches

        left, top, wide, tall = box
        shape = self.slide.shapes.add_picture(io.BytesIO(content), Inches(left), Inches(top))
        ratio = shape.height * (1 - crop_top) / shape.width
        shape.crop_top = crop_top
        width = min(wide, tall / ratio)
        shape.width, shape.height = Inches(width), Inches(width * ratio)
        shape.left = Inches(left + (wide - width) / 2)
        shape._element.nvPicPr.cNvPr.set("descr", plain(told)[:400])

    def chart(self, kind: Any, box: Box, data: Any) -> Any:
        """A native chart, which stays editable; returns it to be dressed."""
        from pptx.util import Inches, Pt

        chart = self.slide.shapes.add_chart(kind, *(Inches(v) for v in box), data).chart
        chart.font.size, chart.font.name = Pt(SMALL), FONT
        chart.font.color.rgb = rgb(theme.INK)
        return chart


def rgb(colour: str) -> Any:
    """A colour of the theme for the library."""
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(colour.removeprefix("#").upper())


def _font(run: Any, size: float, colour: str, bold: bool) -> None:
    from pptx.util import Pt

    run.font.size, run.font.bold, run.font.name = Pt(size), bold, FONT
    run.font.color.rgb = rgb(colour)


def _cell(cell: Any, text: str, row: int, is_right: bool) -> None:
    """Text and look of a cell of a table."""
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Inches

    cell.margin_left = cell.margin_right = Inches(0.08)
    cell.margin_top = cell.margin_bottom = Inches(0.02)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    cell.fill.solid()
    cell.fill.fore_color.rgb = rgb(theme.INK if row == 0 else theme.LIGHT["tint"] if row % 2 == 0 else theme.PAPER)
    paragraph = cell.text_frame.paragraphs[0]
    paragraph.alignment = PP_ALIGN.RIGHT if is_right else PP_ALIGN.LEFT
    cell.text_frame.word_wrap = False
    run = paragraph.add_run()
    run.text = text
    _font(run, SMALL, theme.PAPER if row == 0 else theme.INK, row == 0)


def _plain_style(graphic: Any) -> None:
    """Take the default style off a table, so that only its own fills show."""
    properties = graphic._element.graphic.graphicData.tbl.tblPr
    for style in properties.findall("{http://schemas.openxmlformats.org/drawingml/2006/main}tableStyleId"):
        style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # "no style, no grid"


def _arrange(sheet: Any) -> None:
    """Title of the master or layout where slides have it; footers away."""
    from pptx.enum.shapes import PP_PLACEHOLDER
    from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
    from pptx.util import Inches

    for shape in list(sheet.placeholders):
        if shape.placeholder_format.type in (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE):
            shape.left, shape.top, shape.width, shape.height = (Inches(v) for v in (LEFT, 0.32, BODY, 0.9))
            frame = shape.text_frame
            frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
            frame.vertical_anchor, frame.word_wrap = MSO_ANCHOR.TOP, True
            frame.paragraphs[0].alignment = PP_ALIGN.LEFT
        else:
            shape._element.getparent().remove(shape._element)


def _set_theme(master: Any) -> None:
    """Fonts and colours of the theme part, so that what a user adds looks the same."""
    import re

    from pptx.opc.constants import RELATIONSHIP_TYPE as KIND

    part = master.part.part_related_by(KIND.THEME)
    text = part.blob.decode("utf-8")
    text = re.sub(r'(<a:(?:major|minor)Font>\s*<a:latin typeface=")[^"]*', rf"\g<1>{FONT}", text)
    parts = {"dk2": theme.INK, "lt2": theme.LIGHT["tint"]}
    parts |= {f"accent{k}": colour for k, colour in enumerate(theme.CATEGORIES[:6], start=1)}
    for name, colour in parts.items():
        value = f'<a:srgbClr val="{colour.removeprefix("#").upper()}"/>'
        text = re.sub(rf"(<a:{name}>).*?(</a:{name}>)", rf"\g<1>{value}\g<2>", text, flags=re.DOTALL)
    part._blob = text.encode("utf-8")
