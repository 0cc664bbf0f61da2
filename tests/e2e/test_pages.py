"""Every page in every state, from all sides: valid, light, accessible, and whole at any size.

What a screen reader reads stands in `snapshots/`, a text a page. After a change of words or structure
rewrite them by `make test ARGS="tests/e2e/test_pages.py --rewrite-snapshots"`, and read the difference
before you keep it.
"""

import gzip
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route
from sqlalchemy import make_url

from devstack.main_site import MainSite
from devstack.processes import ROOT
from onboarding import create_app
from onboarding.config import Settings
from tests.conftest import Stage
from tests.e2e.pages import WATCH_JUMPS
from tests.visitor import newcomer
from tests.web.gallery import HARD_TO_SHOW, Picture, gallery, raising

MODULES = ROOT / "tests" / "node_modules"
AXE = MODULES / "axe-core" / "axe.min.js"
SNAPSHOTS = Path(__file__).parent / "snapshots"
STATIC = ROOT / "onboarding" / "static"
HTML_RULES = Path(__file__).parent / "htmlvalidate.json"
ORIGIN = "http://pages.test"

# Compressed by gzip -9, in bytes: a page without the style sheet in it, and the style sheet.
MOST_HTML, MOST_STYLE = 1536, 2300
STYLE = re.compile("<style>(.*?)</style>", re.DOTALL)
# WCAG 2.5.8 and our own 44 px for buttons; in CSS pixels.
LEAST_TARGET, LEAST_BUTTON = 24, 44

HARD = {f"review-{kind}" for kind in HARD_TO_SHOW}

Gallery = dict[str, Picture]


@pytest.fixture(scope="module")
def apps(stage: Stage, settings: Settings) -> Iterator[tuple[Flask, Flask, str]]:
    """The app with each widget, on a database where sessions can be impersonated; its address."""
    url = stage.server.create_database("pages")
    shared = stage.shared.beside(url)
    MainSite(1, shared.site_url, "s" * 32, stage.app.url).migrate(stage.logs / "pages-site.log")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('ALTER TABLE session ADD COLUMN "impersonatedBy" text')
    shared.migrate(replace(stage.app, owner_url=shared.owner_url), stage.logs / "pages-app.log")
    ours = make_url(shared.app_url).set(drivername="postgresql+psycopg")
    database = replace(settings.database, url=ours)
    ours = replace(settings, database=database)
    drop_downs = create_app(replace(ours, site_name="Acme Docs"))
    cards = create_app(replace(ours, widget="cards"))
    raising(drop_downs)
    yield drop_downs, cards, url
    for app in (drop_downs, cards):
        app.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="module")
def pages(apps: tuple[Flask, Flask, str], settings: Settings) -> Gallery:
    drop_downs, cards, url = apps
    return gallery(drop_downs, cards, partial(newcomer, url, settings.session_cookie))


@pytest.fixture(scope="module")
def urdu(apps: tuple[Flask, Flask, str], settings: Settings) -> Gallery:
    """The same from right to left."""
    drop_downs, cards, url = apps
    made = gallery(drop_downs, cards, partial(newcomer, url, settings.session_cookie), "ur")
    assert all('<html lang="ur" dir="rtl"' in picture.html for picture in made.values())
    return made


@pytest.fixture
def show(
    pages: Gallery, apps: tuple[Flask, Flask, str], new_context: Callable[..., BrowserContext]
) -> Callable[..., Page]:
    """Show a page of the gallery in one window, whose every address is answered from it."""
    windows: dict[str, Page] = {}

    def show(name: str, **options: object) -> Page:
        key = json.dumps(options, sort_keys=True)
        if key not in windows:
            # Nothing is in the middle of a transition.
            context = new_context(**{"reduced_motion": "reduce", "bypass_csp": True, **options})
            context.route("**", partial(answer, pages))
            windows[key] = context.new_page()
        windows[key].goto(f"{ORIGIN}/{name}")
        return windows[key]

    return show


def answer(pages: Gallery, route: Route) -> None:
    """Answer a browser with a page of the gallery, or one of our static files."""
    path = route.request.url.removeprefix(ORIGIN)
    if path.startswith("/static/"):
        name = path.removeprefix("/static/").split(".")
        route.fulfill(path=STATIC / f"{name[0]}.{name[-1]}")
    elif path[1:] not in pages:
        route.fulfill(status=404)
    else:
        route.fulfill(body=pages[path[1:]].html, content_type="text/html; charset=utf-8")


