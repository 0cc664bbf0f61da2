"""A real browser before the real parts, and what every page in it must hold to.

One browser serves the whole run; every window is a context of its own, with its own cookies.
"""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    expect,
)

from devstack import browser as browsers
from devstack.app import App
from devstack.processes import free_port
from tests.conftest import Stage
from tests.e2e.pages import enter
from tests.visitor import Person

# Far above what any page needs here, also on a busy machine.
PATIENCE_MS = 10_000
expect.set_options(timeout=PATIENCE_MS)

_FAILED = pytest.StashKey[bool]()


class Watch:
    """Hears every complaint of the browser: script errors, violated policies, failed loads."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.navigations: list[Request] = []
        self._expectations: list[str] = []

    def expect(self, words: str) -> None:
        """Expect complaints with these words from now on; they go to `expected`."""
        self._expectations.append(words)

    def expect_status(self, status: int) -> None:
        """Expect pages that are answered with this error status."""
        self.expect(f"the server responded with a status of {status} ")

    def over(self, context: BrowserContext) -> None:
        """Listen to all pages of `context`, frames included."""
        context.on("console", self._hear)
        context.on("weberror", lambda error: self._note(f"{error.error}"))
        context.on("request", self._follow)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._note(f"{message.text} ({message.location.get('url')})")

    def _note(self, complaint: str) -> None:
        known = any(words in complaint for words in self._expectations)
        (self.expected if known else self.complaints).append(complaint)

    def _follow(self, request: Request) -> None:
        if request.is_navigation_request():
            self.navigations.append(request)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test at its end when the browser had anything to complain about."""
    watching = Watch()
    yield watching
    assert watching.complaints == []


@pytest.fixture(scope="session")
def system_node() -> None:
    browsers.use_system_node()


@pytest.fixture(scope="session")
def playwright(system_node: None, playwright: Playwright) -> Playwright:
    return playwright


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return {**browser_type_launch_args, **browsers.find().launch_arguments()}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Iterator[pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def new_context(
    browser: Browser, watch: Watch, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    """Open a context under the watch; a failed test leaves pictures of each."""
    contexts: list[BrowserContext] = []

    def new_context(in_browser: Browser = browser, **options: object) -> BrowserContext:
        context = in_browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        watch.over(context)
        return context

    yield new_context
    failed = request.node.stash.get(_FAILED, False) or watch.complaints
    for number, context in enumerate(contexts, 1):
        if failed:
            for page_number, page in enumerate(context.pages, 1):
                page.screenshot(path=tmp_path / f"window-{number}-page-{page_number}.png")
        context.close()
    if failed:
        print(f"pictures: {tmp_path}")


@pytest.fixture
def window(
    new_context: Callable[..., BrowserContext], stage: Stage, served_app: str
) -> Callable[..., Page]:
    """Open a window of its own at the app: of nobody, or of a person who is signed in."""

    def window(person: Person | None = None, **options: object) -> Page:
        context = new_context(**{"base_url": served_app, **options})
        if person:
            enter(context, person)
        return context.new_page()

    return window


@pytest.fixture
def page(window: Callable[..., Page]) -> Page:
    """A window of nobody."""
    return window()


@pytest.fixture(scope="session")
def cards_app(stage: Stage) -> Iterator[str]:
    """The app once more, with cards in place of drop-downs; gives its address."""
    app = App(
        free_port(),
        stage.app.database_url,
        stage.app.secret,
        stage.site.url,
        settings={"ONBOARDING_WIDGET": "cards"},
    )
    with app.start(stage.logs / "cards-app.log"):
        yield app.url


@pytest.fixture(params=["drop-downs", "cards"])
def either_app(request: pytest.FixtureRequest) -> str:
    """The app with each of its two widgets."""
    return request.getfixturevalue("served_app" if request.param == "drop-downs" else "cards_app")


class Stranger:
    """A web server of somebody else's: another origin at localhost, another site at 127.0.0.1."""

    def __init__(self) -> None:
        pages: dict[str, tuple[str, dict[str, str]]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page, headers = pages.get(self.path.partition("?")[0], (None, {}))
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write((page or "").encode())

            def log_message(self, *_: object) -> None:
                pass

        self._pages = pages
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def put_up(
        self, html: str, host: str = "localhost", headers: dict[str, str] | None = None
    ) -> str:
        """Serve a page from now on; gives its address under `host`."""
        path = f"/{len(self._pages)}"
        self._pages[path] = html, headers or {}
        return f"http://{host}:{self.port}{path}"

    def run(self) -> Iterator["Stranger"]:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        yield self
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def stranger() -> Iterator[Stranger]:
    yield from Stranger().run()
