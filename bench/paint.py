"""`python -m bench.paint`: when a page of the wizard is first seen, against an empty page of the same
server: one with the headers of every answer, and one without any. Turn about, medians of 20: in a
browser that has nothing yet, and in one that was here before; without and with a network in between.
"""

import statistics

from playwright.sync_api import Browser, BrowserContext, Page

from bench.frame import LATENCIES_MS, running, sign_up, slow_down
from devstack.app import App

ROUNDS = 20
BARE, EMPTY, WIZARD = "/bare", "/empty", "/onboarding/python-proficiency"

# Milliseconds since the navigation began. An answer comes at the next paint, if none was yet.
FIRST_PAINT = """() => new Promise((done) =>
  new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) done(paint.startTime);
  }).observe({ type: "paint", buffered: true }))"""


def main() -> None:
    """Measure and print the medians and their ratio."""
    with running("bench.empty:app") as (app, site, chromium):
        page = chromium.new_context().new_page()
        sign_up(page, site)
        for latency in LATENCIES_MS:
            first = _new_windows(chromium, app, page.context, latency)
            _report(f"latency {latency} ms, for the first time", first)
            _report(f"latency {latency} ms, again", _same_windows(page.context, app, latency))


def _new_windows(
    chromium: Browser, app: App, signed_in: BrowserContext, latency_ms: int
) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {BARE: [], EMPTY: [], WIZARD: []}
    for _ in range(ROUNDS):
        for path, times in took.items():
            context = chromium.new_context(storage_state=signed_in.storage_state())
            page = context.new_page()
            slow_down(page, latency_ms)
            times.append(_painted(page, app.url + path))
            context.close()
    return took


def _same_windows(signed_in: BrowserContext, app: App, latency_ms: int) -> dict[str, list[float]]:
    """A window for each page: on the way from one with the headers to one without, a process changes."""
    took: dict[str, list[float]] = {}
    windows = {path: signed_in.new_page() for path in (BARE, EMPTY, WIZARD)}
    for path, page in windows.items():
        slow_down(page, latency_ms)
        page.goto(app.url + path)
        took[path] = []
    for _ in range(ROUNDS):
        for path, page in windows.items():
            # In the background nothing is painted.
            page.bring_to_front()
            took[path].append(_painted(page, app.url + path))
    for page in windows.values():
        page.close()
    return took


def _painted(page: Page, address: str) -> float:
    page.goto(address)
    painted: float = page.evaluate(FIRST_PAINT)
    return painted


def _report(when: str, took: dict[str, list[float]]) -> None:
    bare, empty, wizard = (statistics.median(took[path]) for path in (BARE, EMPTY, WIZARD))
    print(
        f"{when}: an empty page is painted after {empty:.0f} ms ({bare:.0f} without headers), a page "
        f"of the wizard after {wizard:.0f} ms, ratio {wizard / empty:.2f} ({wizard / bare:.2f})"
    )


if __name__ == "__main__":
    main()
