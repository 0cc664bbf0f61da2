"""`make screenshots`: pictures of every page of the running app, to be looked at.

All go to `screenshots/`; those that the documentation shows are copied to `docs/images/`. A name says
the page, its state, the widget where the page has one, the width, the scheme and the direction. The
sheets, `sheet-*.png`, show all pictures of a width, a scheme and a direction side by side.
"""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import APIResponse, Browser, Page, Response, Route, sync_playwright

from devstack import browser, postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.processes import ROOT, StartFailed, free_port

Scheme = Literal["light", "dark"]
Direction = Literal["ltr", "rtl"]

WIDTHS = (320, 600, 1200)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LANGUAGES: dict[Direction, str] = {"ltr": "en", "rtl": "ur"}
REASONS = ("expired", "unverified", "banned", "anonymous", "cross-site")
FOLDER = ROOT / "screenshots"
IN_DOCS = {
    "question-select-1200-light-ltr.png": "wizard.png",
    "question-cards-600-dark-ltr.png": "cards.png",
    "review-600-light-ltr.png": "review.png",
    "profile-600-dark-ltr.png": "profile.png",
}
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff" * 8 + " أحمد 👩‍💻 <b>x</b>"


@dataclass(frozen=True)
class Parts:
    """What is running: the app with each of its widgets, one that saves once a minute, one whose database
    is gone, the main site."""

    drop_downs: App
    cards: App
    strict: App
    unreachable: App
    site: MainSite


