"""`make screenshots`: takes pictures of every page of the running app, for review by eye.

All go to `screenshots/`; those that the documentation shows are copied to `docs/images/`. A name says
the page, its state, the widget where the page has one, the width, the scheme and the direction. The
sheets, `sheet-*.png`, show all pictures of a width, a scheme and a direction side by side.
"""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from playwright.sync_api import APIResponse, Browser, Page, Response, Route, sync_playwright

from devstack import browser, postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.processes import ROOT, StartFailed, free_port
from onboarding.questions import load_questionnaire
from onboarding.web.signed_out import REASONS

Scheme = Literal["light", "dark"]
Direction = Literal["ltr", "rtl"]

WIDTHS = (320, 600, 1200)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LANGUAGES: dict[Direction, str] = {"ltr": "en", "rtl": "ur"}
FOLDER = ROOT / "screenshots"
IN_DOCS = {
    "question-select-1200-light-ltr.png": "wizard.png",
    "question-cards-600-dark-ltr.png": "cards.png",
    "review-600-light-ltr.png": "review.png",
    "profile-600-dark-ltr.png": "profile.png",
}
QUESTIONS = load_questionnaire().questions
FIRST, LAST = (f"/onboarding/{question.slug}" for question in (QUESTIONS[0], QUESTIONS[-1]))
# An answer to each question, and others.
ANSWERS = {question.name: question.values[-1] for question in QUESTIONS}
OTHER_ANSWERS = {question.name: question.values[0] for question in QUESTIONS}
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff" * 8 + " أحمد 👩‍💻 <b>x</b>"


@dataclass(frozen=True)
class Servers:
    """The main site, and the app in each of the ways that are shown."""

    site: MainSite
    selects: App
    cards: App
    strict: App
    """Takes one save a minute."""
    unreachable: App
    """Its database is gone."""


