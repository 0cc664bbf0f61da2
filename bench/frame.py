"""`python -m bench.frame`: what the frame costs. A page of the main site until the element is ready,
against the app in a window of its own, from its front door and from the address that the frame asks
for; turn about, medians of 20, without and with a network in between.
"""

import secrets
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from devstack import browser, postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.processes import free_port

ROUNDS = 20
# On this machine, and as far as a user is from a server.
LATENCIES_MS = (0, 40)

LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"
READY = """
  window.readyAt = new Promise((done) =>
    addEventListener("ready", () => done(performance.now()), { capture: true, once: true }));
"""


def main() -> None:
    """Measure and print the medians and their ratio."""
    with running() as (app, site, chromium):
        page = chromium.new_page()
        page.add_init_script(READY)
        sign_up(page, site)
        for latency in LATENCIES_MS:
            _compare(page, app, site, latency)


def _compare(page: Page, app: App, site: MainSite, latency_ms: int) -> None:
    network = slow_down(page, latency_ms)
    took: dict[str, list[float]] = {"/": [], "/onboarding/": [], "framed": []}
    for _ in range(ROUNDS + 1):
        for path in ("/", "/onboarding/"):
            page.goto(app.url + path, wait_until="load")
            page.wait_for_function(f"{LOADED} > 0")
            took[path].append(page.evaluate(LOADED))
        page.goto(f"{site.url}/setup", wait_until="commit")
        took["framed"].append(page.evaluate("window.readyAt"))
    network.detach()
    # The first of each also loads what is kept afterwards.
    medians = {what: statistics.median(times[1:]) for what, times in took.items()}
    framed = medians.pop("framed")
    for path, alone in medians.items():
        print(
            f"latency {latency_ms} ms, {path}: alone {alone:.0f} ms, framed until ready "
            f"{framed:.0f} ms, ratio {framed / alone:.2f}"
        )


@contextmanager
def running(entry: str = "wsgi:app") -> Iterator[tuple[App, MainSite, Browser]]:
    """Start the app, its main site, and a browser; `entry` is what gunicorn serves."""
    with (
        postgres.temporary() as server,
        tempfile.TemporaryDirectory() as folder,
        sync_playwright() as playwright,
    ):
        logs, secret = Path(folder), secrets.token_urlsafe(32)
        url = server.create_database("bench")
        app_port, site_port = free_port(), free_port()
        app = App(app_port, url, secret, f"http://localhost:{site_port}", entry=entry)
        site = MainSite(site_port, url, secret, app.url)
        site.migrate(logs / "site-migrate.log")
        app.migrate(logs / "app-migrate.log")
        with app.start(logs / "app.log"), site.start(logs / "site.log"):
            chromium = playwright.chromium.launch(**browser.find().launch_arguments())
            yield app, site, chromium
            chromium.close()


def slow_down(page: Page, latency_ms: int) -> CDPSession:
    """Put a network between the window and every server, until the session is detached."""
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": latency_ms, "downloadThroughput": -1, "uploadThroughput": -1},
    )
    return network


def sign_up(page: Page, site: MainSite) -> None:
    """Make an account on the main site, which ends at the wizard's first question."""
    page.goto(f"{site.url}/sign-up")
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("heading", level=1, name="How well do you know Python?").wait_for()


if __name__ == "__main__":
    main()
