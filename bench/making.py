"""`python -m bench.making`: milliseconds in each part of the making of the app, as JSON; once for a process."""

import json
import time
from collections.abc import Callable
from typing import Any

import onboarding
from onboarding.config import Settings
from onboarding.languages import Languages
from onboarding.web import files
from onboarding.web.pages import Pages

# None of them is called by another one of them.
_PARTS: dict[str, tuple[Any, str]] = {
    "settings read": (Settings, "from_environ"),
    "catalogues read": (Languages, "__init__"),
    "each language's dates and direction read": (Pages, "__init__"),
    "static files compressed": (files, "serve_before"),
    "a first look at the database": (onboarding, "_look_once"),
    "templates compiled for each language": (Pages, "compile"),
}
_REST = "the rest"


def main() -> None:
    """Make the app as a server does, and print what took how long."""
    spent = dict.fromkeys(_PARTS, 0.0)
    for part, (owner, name) in _PARTS.items():
        setattr(owner, name, _timed(getattr(owner, name), spent, part))
    began = time.perf_counter()
    import wsgi  # noqa: F401

    total = (time.perf_counter() - began) * 1000
    print(json.dumps({**spent, _REST: total - sum(spent.values())}))


def _timed(function: Callable[..., Any], spent: dict[str, float], part: str) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[part] += (time.perf_counter() - began) * 1000

    return timed


if __name__ == "__main__":
    main()