def main() -> int:
    """Take every picture."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with _parts() as parts, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**browser.find().launch_arguments())
        for width, scheme, direction in product(WIDTHS, SCHEMES, LANGUAGES):
            Walk(chromium, parts, width, scheme, direction).all()
        count = len(list(FOLDER.iterdir()))
        sheets(chromium)
        chromium.close()
    images = ROOT / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    for taken, shown in IN_DOCS.items():
        shutil.copyfile(FOLDER / taken, images / shown)
    print(f"{count} pictures in {FOLDER}, and sheets of them")
    return 0


@contextmanager
def _parts() -> Iterator[Parts]:
    with postgres.temporary() as server, tempfile.TemporaryDirectory() as folder:
        logs, secret = Path(folder), secrets.token_urlsafe(32)
        url = server.create_database("screenshots")
        site_url = f"http://localhost:{free_port()}"
        named = {"SITE_NAME": "Acme Docs"}
        app = App(free_port(), url, secret, site_url, settings=named)
        cards = App(
            free_port(), url, secret, site_url, settings={**named, "ONBOARDING_WIDGET": "cards"}
        )
        strict = App(
            free_port(), url, secret, site_url, settings={**named, "WRITES_PER_MINUTE": "1"}
        )
        site = MainSite(int(site_url.rpartition(":")[2]), url, secret, app.url)
        site.migrate(logs / "site-migrate.log")
        app.migrate(logs / "app-migrate.log")
        gone = server.create_database("gone", template="screenshots")
        unreachable = App(free_port(), gone, secret, site_url, settings=named)
        with (
            app.start(logs / "app.log"),
            cards.start(logs / "cards.log"),
            strict.start(logs / "strict.log"),
            unreachable.start(logs / "unreachable.log"),
            site.start(logs / "site.log"),
        ):
            server.drop_database("gone")
            yield Parts(app, cards, strict, unreachable, site)


class Walk:
    """One person's way through everything, in a window of one width, scheme and direction."""

    def __init__(
        self, chromium: Browser, parts: Parts, width: int, scheme: Scheme, direction: Direction
    ) -> None:
        self._language = LANGUAGES[direction]
        context = chromium.new_context(
            viewport={"width": width, "height": 700},
            color_scheme=scheme,
            reduced_motion="reduce",
            locale=self._language,
        )
        self.page = context.new_page()
        self.parts = parts
        self._name = f"{width}-{scheme}-{direction}"

    def all(self) -> None:
        """Take all pictures and close the window."""
        app, site, page = self.parts.drop_downs, self.parts.site, self.page
        self._take_signed_out()
        page.goto(f"{site.url}/sign-up?callbackURL={app.url}/profile")
        self.take("site-sign-up")
        _sign_up(page, "Ada Lovelace")
        page.wait_for_url(f"{app.url}/**")
        self._take_question(self.parts.cards, "cards")
        self._take_question(app, "select")
        page.get_by_role("combobox").select_option("Intermediate")
        page.get_by_role("button").click()
        self.take("question-2-select")
        page.get_by_role("combobox").select_option("None")
        page.get_by_role("button").click()
        self._take_errors()
        page.goto(f"{app.url}/onboarding/review")
        self.take("review")
        page.goto(f"{app.url}/onboarding/review?problem=stale")
        self.take("review-problem")
        page.goto(f"{app.url}/onboarding/python-proficiency")
        self.take("question-back-to-answers")
        self._take_framed("framed-review")
        self._take_too_often()
        other = self._tab_with_other_answers()
        page.goto(f"{app.url}/onboarding/review")
        page.get_by_role("button").click()
        page.wait_for_url(f"{app.url}/profile")
        self.take("profile")
        # Too late: the other tab is told so, and sees what was confirmed here.
        other.get_by_role("button").click()
        other.wait_for_url(f"{app.url}/profile?already=1")
        other.screenshot(path=self._file("profile-already"), full_page=True)
        other.close()
        self._take_framed("framed-profile")
        page.goto(site.url)
        self.take("site-home")
        page.context.clear_cookies()
        page.goto(f"{site.url}/sign-up?callbackURL={app.url}/profile")
        _sign_up(page, LONG_NAME)
        page.wait_for_url(f"{app.url}/**")
        self._take_framed("framed-question")
        page.goto(
            f"{app.url}/onboarding/review?python_proficiency=Advanced&developer_role=Full%20Stack%20Developer"
        )
        self.take("review-long-name")
        page.context.close()

    def take(self, name: str) -> None:
        self.page.screenshot(path=self._file(name), full_page=True)

    def _file(self, name: str) -> Path:
        return FOLDER / f"{name}-{self._name}.png"

    def _take_signed_out(self) -> None:
        address = f"{self.parts.drop_downs.url}/signed-out"
        self.page.goto(address)
        self.take("signed-out")
        for reason in REASONS:
            self.page.goto(f"{address}?reason={reason}")
            self.take(f"signed-out-{reason}")

    def _take_question(self, app: App, widget: str) -> None:
        page = self.page
        page.goto(f"{app.url}/onboarding/python-proficiency")
        self.take(f"question-{widget}")
        page.goto(f"{app.url}/onboarding/developer-role?developer_role=None")
        self.take(f"question-answered-{widget}")
        page.goto(f"{app.url}/onboarding/python-proficiency")
        page.get_by_role("button").click()
        self.take(f"question-problem-{widget}")

    def _take_errors(self) -> None:
        """Show what the app answers to a request that no form of its own can send."""
        app, page = self.parts.drop_downs, self.page
        page.goto(f"{app.url}/nowhere")
        self.take("error-404")
        page.goto(f"{self.parts.unreachable.url}/profile")
        self.take("error-503")
        address = f"{app.url}/onboarding/review"
        for status, origin, text in (
            (403, "https://elsewhere.example", "b"),
            (413, app.url, "b" * 20_000),
        ):
            headers = {"Origin": origin, "Accept-Language": self._language}
            answer = page.request.post(address, headers=headers, form={"a": text})
            _expect(answer, status)
            page.route(address, _showing(answer.text()))
            page.goto(address)
            self.take(f"error-{status}")
            page.unroute(address)

    def _take_too_often(self) -> None:
        """Save twice within a minute where once is allowed."""
        page = self.page
        for _ in range(2):
            page.goto(f"{self.parts.strict.url}/onboarding/developer-role")
            with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
                page.get_by_role("button").click()
            page.wait_for_load_state()
        _expect(answered.value, 429)
        self.take("error-429")

    def _tab_with_other_answers(self) -> Page:
        tab = self.page.context.new_page()
        query = "python_proficiency=Advanced&developer_role=Full%20Stack%20Developer"
        tab.goto(f"{self.parts.drop_downs.url}/onboarding/review?{query}")
        return tab

    def _take_framed(self, name: str) -> None:
        self.page.goto(f"{self.parts.site.url}/setup")
        self.page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
        # The frame grows to the height that its page tells.
        self.page.wait_for_timeout(200)
        self.take(name)


def sheets(chromium: Browser) -> None:
    """Put the pictures of each width, scheme and direction side by side."""
    for width, scheme, direction in product(WIDTHS, SCHEMES, LANGUAGES):
        kind = f"{width}-{scheme}-{direction}"
        figures = "".join(
            f'<figure><img src="{picture.as_uri()}" width="{min(width // 2, 300)}">'
            f"<figcaption>{picture.stem.removesuffix(f'-{kind}')}</figcaption></figure>"
            for picture in sorted(FOLDER.glob(f"*-{kind}.png"))
        )
        sheet = FOLDER / f"sheet-{kind}.html"
        sheet.write_text(
            "<!doctype html><style>body { display: flex; flex-wrap: wrap; font: 14px sans-serif }"
            f" figure {{ margin: 6px }} img {{ border: 1px solid gray }}</style>{figures}"
        )
        page = chromium.new_page(viewport={"width": 1600, "height": 900})
        page.goto(sheet.as_uri())
        page.screenshot(path=sheet.with_suffix(".png"), full_page=True)
        page.close()
        sheet.unlink()


def _showing(html: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")


def _expect(answer: Response | APIResponse, status: int) -> None:
    if answer.status != status:
        raise StartFailed(f"{answer.url} answers {answer.status} where {status} is to be shown")


def _sign_up(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Email").fill(f"ada.{secrets.token_hex(3)}@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()


if __name__ == "__main__":
    sys.exit(main())