def main() -> int:
    """Take every picture; return the exit status."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with _servers() as servers, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**browser.find().launch_arguments())
        for width, scheme, direction in product(WIDTHS, SCHEMES, LANGUAGES):
            Walk(chromium, servers, width, scheme, direction).take_all()
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
def _servers() -> Iterator[Servers]:
    with postgres.temporary() as server, tempfile.TemporaryDirectory() as folder, ExitStack() as up:
        logs, secret = Path(folder), secrets.token_urlsafe(32)
        url = server.create_database("screenshots")
        site_port = free_port()
        selects = App(
            free_port(),
            url,
            secret,
            f"http://localhost:{site_port}",
            settings={"SITE_NAME": "Acme Docs"},
        )
        site = MainSite(site_port, url, secret, selects.url)
        site.migrate(logs / "site-migrate.log")
        selects.migrate(logs / "app-migrate.log")

        def variant(**settings: str) -> App:
            return replace(
                selects, port=free_port(), settings={**(selects.settings or {}), **settings}
            )

        gone = server.create_database("gone", template="screenshots")
        servers = Servers(
            site,
            selects,
            variant(ONBOARDING_WIDGET="cards"),
            variant(WRITES_PER_MINUTE="1"),
            replace(variant(), database_url=gone),
        )
        for field in fields(servers):
            up.enter_context(getattr(servers, field.name).start(logs / f"{field.name}.log"))
        server.drop_database("gone")
        yield servers


class Walk:
    """A user's way through all pages, in a window of one width, scheme and direction."""

    def __init__(
        self, chromium: Browser, servers: Servers, width: int, scheme: Scheme, direction: Direction
    ) -> None:
        self._language = LANGUAGES[direction]
        context = chromium.new_context(
            viewport={"width": width, "height": 700},
            color_scheme=scheme,
            reduced_motion="reduce",
            locale=self._language,
        )
        self.page = context.new_page()
        self.servers = servers
        self._name = f"{width}-{scheme}-{direction}"

    def take_all(self) -> None:
        """Take all pictures and close the window."""
        app, site, page = self.servers.selects, self.servers.site, self.page
        self._take_signed_out()
        page.goto(f"{site.url}/sign-up?callbackURL={app.url}/profile")
        self.take("site-sign-up")
        _sign_up(page, "Ada Lovelace")
        page.wait_for_url(f"{app.url}/**")
        self._take_question(self.servers.cards, "cards")
        self._take_question(app, "select")
        for number, answer in enumerate(ANSWERS.values(), 1):
            if number == 2:
                self.take("question-2-select")
            page.get_by_role("combobox").select_option(answer)
            page.get_by_role("button").click()
            page.wait_for_load_state()
        self._take_errors()
        page.goto(f"{app.url}/onboarding/review")
        self.take("review")
        page.goto(f"{app.url}/onboarding/review?problem=stale")
        self.take("review-problem")
        page.goto(app.url + FIRST)
        self.take("question-back-to-answers")
        self._take_framed("framed-review")
        self._take_too_often()
        other = self._tab_with_other_answers()
        page.goto(f"{app.url}/onboarding/review")
        page.get_by_role("button").click()
        page.wait_for_url(f"{app.url}/profile")
        self.take("profile")
        # The other tab is too late, and shows what was confirmed here.
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
        page.goto(f"{app.url}/onboarding/review?{urlencode(ANSWERS)}")
        self.take("review-long-name")
        page.context.close()

    def take(self, name: str) -> None:
        self.page.screenshot(path=self._file(name), full_page=True)

    def _file(self, name: str) -> Path:
        return FOLDER / f"{name}-{self._name}.png"

    def _take_signed_out(self) -> None:
        address = f"{self.servers.selects.url}/signed-out"
        self.page.goto(address)
        self.take("signed-out")
        for reason in REASONS:
            self.page.goto(f"{address}?reason={reason}")
            self.take(f"signed-out-{reason}")

    def _take_question(self, app: App, widget: str) -> None:
        page = self.page
        page.goto(app.url + FIRST)
        self.take(f"question-{widget}")
        page.goto(f"{app.url}{LAST}?{urlencode({QUESTIONS[-1].name: QUESTIONS[-1].values[-1]})}")
        self.take(f"question-answered-{widget}")
        page.goto(app.url + FIRST)
        page.get_by_role("button").click()
        self.take(f"question-problem-{widget}")

    def _take_errors(self) -> None:
        """Take the answers to requests that no form of the app's own can send, too."""
        app, page = self.servers.selects, self.page
        page.goto(f"{app.url}/nowhere")
        self.take("error-404")
        page.goto(f"{self.servers.unreachable.url}/profile")
        self.take("error-503")
        address = f"{app.url}/onboarding/review"
        for status, origin, text in (
            (403, "https://elsewhere.example", "b"),
            (413, app.url, "b" * 20_000),
        ):
            headers = {"Origin": origin, "Accept-Language": self._language}
            answer = page.request.post(address, headers=headers, form={"a": text})
            _expect(answer, status)
            page.route(address, _respond_with(answer.text()))
            page.goto(address)
            self.take(f"error-{status}")
            page.unroute(address)

    def _take_too_often(self) -> None:
        """Save twice within a minute where once is allowed."""
        page = self.page
        for _ in range(2):
            page.goto(self.servers.strict.url + LAST)
            with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
                page.get_by_role("button").click()
            page.wait_for_load_state()
        _expect(answered.value, 429)
        self.take("error-429")

    def _tab_with_other_answers(self) -> Page:
        tab = self.page.context.new_page()
        tab.goto(f"{self.servers.selects.url}/onboarding/review?{urlencode(OTHER_ANSWERS)}")
        return tab

    def _take_framed(self, name: str) -> None:
        self.page.goto(f"{self.servers.site.url}/setup")
        self.page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
        # The frame grows to the height of its page.
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


def _respond_with(html: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")


def _expect(answer: Response | APIResponse, status: int) -> None:
    if answer.status != status:
        raise StartFailed(f"{answer.url} answers {answer.status} instead of {status}")


def _sign_up(page: Page, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Email").fill(f"ada.{secrets.token_hex(3)}@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()


if __name__ == "__main__":
    sys.exit(main())