def test_every_page_is_valid_html(pages: Gallery, tmp_path: Path) -> None:
    for picture in pages.values():
        (tmp_path / f"{picture.name}.html").write_text(picture.html)
    done = subprocess.run(
        ["node", MODULES / "html-validate/bin/html-validate.mjs", "--config", HTML_RULES, tmp_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_page_is_light(pages: Gallery) -> None:
    light = {name: pages[name].html for name in pages.keys() - HARD}
    weights = {name: weight(STYLE.sub("", html)) for name, html in light.items()}
    assert {name: size for name, size in weights.items() if size > MOST_HTML} == {}
    [style] = {style for html in light.values() for style in STYLE.findall(html)}
    assert weight(style) <= MOST_STYLE


def weight(content: str) -> int:
    return len(gzip.compress(content.encode(), 9, mtime=0))


def test_the_style_sheet_in_a_page_says_what_its_source_says(
    pages: Gallery, show: Callable[..., Page]
) -> None:
    [served] = STYLE.findall(pages["question-select"].html)
    source = (STATIC / "style.css").read_text()
    assert len(served) < 0.9 * len(source)
    rules = """(css) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      return [...sheet.cssRules].map((rule) => rule.cssText);
    }"""
    # An own property is kept as it is written, spaces and all.
    read = [
        [re.sub(r"\s*,\s*", ",", rule) for rule in show("review").evaluate(rules, css)]
        for css in (source, served)
    ]
    assert read[0] == read[1]
    assert len(read[0]) > 60


# Is anything wider than the window, or cut off inside its own box?
OVERFLOWING = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const { left, right, width } = element.getBoundingClientRect();
  if (element.closest(".unseen, option, [hidden]") || !width) return false;
  return left < -0.5 || right > innerWidth + 0.5 || element.scrollWidth > element.clientWidth + 1
    && getComputedStyle(element).display !== "inline";
}).map((element) => element.outerHTML.slice(0, 200)).concat(
  document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : [])"""

# The values of WCAG 1.4.12.
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }"""

SMALL = """([least, leastButton]) => [...document.querySelectorAll("a, button, select, input")].filter(
  (element) => {
    if (element.type === "hidden" || element.closest("[hidden]")) return false;
    const { width, height } = (element.closest(".card") ?? element).getBoundingClientRect();
    const isButton = element.matches("button, .button, select") || element.closest(".card");
    return Math.min(width, height) < (isButton ? leastButton : least);
  }).map((element) => element.outerHTML)"""

ALL = {"preload": False}
COLOURS = ("color-contrast", "link-in-text-block")
# In light all rules, in dark those of colours. Joined letters axe takes for a font of icons, whose
# colours it doesn't judge; they are those of the pages in English.
LOOKS: dict[str, dict[str, object]] = {
    "ltr": {"light": ALL, "dark": {**ALL, "runOnly": COLOURS}},
    "rtl": {"light": {**ALL, "rules": {rule: {"enabled": False} for rule in COLOURS}}},
}
# A rule that has run shows that axe has looked at all.
PROOFS = {"ltr": "color-contrast", "rtl": "html-has-lang"}

NARROW, WIDE = {"width": 320, "height": 256}, {"width": 1000, "height": 700}


@dataclass(frozen=True)
class Seen:
    """What one visit to a page found; all but `read` is empty where all is well."""

    read: str
    small: list[str]
    overflowing: list[str]
    overflowing_spaced: list[str]
    complaints: list[object]
    jumps: list[float]


@pytest.fixture(scope="module", params=["ltr", "rtl"])
def seen(
    pages: Gallery, urdu: Gallery, browser: Browser, request: pytest.FixtureRequest
) -> dict[str, Seen]:
    """Visit each page once, from left to right and from right to left."""
    direction: str = request.param
    shown = {"ltr": pages, "rtl": urdu}[direction]
    context = browser.new_context(reduced_motion="reduce", bypass_csp=True, viewport=WIDE)
    context.route("**", partial(answer, shown))
    context.add_init_script(WATCH_JUMPS)
    page, script = context.new_page(), AXE.read_text()
    found = {}
    for name in shown:
        page.set_viewport_size(NARROW)
        page.goto(f"{ORIGIN}/{name}")
        read = page.locator("body").aria_snapshot() if direction == "ltr" else ""
        small = page.evaluate(SMALL, [LEAST_TARGET, LEAST_BUTTON])
        overflowing = page.evaluate(OVERFLOWING)
        jumps = page.evaluate("jumps")
        page.set_viewport_size(WIDE)
        complaints = axe(page, script, direction)
        page.set_viewport_size(NARROW)
        page.add_style_tag(content=SPACED)
        spaced = page.evaluate(OVERFLOWING)
        found[name] = Seen(read, small, overflowing, spaced, complaints, jumps)
    context.close()
    return found


def axe(page: Page, script: str, direction: str) -> list[object]:
    """Give what axe finds or isn't sure of on a page that reads in this direction."""
    page.evaluate(script)
    complaints: list[object] = []
    for scheme, options in LOOKS[direction].items():
        page.emulate_media(color_scheme=scheme)
        report = page.evaluate("(options) => axe.run(options)", options)
        assert any(one["id"] == PROOFS[direction] for one in report["passes"])
        complaints += [
            (scheme, kind, one["id"], [node["html"] for node in one["nodes"]])
            for kind in ("violations", "incomplete")
            for one in report[kind]
        ]
    return complaints


