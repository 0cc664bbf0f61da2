"""A real browser before the real app, and what every page in it must hold to.

One browser serves the whole run; every window is a context of its own, with its own cookies.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

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
from tests.conftest import Environment
from tests.e2e import pages
from tests.e2e.embed_page import EmbedPage
from tests.e2e.other_site import OtherSite
from tests.users import User

# Far above what any page needs here, also on a busy machine.
TIMEOUT_MS = 20_000
expect.set_options(timeout=TIMEOUT_MS)

THEMES = """
[acme]
accent = ["#0a6b4b", "#6fdcb0"]
accent-ink = ["#ffffff", "#06281b"]
radius = "0px"
font = "serif"
"""


class BrowserConsole:
    """What the browser complains of: script errors, violated policies, failed loads."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.navigations: list[Request] = []
        self._expectations: list[str] = []

    def expect(self, *texts: str) -> None:
        """Expect complaints with one of these texts from now on."""
        self._expectations += texts

    def expect_status(self, *statuses: int) -> None:
        """Expect pages that are answered with these error statuses."""
        self.expect(*(f"the server responded with a status of {one} " for one in statuses))

    def listen(self, context: BrowserContext) -> None:
        """Listen to all pages of `context`, frames included."""
        context.on("console", self._on_message)
        context.on("weberror", lambda error: self._add(f"{error.error}"))
        context.on("request", self._on_request)

    def _on_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._add(f"{message.text} ({message.location.get('url')})")

    def _add(self, complaint: str) -> None:
        if not any(text in complaint for text in self._expectations):
            self.complaints.append(complaint)

    def _on_request(self, request: Request) -> None:
        if request.is_navigation_request():
            self.navigations.append(request)


@pytest.fixture
def console() -> Iterator[BrowserConsole]:
    """Fail the test at its end when the browser had anything to complain of."""
    console = BrowserConsole()
    yield console
    assert console.complaints == []


@pytest.fixture(scope="session")
def system_node() -> None:
    browsers.use_system_node()


@pytest.fixture(scope="session")
def playwright(system_node: None, playwright: Playwright) -> Playwright:
    return playwright


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return {**browser_type_launch_args, **browsers.find().launch_arguments()}


@pytest.fixture
def window(
    browser: Browser, console: BrowserConsole, served_app: str
) -> Iterator[Callable[..., Page]]:
    """Open a window of its own at the app: of nobody, or of a user who is signed in."""
    with ExitStack() as contexts:

        def window(user: User | None = None, **options: object) -> Page:
            context = browser.new_context(**{"base_url": served_app, **options})
            contexts.callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            console.listen(context)
            if user:
                pages.sign_in_by_cookie(context, user)
            return context.new_page()

        yield window


@pytest.fixture
def page(window: Callable[..., Page]) -> Page:
    """A window of nobody."""
    return window()


@pytest.fixture(scope="session")
def other_app(environment: Environment) -> Callable[..., App]:
    """Make an app on the same database with other settings; the caller starts it."""

    def other_app(port: int | None = None, **settings: str) -> App:
        return replace(environment.app_server, port=port or free_port(), settings=settings)

    return other_app


@pytest.fixture(scope="session")
def cards_app(environment: Environment, other_app: Callable[..., App]) -> Iterator[str]:
    """The app once more, with cards in place of drop-downs; return its URL."""
    app = other_app(ONBOARDING_WIDGET="cards")
    with app.start(environment.logs / "cards-app.log"):
        yield app.url


@pytest.fixture(params=["select", "cards"])
def either_app(request: pytest.FixtureRequest) -> str:
    """The app with each of its two widgets."""
    return request.getfixturevalue("served_app" if request.param == "select" else "cards_app")


@pytest.fixture(scope="session")
def embeddable_app(
    environment: Environment,
    other_site: OtherSite,
    other_app: Callable[..., App],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The app with a named theme, and pages of `other_site` around it, at both its hosts."""
    themes = tmp_path_factory.mktemp("themes") / "themes.toml"
    themes.write_text(THEMES)
    origins = ",".join(map(other_site.origin, ("localhost", "127.0.0.1")))
    app = other_app(EMBED_ORIGINS=origins, THEMES_FILE=str(themes))
    with app.start(environment.logs / "embeddable-app.log"):
        yield app.url


@pytest.fixture(scope="session")
def other_site() -> Iterator[OtherSite]:
    yield from OtherSite().run()


@pytest.fixture
def embed(
    window: Callable[..., Page], embeddable_app: str, other_site: OtherSite
) -> Callable[..., EmbedPage]:
    """Open a window, of nobody or a user, for a page with the element in it."""

    def embed(user: User | None = None, app: str = embeddable_app, **options: object) -> EmbedPage:
        return EmbedPage(window(user, **options), app, other_site)

    return embed
