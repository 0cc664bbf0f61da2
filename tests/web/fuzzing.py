"""What the generated tests share: users who are put back into their states, and shares that show depth."""

from collections import Counter
from collections.abc import Mapping

from hypothesis import HealthCheck, Phase, settings
from werkzeug.test import TestResponse

from tests.web.conftest import Site


class Users:
    """A window of a user in each state; a new user takes the place of one whom a request has moved."""

    def __init__(self, site: Site, *states: str) -> None:
        self.site = site
        self.windows = {state: site.browser(state) for state in states}

    def send(
        self, state: str, method: str, url: str, headers: Mapping[str, str | None], **more: object
    ) -> tuple[TestResponse, bool]:
        """Send a request; return the response, and whether anything that is stored has changed."""
        window = self.windows[state]
        before = self.site.row(window.user)
        response = window.request(method, url, headers, **more)
        is_changed = self.site.row(window.user) != before
        if is_changed:
            self.windows[state] = self.site.browser(state)
        return response, is_changed


# From so many on examples differ each time and shares are held: in fewer, a status may not come at all.
MANY = 600


def examples(cases: int) -> settings:
    """Run so many examples, however long they take."""
    return settings(
        max_examples=cases,
        database=None,
        deadline=None,
        derandomize=cases < MANY,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def check_depth(seen: Counter[int], least: Mapping[int, float]) -> None:
    """Show the share of each status, and fail where one came too seldom or a server's error at all."""
    shares = {status: count / seen.total() for status, count in sorted(seen.items())}
    shown = ", ".join(f"{status} {share:.1%}" for status, share in shares.items())
    print(f"{seen.total()} requests: {shown}")
    assert not any(status >= 500 for status in seen), shown
    if seen.total() < MANY:
        least = {status: 0 for status, share in least.items() if share >= 0.02}
    rare = {status for status, share in least.items() if shares.get(status, -1) < share}
    assert rare == set(), shown
