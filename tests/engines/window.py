"""What a test does in a browser, whichever engine it is: pages around the app, and users in them."""

from dataclasses import dataclass, field

import psycopg
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from devstack.app import App
from onboarding.betterauth.cookie import SessionCookie
from tests.e2e.other_site import OtherSite
from tests.users import User, create_user

TIMEOUT_S = 30
COOKIE = "__Secure-better-auth.session_token"

RECORD = """<script>
  events = [];
  for (const type of ["ready", "step", "completed", "signin-required", "error"])
    addEventListener(type, (event) => {
      if (event.target.localName === "onboarding-frame") events.push([type, event.detail]);
    }, true);
</script>"""


@dataclass
class Window:
    """One browser window, and the servers behind the names that it can reach."""

    driver: WebDriver
    app: App
    other_site: OtherSite
    database_url: str
    visited: set[str] = field(default_factory=set)
    is_embedded: bool = False
    """Whether the app's page is in a frame, and not in the window itself."""

    @property
    def app_url(self) -> str:
        return self.app.environment()["APP_URL"]

    def create_user(self) -> User:
        return create_user(self.database_url, SessionCookie(COOKIE, self.app.secret))

    def serve(self, origin: str, html: str, headers: dict[str, str] | None = None) -> str:
        """Serve a page of the test's own; return its URL under an origin that leads to its server."""
        return f"{origin}/{self.other_site.serve(html, headers=headers).rpartition('/')[2]}"

    def open(self, origin: str, html: str, headers: dict[str, str] | None = None) -> None:
        """Open a page of the test's own."""
        self.driver.get(self.serve(origin, html, headers))
        self.visited.add(origin)
        self.is_embedded = False

    def open_app(self, path: str) -> None:
        """Open a page of the app's in the window itself."""
        self.driver.get(self.app_url + path)
        self.is_embedded = False

    def sign_in(self, user: User, origin: str, attributes: str) -> None:
        """Let a page of `origin` set the user's session cookie, as the main site's server would."""
        is_embedded = self.is_embedded
        cookie = f"{user.cookie}; Path=/; Secure; HttpOnly; {attributes}"
        self.open(origin, "<p>signed in", {"Set-Cookie": cookie})
        self.is_embedded = is_embedded

    def embed(self, origin: str, attributes: str = "") -> None:
        """Open a page with the element in it."""
        self.open(
            origin,
            f"<!doctype html><meta charset=utf-8><title>Main site</title>{RECORD}"
            f"<script src='{self.app_url}/embed.js'></script>"
            f"<onboarding-frame src='{self.app_url}/' {attributes}><a>link</a></onboarding-frame>",
        )
        self.is_embedded = True

    def heading(self) -> str:
        """Return the heading of the app's page, once there is one."""
        return self._find("h1").text

    def wait_for(self, heading: str) -> None:
        """Wait for the page with this heading."""
        self._wait(lambda _: self.heading() == heading, f"the page {heading!r}")

    def rows(self, user: User) -> list[tuple]:
        """Return what is saved about a user."""
        with psycopg.connect(self.database_url) as connection:
            query = "SELECT is_onboarded FROM user_profile WHERE user_id = %s"
            return connection.execute(query, [user.id]).fetchall()

    def choose(self, value: str) -> None:
        Select(self._find("select")).select_by_value(value)

    def press(self) -> None:
        self._find("main button").click()

    def shows(self, text: str) -> bool:
        """Return whether the app's page shows a text, to people's eyes."""
        return text in self._find("main").text

    def events(self) -> list[list]:
        """Return the element's events so far."""
        self.driver.switch_to.default_content()
        return self.driver.execute_script("return events")

    def reasons(self) -> list[str]:
        """Return why the element asked to sign in, each time."""
        return [detail["reason"] for kind, detail in self.events() if kind == "signin-required"]

    def delete_cookies(self) -> None:
        for url in (f"{self.app_url}/healthz", *(f"{origin}/none" for origin in self.visited)):
            self.driver.get(url)
            self.driver.delete_all_cookies()

    def _find(self, selector: str) -> WebElement:
        def found(driver: WebDriver) -> WebElement:
            driver.switch_to.default_content()
            if self.is_embedded:
                root = driver.find_element(By.CSS_SELECTOR, "onboarding-frame").shadow_root
                driver.switch_to.frame(root.find_element(By.CSS_SELECTOR, "iframe"))
            return driver.find_element(By.CSS_SELECTOR, selector)

        return self._wait(found, selector)

    def _wait(self, condition, what: str):
        waiting = WebDriverWait(
            self.driver, TIMEOUT_S, poll_frequency=0.05, ignored_exceptions=(WebDriverException,)
        )
        try:
            return waiting.until(condition)
        except WebDriverException as error:
            raise AssertionError(f"{what} never came: {self.driver.page_source[:2000]}") from error
