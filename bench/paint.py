"""`python -m bench.paint`: when Chromium paints a question on a first visit, against an empty page.

Both come from the same server under the same headers, in turn, with 40 ms of network in between.
"""

from playwright.sync_api import Browser, sync_playwright

from bench import report
from bench.environment import COOKIE, NEWCOMER, open_environment
from bench.report import median_ratio, spread
from bench.servers import start_app
from bench.targets import QUESTION_PATH
from devstack import browser

NETWORK = {"offline": False, "latency": 40, "downloadThroughput": -1, "uploadThroughput": -1}
# Milliseconds since the navigation began.
FIRST_PAINT = """() => new Promise((done) =>
  new PerformanceObserver((list) => {
    const [paint] = list.getEntriesByName("first-contentful-paint");
    if (paint) done(paint.startTime);
  }).observe({ type: "paint", buffered: true }))"""


def measure(quick: bool) -> list[str]:
    """Return the document's lines."""
    empty, question = list[float](), list[float]()
    with open_environment() as environment, sync_playwright() as playwright:
        url = environment.create_database("paint")
        environment.add_users(url, NEWCOMER, 1)
        app = start_app(environment, url, entry="bench.empty_page:app")
        with app.child:
            chromium = playwright.chromium.launch(**browser.find().launch_arguments())
            origin, cookie = f"http://localhost:{app.port}", environment.cookie_value(NEWCOMER, 1)
            for _ in range(3 if quick else 20):
                empty.append(_first_paint_ms(chromium, f"{origin}/empty", cookie))
                question.append(_first_paint_ms(chromium, origin + QUESTION_PATH, cookie))
            more = f"Chromium {chromium.version}, {len(empty)} times"
            chromium.close()
    return [
        report.machine("flask", more=more),
        f"First paint: an empty page {spread(empty)} ms, a question {spread(question)} ms.",
        *report.goals_table([("question : empty page", 1.15, median_ratio(question, empty))]),
    ]


def _first_paint_ms(chromium: Browser, url: str, cookie: str) -> float:
    context = chromium.new_context()
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": url}])
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", NETWORK)
    page.goto(url)
    painted: float = page.evaluate(FIRST_PAINT)
    context.close()
    return painted


if __name__ == "__main__":
    report.run("paint", measure)
