"""A page of a main site with the element <onboarding-frame> in it, and what the element says."""

import json
from typing import Any

from playwright.sync_api import FrameLocator, Locator, Page

from tests.e2e.other_site import OtherSite

_TYPES = ("ready", "resize", "step", "completed", "signin-required", "error")
_RECORD = f"""
  window.events = [];
  for (const type of {json.dumps(_TYPES)})
    addEventListener(type, (event) => {{
      if (event.target.localName === "onboarding-frame") events.push([type, event.detail]);
    }}, true);
"""
# A page of its own, without a request for its icon.
BLANK = "<!doctype html><html lang=en><meta charset=utf-8><title>Main site</title><link rel=icon href=data:,>"
FRAME = "document.querySelector('onboarding-frame').shadowRoot.querySelector('iframe')"


class EmbedPage:
    """A window with a page that embeds the app."""

    def __init__(self, page: Page, app: str, other_site: OtherSite) -> None:
        self.page = page
        self.app = app
        self._other_site = other_site

    def show(
        self,
        attributes: str = "",
        *,
        path: str = "/",
        host: str = "localhost",
        around: str = "{}",
        src: bool = True,
        headers: dict[str, str] | None = None,
    ) -> "EmbedPage":
        """Show the element at `{}` in `around`; without `src` only `attributes` may name one."""
        source = f'src="{self.app}{path}"' if src else ""
        element = (
            f"<onboarding-frame {source} {attributes}>"
            f'<a href="{self.app}/">Set up your profile</a></onboarding-frame>'
        )
        record = "" if headers else f"<script>{_RECORD}</script>"
        script = f"<script src='{self.app}/embed.js' async></script>"
        html = BLANK + record + script + around.replace("{}", element)
        self.page.goto(self._other_site.serve(html, host, headers))
        return self

    @property
    def frame(self) -> FrameLocator:
        return self.page.get_by_title("Your profile").content_frame

    @property
    def fallback(self) -> Locator:
        """The link that stands inside the element."""
        return self.page.get_by_role("link", name="Set up your profile")

    def events(self, *types: str) -> list[list[Any]]:
        """Return the element's events so far: of these types, or all but "resize"."""
        events = self.page.evaluate("events")
        return [one for one in events if (one[0] in types if types else one[0] != "resize")]

    def wait_for(self, kind: str, count: int = 1) -> Any:
        """Wait for so many events of a type; return the last one's detail."""
        self.page.wait_for_function(
            "([kind, count]) => events.filter(([type]) => type === kind).length >= count",
            arg=[kind, count],
        )
        return self.events(kind)[-1][1]

    def wait_for_page(self, step: str) -> None:
        """Wait until the element knows that its frame shows a step."""
        self.page.wait_for_function(
            "step => document.querySelector('onboarding-frame').step === step", arg=step
        )

    def element(self, expression: str) -> Any:
        """Evaluate an expression over `element`."""
        return self.page.locator("onboarding-frame").first.evaluate(f"element => {expression}")

    def background(self) -> str:
        """Return the colour of the page in the frame."""
        body = self.frame.locator("body")
        return body.evaluate("body => getComputedStyle(body).backgroundColor")
