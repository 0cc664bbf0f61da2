"""Themes: colours, a radius and a font from a list, checked at the start, and nothing else."""

import re
from pathlib import Path

import pytest

from devstack.processes import ROOT
from onboarding.themes import BUILT_IN, DEFAULT_RADIUS, DEFAULTS, Theme, contrast, mix, read_themes


@pytest.fixture
def read(tmp_path: Path):
    def read(text: str | bytes):
        file = tmp_path / "themes.toml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_themes(str(file))

    return read


def test_a_theme_holds_only_what_differs(read) -> None:
    themes = read("""
        [plain]
        [acme]
        accent = ["#0a6b4b", "#6fdcb0"]
        accent-ink = ["#ffffff", "#06281b"]
        radius = "12px"
        font = "serif"
        [night]
        scheme = "dark"
    """)
    assert themes["plain"] == Theme(DEFAULTS, DEFAULT_RADIUS, "system", "auto")
    light, dark = themes["acme"].css().split("@media (prefers-color-scheme: dark)")
    assert re.search("--ground: #ffffff;.*--accent: #0a6b4b;", light)
    assert re.search("--ground: #14171c;.*--accent: #6fdcb0;", dark)
    assert "font-family: Charter" in light
    assert "--radius: 12px;" in light
    night = themes["night"].css()
    assert "color-scheme: dark;" in night
    assert "--ground: #14171c;" in night
    assert "@media" not in night


def test_one_colour_is_for_light_and_dark(read) -> None:
    theme = read('[a]\nscheme = "light"\naccent = "#7a1f5f"')["a"]
    assert theme.colours["accent"] == ("#7a1f5f", "#7a1f5f")


FAULTS = {
    "[light]": "'light' can't be a theme's name",
    '["a b"]': "'a b' can't be a theme's name",
    '[a]\naccent = "red"': "a.accent must be a colour like #1f5fbf",
    '[a]\naccent = "#1f5fbf;}"': "a.accent must be a colour",
    '[a]\naccent = ["#1f5fbf"]': "a.accent must be a colour",
    '[a]\naccent = ["#1f5fbf", "url(x)"]': "a.accent must be a colour",
    '[a]\nbackground = "#1f5fbf"': "a.'background' is unknown",
    '[a]\nradius = "1rem; color: red"': "a.radius must be a length",
    '[a]\nfont = "Comic Sans"': "a.font must be one of system, humanist",
    '[a]\n"b\\nc" = 1': "a.'b\\nc' is unknown",
    '[a]\naccent = ["#1f5fbf", "#3a3a5a"]': "accent on field has a contrast of",
    '[a]\nscheme = "sepia"': "a.scheme must be one of auto, light, dark",
    '[a]\nink = "#999999"': "a: ink on ground has a contrast of 2.85 in light, 4.5 is needed",
    '[a]\naccent-ink = "#1f5fbf"': "a: accent-ink on accent has a contrast of 1.00 in light",
    '[a]\nedge = "#dddddd"': "a: edge on ground has a contrast of 1.36 in light, 3.0 is needed",
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.items())
def test_a_fault_is_named(read, text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)) as refused:
        read(text)
    assert "\n" not in str(refused.value)


def test_everything_wrong_is_named_at_once(read) -> None:
    with pytest.raises(ValueError, match="faults") as refused:
        read('[a]\nfont = "x"\nradius = "y"\n[b]\nink = "z"')
    assert str(refused.value).count(";") == 2


def test_a_faint_colour_of_a_scheme_that_is_never_shown_is_no_fault(read) -> None:
    assert read('[a]\nscheme = "light"\nink = ["#1b1f27", "#14171c"]')


@pytest.mark.parametrize("content", [b"\xff", b"[a", b"a = ", b"a = " + b"[" * 5000])
def test_a_file_that_is_no_toml_is_refused(read, content: bytes) -> None:
    with pytest.raises(ValueError, match="isn't TOML"):
        read(content)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    # WCAG's own limits, and two known pairs.
    [("#000000", "#ffffff", 21), ("#777777", "#ffffff", 4.48), ("#767676", "#ffffff", 4.54)],
)
def test_contrast_is_wcags(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.005)


def test_a_mixed_colour_has_its_share_of_both() -> None:
    assert mix("#ffffff", "#000000", 0.7) == mix("#000000", "#ffffff", 0.3) == "#b2b2b2"
    assert mix("#102030", "#ffffff", 1) == "#102030"


def test_every_theme_has_each_token_of_the_style_sheet() -> None:
    style = (ROOT / "onboarding" / "static" / "style.css").read_text()
    used = set(re.findall(r"var\(--([a-z-]+)\)", style)) - set(re.findall(r"--([a-z-]+):", style))
    for theme in BUILT_IN.values():
        assert used == set(re.findall(r"--([a-z-]+):", theme.css()))
