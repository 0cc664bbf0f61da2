"""The pages in Urdu, from right to left, and in a made-up language whose words are much longer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Locator, Page, expect
from werkzeug.serving import make_server

from devstack.processes import ROOT, free_port
from onboarding import create_app
from onboarding.config import Settings
from tests import pseudo
from tests.conftest import Stage
from tests.e2e.conftest import Watch
from tests.visitor import Person, newcomer

Window = Callable[..., Page]

AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"
QUESTION = "/onboarding/python-proficiency"
ROLE = "/onboarding/developer-role?python_proficiency=Advanced"
REVIEW = "/onboarding/review?python_proficiency=Advanced&developer_role=None"
# What reaches beyond the window, as words for a failed test; nothing that is hidden for eyes.
TOO_WIDE = """() => [
  ...(document.documentElement.scrollWidth > innerWidth ? ["the page itself"] : []),
  ...[...document.querySelectorAll("body *:not(.unseen)")]
    .filter((element) => {
      const { left, right, width } = element.getBoundingClientRect();
      return width && (left < -0.5 || right > innerWidth + 0.5);
    })
    .map((element) => element.outerHTML.slice(0, 120)),
]"""
TEXT_EDGES = """element => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const text = range.getBoundingClientRect(), main = document.querySelector("main").getBoundingClientRect();
  return [text.left - main.left, main.right - text.right];
}"""


@contextmanager
def serving(app: Flask, port: int) -> Iterator[None]:
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        app.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="module")
def spoken(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The app with the made-up language, with each widget; gives their addresses."""
    translations = pseudo.with_pseudo(tmp_path_factory.mktemp("pseudo"))
    addresses = {}
    with ExitStack() as running:
        for widget in ("select", "cards"):
            port = free_port()
            addresses[widget] = f"http://localhost:{port}"
            one = replace(settings, app_origin=addresses[widget], widget=widget)
            running.enter_context(serving(create_app(one, translations), port))
        yield addresses


@pytest.fixture
def person(stage: Stage, settings: Settings) -> Person:
    """Somebody whose name has no place to break and whose address is long."""
    name = "پ" * 40 + "x" * 60
    return newcomer(stage.database_url, settings.session_cookie, user={"name": name})


@pytest.fixture
def every_page(spoken: dict[str, str], watch: Watch) -> Callable[[Page, str], Iterator[str]]:
    """Walk a window of 320 pixels through every page and state; gives the name of each."""
    for status in (401, 404):
        watch.expect_status(status)

    def every_page(page: Page, language: str) -> Iterator[str]:
        for widget, paths in {
            "cards": (QUESTION, f"{QUESTION}?problem=1", ROLE),
            "select": (
                QUESTION,
                f"{QUESTION}?problem=1",
                f"{QUESTION}?problem=stale",
                ROLE,
                REVIEW,
                f"{REVIEW}&problem=1",
                *(
                    f"/signed-out?reason={reason}"
                    for reason in ("", "unverified", "banned", "anonymous", "cross-site", "expired")
                ),
                "/nowhere",
            ),
        }.items():
            for path in paths:
                page.goto(f"{spoken[widget]}{path}{'&' if '?' in path else '?'}lang={language}")
                yield f"{widget} {path}"
        page.goto(f"{spoken['select']}{REVIEW}&lang={language}")
        page.locator("form button").click()
        page.wait_for_url("**/profile?**")
        yield "profile"

    return every_page


@pytest.mark.parametrize("language", [pseudo.LANGUAGE, "ur"])
def test_nothing_is_wider_than_a_small_window_and_axe_finds_nothing(
    window: Window, every_page: Callable[[Page, str], Iterator[str]], person: Person, language: str
) -> None:
    page = window(person, viewport={"width": 320, "height": 600})
    if language == "ur":
        # The made-up language is wide, not another layout.
        page.add_init_script(path=str(AXE))
    found = {}
    for name in every_page(page, language):
        expect(page.locator("html")).to_have_attribute("lang", language)
        found[name] = page.evaluate(TOO_WIDE)
        if language == "ur":
            found[name] += found_by_axe(page)
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) == 17


def found_by_axe(page: Page) -> list[tuple[str, str]]:
    """Give the rules that axe finds broken, and those that it can't decide by itself."""
    found = page.evaluate("axe.run()")
    assert found["passes"]
    judged = [*found["violations"], *found["incomplete"]]
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in judged]


@pytest.mark.parametrize("widget", ["select", "cards"])
def test_from_right_to_left_the_page_is_mirrored(
    window: Window, spoken: dict[str, str], ada: Person, widget: str
) -> None:
    page = window(ada, base_url=spoken[widget])
    for language, is_mirrored in (("en", False), ("ur", True)):
        page.goto(f"{ROLE}&lang={language}")
        left, right = page.locator("h1").evaluate(TEXT_EDGES)
        assert (right < left) == is_mirrored
        begin, end = page.locator(".bar i").first, page.locator(".bar i").last
        assert is_right_of(begin, end) == is_mirrored
        assert is_right_of(page.locator(".progress span").first, begin) == is_mirrored
        arrow = page.locator(".back").evaluate("e => getComputedStyle(e, '::before').content")
        assert ("→" in arrow, "←" in arrow) == (is_mirrored, not is_mirrored)
        if widget == "cards":
            card = page.locator(".card").first
            assert is_right_of(card.locator("input"), card.locator("label")) == is_mirrored
        page.goto(f"{REVIEW}&lang={language}")
        row = page.locator("dl div").first
        assert is_right_of(row.locator("dt"), row.locator("a")) == is_mirrored


def test_the_whole_wizard_in_urdu_by_the_words_that_people_see(
    window: Window, spoken: dict[str, str], stage: Stage, ada: Person
) -> None:
    page = window(ada, base_url=spoken["select"], locale="ur-PK")
    page.goto("/")
    page.get_by_label("آپ کو پائتھن کتنی اچھی طرح آتی ہے؟").select_option("اعلیٰ")
    page.get_by_role("button", name="آگے بڑھیں").click()
    page.get_by_label("ڈویلپر کے طور پر آپ کا کردار کیا ہے؟").select_option("ان میں سے کوئی نہیں")
    page.get_by_role("button", name="آگے بڑھیں").click()
    page.get_by_role("button", name="تصدیق کریں اور مکمل کریں").click()
    expect(page.get_by_role("heading", name="آپ کا پروفائل")).to_be_visible()
    # Their own name and address read from left to right within the line.
    expect(page.get_by_text(ada.email)).to_have_css("direction", "ltr")
    assert stage.sql(
        "SELECT python_proficiency, developer_role, is_onboarded FROM user_profile "
        "WHERE user_id = %s",
        ada.user_id,
    ) == [("Advanced", "None", True)]


def is_right_of(one: Locator, other: Locator) -> bool:
    """Tell whether one thing's middle is to the right of another's."""

    def middle(box: dict[str, float]) -> float:
        return box["x"] + box["width"] / 2

    return middle(one.bounding_box()) > middle(other.bounding_box())
