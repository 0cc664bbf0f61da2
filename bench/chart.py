"""A bar chart as SVG, by hand: one that an `<img>` shows in the reader's own colours, dark or light."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, ROW, TOP = 760, 300, 26, 58
ROOM = WIDTH - LABELS - 90

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px } .note, .value { fill: #59636e }
.ours { fill: #0969da } .theirs { fill: #8c959f } .line { stroke: #d1d9e0 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .note, .value { fill: #9198a1 }
  .ours { fill: #4493f8 } .theirs { fill: #656c76 } .line { stroke: #3d444d }
}
"""


@dataclass(frozen=True)
class Bar:
    """One row: what was measured, how much it was, and whether it is ours."""

    label: str
    value: float
    is_ours: bool


def bars(title: str, note: str, unit: str, rows: Sequence[Bar]) -> str:
    """Draw the rows from the least to the greatest."""
    rows = sorted(rows, key=lambda row: row.value)
    height, greatest = TOP + ROW * len(rows) + 12, max(row.value for row in rows)
    told = "; ".join(f"{row.label}: {row.value:,.0f} {unit}" for row in rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(told)}</desc>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="12" y="24">{escape(title)}</text>',
        f'<text class="note" x="12" y="43">{escape(note)}</text>',
    ]
    for index, row in enumerate(rows):
        top = TOP + ROW * index
        width = max(1, ROOM * row.value / greatest)
        kind = "ours" if row.is_ours else "theirs"
        parts += [
            f'<text x="{LABELS - 8}" y="{top + 16}" text-anchor="end">{escape(row.label)}</text>',
            f'<rect class="{kind}" x="{LABELS}" y="{top + 3}" width="{width:.1f}" height="18" rx="3"/>',
            f'<text class="value" x="{LABELS + width + 7:.1f}" y="{top + 16}">{row.value:,.0f} {unit}</text>',
        ]
    line = f'<line class="line" x1="{LABELS}" x2="{LABELS}" y1="{TOP}" y2="{height - 10}"/>'
    return "\n".join([*parts, line, "</svg>"]) + "\n"
