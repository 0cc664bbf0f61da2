"""Every page in every state, from all sides: valid, light, accessible, and whole at any size."""

import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, Route

from devstack.processes import ROOT
from tests import pseudo_translation
from tests.e2e import pages
from tests.e2e.page_states import page_states
from tests.questionnaires import DEFAULT, create_profile_table
from tests.schemas import engine_url
from tests.web.conftest import TABLES

pytestmark = pytest.mark.slow

MODULES = ROOT / "tests" / "node_modules"
AXE = MODULES / "axe-core" / "axe.min.js"
HTML_RULES = Path(__file__).parent / "htmlvalidate.json"
ORIGIN = "http://pages.test"

# The third language is made up, and its words are much longer.
LANGUAGES = ("en", "ur", pseudo_translation.LANGUAGE)


@pytest.fixture(scope="session")
def states(server, settings, tmp_path_factory):
    """The pages by language and name."""
    url = server.create_database("pages")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES)
        create_profile_table(connection, DEFAULT)
    settings = replace(settings, database_url=engine_url(url), site_name="Acme Docs")
    with page_states(settings, url, tmp_path_factory.mktemp("pseudo")) as states:
        yield {language: states(language) for language in LANGUAGES}


def test_every_page_is_valid_html(states, tmp_path):
    for name, html in states["en"].items():
        (tmp_path / f"{name}.html").write_text(html)
    program = MODULES / "html-validate/bin/html-validate.mjs"
    done = subprocess.run(
        ["node", program, "--config", HTML_RULES, tmp_path],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


LOOK = """async () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  // Wider than the window, or cut off inside its own box.
  const overflowing = () => all("body *").filter((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    if (element.closest(".unseen, option, [hidden]") || !width) return false;
    return left < -0.5 || right > innerWidth + 0.5 || element.scrollWidth > element.clientWidth + 1
      && getComputedStyle(element).display !== "inline";
  }).map((element) => element.outerHTML.slice(0, 200)).concat(
    document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : []);
  // Smaller than the 24 CSS pixels of WCAG 2.5.8, or our own 44 for buttons.
  const small = all("a, button, select, input").filter((element) => {
    if (element.type === "hidden" || element.closest("[hidden]")) return false;
    const { width, height } = (element.closest(".card") ?? element).getBoundingClientRect();
    const isButton = element.matches("button, .button, select") || element.closest(".card");
    return Math.min(width, height) < (isButton ? 44 : 24);
  }).map((element) => element.outerHTML);
  await new Promise(requestAnimationFrame);
  const found = { small, jumps: [...jumps], overflowing: overflowing() };
  // The values of WCAG 1.4.12.
  const style = document.head.appendChild(document.createElement("style"));
  style.textContent = `* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
    word-spacing: 0.16em !important; } p { margin-block-end: 2em !important; }`;
  found.overflowing_spaced = overflowing();
  style.remove();
  return found;
}"""

# axe looks at each template once, in the state that has most in it.
JUDGED_BY_AXE = {
    "question-select-problem",
    "question-cards-problem",
    "review-problem",
    "profile-already",
    "signed-out",
    "error-503-form",
    "continue",
    "question-select-framed",
    "profile-framed",
}
COLOURS = ["color-contrast", "link-in-text-block"]
# By language and scheme. Joined letters axe takes for a font of icons, whose colours it doesn't judge.
AXE_OPTIONS: dict[str, dict[str, object]] = {
    "en": {"light": {}, "dark": {"runOnly": COLOURS}},
    "ur": {"light": {"rules": {rule: {"enabled": False} for rule in COLOURS}}},
}
NARROW, WIDE = {"width": 320, "height": 256}, {"width": 1000, "height": 700}

# What is looked for on a visit; all of it is empty where all is well.
FOUND = {
    "axe": "axe finds nothing and is sure of everything",
    "overflowing": "nothing overflows at 320 pixels, also a zoom of 400 percent",
    "overflowing_spaced": "nothing overflows with the spacing that a reader may need",
    "jumps": "nothing moves",
    "small": "every target is large enough to hit",
}


@pytest.fixture(scope="module", params=LANGUAGES)
def visits(states, browser, request):
    """Visit each page once; return what was found, by page."""
    language = request.param

    def respond(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        body = states[language].get(name, "")
        route.fulfill(body=body, content_type="text/html; charset=utf-8")

    context = browser.new_context(reduced_motion="reduce", bypass_csp=True, viewport=NARROW)
    context.route("**", respond)
    context.add_init_script(pages.WATCH_JUMPS)
    page, visits = context.new_page(), {}
    # Longer words are the hardest to fit, so only they are looked at in every state.
    for name in states[language] if language == LANGUAGES[-1] else JUDGED_BY_AXE:
        page.goto(f"{ORIGIN}/{name}")
        visits[name] = page.evaluate(LOOK)
        visits[name]["axe"] = axe(page, language) if name in JUDGED_BY_AXE else []
    context.close()
    return visits


def axe(page: Page, language: str) -> list[object]:
    """Return what axe finds or isn't sure of."""
    complaints: list[object] = []
    page.set_viewport_size(WIDE)
    page.evaluate(AXE.read_text())
    for scheme, options in AXE_OPTIONS.get(language, {}).items():
        page.emulate_media(color_scheme=scheme)
        report = page.evaluate("options => axe.run(options)", {"preload": False, **options})
        assert report["passes"]
        for one in [*report["violations"], *report["incomplete"]]:
            complaints.append((scheme, one["id"], [node["html"] for node in one["nodes"]]))
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    return complaints


@pytest.mark.parametrize("found", FOUND, ids=FOUND.values())
def test_on_every_page(visits, found):
    assert {name: visit[found] for name, visit in visits.items() if visit[found]} == {}
    assert visits.keys() >= JUDGED_BY_AXE
