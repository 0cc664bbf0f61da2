"""Themes: how the pages look in a main site. Light and dark, and named ones from `THEMES_FILE`.

A theme is colours, a corner radius and a font from a list. There is no free CSS, so nothing can load,
hide or fake anything. The contrast of every pair of colours that people read is checked at the start
(WCAG 2.2, 1.4.3: text 4.5:1, 1.4.11: edges 3:1).
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# A colour in light and in dark.
Pair = tuple[str, str]

DEFAULTS: Mapping[str, Pair] = {
    "ground": ("#ffffff", "#14171c"),
    "ink": ("#1b1f27", "#eceff4"),
    "quiet": ("#545c6b", "#a8b1c0"),
    "line": ("#dde2ea", "#323947"),
    "field": ("#ffffff", "#1c2027"),
    "edge": ("#757e8e", "#8b94a5"),
    "accent": ("#1f5fbf", "#8ab4f8"),
    "accent-ink": ("#ffffff", "#10203a"),
    "wrong": ("#b3261e", "#ff9d94"),
    "note": ("#eef3fb", "#1d2635"),
}
FONTS = {
    "system": "system-ui, sans-serif",
    "humanist": "Seravek, 'Gill Sans Nova', Ubuntu, Calibri, 'DejaVu Sans', source-sans-pro, sans-serif",
    "geometric": "Avenir, Montserrat, Corbel, 'URW Gothic', source-sans-pro, sans-serif",
    "serif": "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, serif",
    "mono": "ui-monospace, 'Cascadia Code', 'Source Code Pro', Menlo, Consolas, monospace",
}
SCHEMES = {"auto": "light dark", "light": "light", "dark": "dark"}
DEFAULT_RADIUS = "0.5rem"

# Foreground, background, least contrast.
_READ_TOGETHER = (
    *(("ink", ground, 4.5) for ground in ("ground", "field", "note")),
    *(("quiet", ground, 4.5) for ground in ("ground", "field")),
    ("accent", "ground", 4.5),
    ("accent", "field", 3.0),
    ("accent-ink", "accent", 4.5),
    ("wrong", "ground", 4.5),
    ("edge", "ground", 3.0),
    ("edge", "field", 3.0),
)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_RADIUS = re.compile(r"(?:0|[0-9](?:\.[0-9]{1,3})?rem|[0-9]{1,2}px)")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Theme:
    """One theme, checked."""

    colours: Mapping[str, Pair]
    radius: str
    font: str
    scheme: str

    def css(self) -> str:
        """Return the theme as a style sheet: the tokens that `style.css` uses.

        Colours are mixed and chosen here, since `color-mix()` and `light-dark()` are unknown to browsers
        that we support.
        """
        light, dark = (self._tokens(index) for index in (0, 1))
        sheet = (
            f":root {{ color-scheme: {SCHEMES[self.scheme]}; font-family: {FONTS[self.font]}; "
            f"--radius: {self.radius}; {dark if self.scheme == 'dark' else light} }}\n"
        )
        if self.scheme == "auto":
            sheet += f"@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        return sheet

    def _tokens(self, index: int) -> str:
        colours = {name: pair[index] for name, pair in self.colours.items()}
        ground, behind = colours["ground"], (colours["note"], "#000000")[index]
        colours["strong"] = mix(colours["accent"], colours["ink"], 0.82)
        colours["around"] = mix(behind, ground, (0.7, 0.45)[index])
        return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


BUILT_IN: Mapping[str, Theme] = {
    scheme: Theme(DEFAULTS, DEFAULT_RADIUS, "system", scheme) for scheme in SCHEMES
}


def read_themes(path: str) -> Mapping[str, Theme]:
    """Return the themes in a TOML file, which has a table for each.

    Raise `ValueError` with everything that is wrong, in one line without the values.
    """
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError:
        raise ValueError("names a file that can't be read") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError("names a file that isn't TOML") from None
    faults: list[str] = []
    themes = {name: _theme(name, table, faults) for name, table in tables.items()}
    if faults:
        raise ValueError("names a file with faults: " + "; ".join(faults))
    return themes


def _theme(name: str, table: object, faults: list[str]) -> Theme:
    if not _NAME.fullmatch(name) or name in SCHEMES:
        faults.append(f"{name!r} can't be a theme's name")
    values = dict(table) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        faults.append(f"{name!r} is not a table")
    colours = {token: _pair(values.pop(token, pair)) for token, pair in DEFAULTS.items()}
    radius = values.pop("radius", DEFAULT_RADIUS)
    font, scheme = values.pop("font", "system"), values.pop("scheme", "auto")
    faults += [f"{name}.{token!r} is unknown" for token in values]
    faults += [
        f"{name}.{token} must be a colour like #1f5fbf, or one for light and one for dark"
        for token, pair in colours.items()
        if pair is None
    ]
    if not isinstance(radius, str) or not _RADIUS.fullmatch(radius):
        faults.append(f"{name}.radius must be a length like 0.5rem or 8px")
    if not isinstance(font, str) or font not in FONTS:
        faults.append(f"{name}.font must be one of {', '.join(FONTS)}")
    if not isinstance(scheme, str) or scheme not in SCHEMES:
        faults.append(f"{name}.scheme must be one of {', '.join(SCHEMES)}")
    sound = {token: pair for token, pair in colours.items() if pair is not None}
    if len(sound) == len(DEFAULTS) and isinstance(scheme, str) and scheme in SCHEMES:
        faults += _faint(name, sound, scheme)
    return Theme(sound, radius, font, scheme)


def _pair(value: object) -> Pair | None:
    pair = (value, value) if isinstance(value, str) else value
    if isinstance(pair, (list, tuple)) and len(pair) == 2:
        light, dark = pair
        if all(isinstance(colour, str) and _COLOUR.fullmatch(colour) for colour in (light, dark)):
            return light, dark
    return None


def _faint(name: str, colours: Mapping[str, Pair], scheme: str) -> list[str]:
    shown = {"auto": ("light", "dark"), "light": ("light",), "dark": ("dark",)}[scheme]
    return [
        f"{name}: {front} on {back} has a contrast of {ratio:.2f} in {mode}, {least} is needed"
        for mode in shown
        for front, back, least in _READ_TOGETHER
        for index in [("light", "dark").index(mode)]
        if (ratio := contrast(colours[front][index], colours[back][index])) < least
    ]


def mix(one: str, other: str, share: float) -> str:
    """Return a colour that is so much of one and for the rest of the other, 0 to 1."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (channel / 255 for channel in _channels(colour))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> bytes:
    return bytes.fromhex(colour[1:])
