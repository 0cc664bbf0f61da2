"""`make screenshots`: pictures of every page of the running app, to be looked at.

All go to `screenshots/`; those that the documentation shows are copied to `docs/images/`.
"""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from devstack import browser, postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.processes import ROOT, free_port

WIDTHS = (320, 600, 1200)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FOLDER = ROOT / "screenshots"
IN_DOCS = {
    "question-1200-light.png": "wizard.png",
    "review-600-light.png": "review.png",
    "profile-600-dark.png": "profile.png",
}


def main() -> int:
    """Take every picture."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with _parts() as (app, site), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**browser.find().launch_arguments())
        for width, scheme in product(WIDTHS, SCHEMES):
            _walk(chromium, app, site, width, scheme)
        chromium.close()
    images = ROOT / "docs" / "images"
    images.mkdir(parents=True, exist_ok=True)
    for taken, shown in IN_DOCS.items():
        shutil.copyfile(FOLDER / taken, images / shown)
    print(f"{len(list(FOLDER.iterdir()))} pictures in {FOLDER}")
    return 0


@contextmanager
def _parts() -> Iterator[tuple[App, MainSite]]:
    with postgres.temporary() as server, tempfile.TemporaryDirectory() as folder:
        logs, secret = Path(folder), secrets.token_urlsafe(32)
        url = server.create_database("screenshots")
        app_port, site_port = free_port(), free_port()
        app = App(app_port, url, secret, f"http://localhost:{site_port}")
        site = MainSite(site_port, url, secret, app.url)
        site.migrate(logs / "site-migrate.log")
        app.migrate(logs / "app-migrate.log")
        with app.start(logs / "app.log"), site.start(logs / "site.log"):
            yield app, site


def _walk(
    chromium: Browser, app: App, site: MainSite, width: int, scheme: Literal["light", "dark"]
) -> None:
    """Go through everything once, as a new person, with one window."""
    context = chromium.new_context(
        viewport={"width": width, "height": 700}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()

    def take(name: str) -> None:
        page.screenshot(path=FOLDER / f"{name}-{width}-{scheme}.png", full_page=True)

    page.goto(f"{app.url}/signed-out")
    take("signed-out")
    for reason in ("unverified", "banned", "anonymous"):
        page.goto(f"{app.url}/signed-out?reason={reason}")
        take(f"signed-out-{reason}")
    page.goto(f"{app.url}/nowhere")
    take("not-found")
    page.goto(f"{site.url}/sign-up?callbackURL={app.url}/profile")
    take("site-sign-up")
    _sign_up(page)
    page.wait_for_url(f"{app.url}/**")
    take("question")
    page.get_by_role("button").click()
    take("question-problem")
    page.get_by_role("combobox").select_option("Intermediate")
    page.get_by_role("button").click()
    take("question-2")
    page.get_by_role("combobox").select_option("None")
    page.get_by_role("button").click()
    take("review")
    _take_framed(page, site, take, "framed-review")
    page.goto(f"{app.url}/onboarding/review")
    page.get_by_role("button").click()
    page.wait_for_url(f"{app.url}/profile")
    take("profile")
    _take_framed(page, site, take, "framed-profile")
    page.goto(site.url)
    take("site-home")
    context.close()


def _take_framed(page: Page, site: MainSite, take: Callable[[str], None], name: str) -> None:
    page.goto(f"{site.url}/setup")
    page.frame_locator("iframe").get_by_role("heading", level=1).wait_for()
    take(name)


def _sign_up(page: Page) -> None:
    page.get_by_label("Name").fill("Ada Lovelace")
    page.get_by_label("Email").fill(f"ada.{secrets.token_hex(3)}@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()


if __name__ == "__main__":
    sys.exit(main())