def of_all(seen: dict[str, Seen], what: str) -> dict[str, object]:
    """Give what was found, page by page; nothing for a page where nothing was."""
    return {name: found for name, one in seen.items() if (found := getattr(one, what))}


def test_axe_finds_nothing_and_is_sure_of_everything(seen: dict[str, Seen]) -> None:
    assert of_all(seen, "complaints") == {}


@pytest.mark.parametrize("seen", ["ltr"], indirect=True)
def test_each_page_reads_as_it_did(seen: dict[str, Seen], request: pytest.FixtureRequest) -> None:
    read = {name: lasting(one.read) for name, one in seen.items() if name not in HARD}
    if request.config.getoption("--rewrite-snapshots"):
        SNAPSHOTS.mkdir(exist_ok=True)
        for old in SNAPSHOTS.glob("*.txt"):
            old.unlink()
        for name, text in read.items():
            (SNAPSHOTS / f"{name}.txt").write_text(text)
    assert {file.stem: file.read_text() for file in SNAPSHOTS.glob("*.txt")} == read


def lasting(text: str) -> str:
    """Give a snapshot without what differs from run to run."""
    text = re.sub(r"\b[0-9a-f]{32}@example", "ada@example", text)
    text = re.sub(r"(reference: )[0-9a-f]{8}", r"\1REFERENCE", text)
    text = re.sub(r"on [A-Z][a-z]+ \d+, \d{4}", "on DATE", text)
    return re.sub(r"http\S+?localhost\S+", "ADDRESS", text) + "\n"


def test_nothing_overflows_at_320_pixels_which_is_also_a_zoom_of_400_percent(
    seen: dict[str, Seen],
) -> None:
    assert of_all(seen, "overflowing") == {}


def test_nothing_overflows_with_the_spacing_that_a_reader_may_need(seen: dict[str, Seen]) -> None:
    assert of_all(seen, "overflowing_spaced") == {}


def test_nothing_jumps(seen: dict[str, Seen]) -> None:
    assert of_all(seen, "jumps") == {}


def test_every_target_is_large_enough_to_hit(seen: dict[str, Seen]) -> None:
    assert of_all(seen, "small") == {}


def test_what_a_person_is_called_is_text_and_nothing_else(pages: Gallery) -> None:
    html = pages["review-markup"].html
    assert "&lt;img src=x onerror=alert(1)&gt;&lt;b&gt;&amp;amp;" in html
    assert "<img" not in html


# What differs between a state and another must not be a background alone: forced colours drop those.
EDGES = """(selector) => getComputedStyle(document.querySelector(selector)).borderStyle"""


def test_states_can_be_told_apart_in_forced_colours(show: Callable[..., Page]) -> None:
    for selector, widget in (("select", "select"), (".card", "cards")):
        clean = show(f"question-{widget}", forced_colors="active").evaluate(EDGES, selector)
        wrong = show(f"question-{widget}-problem", forced_colors="active").evaluate(EDGES, selector)
        assert (clean, wrong) == ("solid", "double")


def test_both_widgets_turn_to_the_colour_of_an_error(show: Callable[..., Page]) -> None:
    colour = "(selector) => getComputedStyle(document.querySelector(selector)).borderColor"
    for scheme in ("light", "dark"):
        wrong = {
            show(f"question-{widget}-problem", color_scheme=scheme).evaluate(colour, selector)
            for selector, widget in (("select", "select"), (".card", "cards"))
        }
        words = show("question-cards-problem", color_scheme=scheme).evaluate(
            "getComputedStyle(document.querySelector('.error')).color"
        )
        assert wrong == {words}


def test_in_a_frame_the_page_stands_back(show: Callable[..., Page]) -> None:
    alone = show("question-select", viewport={"width": 1000, "height": 700})
    padding = "getComputedStyle(document.querySelector('.page')).paddingTop"
    border = "getComputedStyle(document.querySelector('.page')).borderTopWidth"
    generous, edge = alone.evaluate(padding), alone.evaluate(border)
    assert alone.get_by_role("banner").inner_text() == "Acme Docs"
    framed = show("question-select-framed", viewport={"width": 1000, "height": 700})
    assert (generous, edge) == ("40px", "1px")
    assert (framed.evaluate(padding), framed.evaluate(border)) == ("12px", "0px")
    assert framed.get_by_role("banner").count() == 0


def test_on_paper_there_is_nothing_to_press(show: Callable[..., Page]) -> None:
    page = show("review")
    page.emulate_media(media="print")
    assert not page.get_by_role("button").is_visible()
    assert page.get_by_text("These answers are final.").is_visible()
