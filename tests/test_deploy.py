"""The shipped files of `deploy/` fit each other, the app, gunicorn's settings, and what the documents say.

That nginx does what its file says is shown by `make stress`.
"""

import re
import runpy
from typing import Any

import pytest

import onboarding
from devstack.processes import ROOT

NGINX = ROOT / "deploy" / "nginx.conf"
UNIT = ROOT / "deploy" / "onboarding@.service"

# What a save has, with all its attempts.
LONGEST_REQUEST_S = 8


@pytest.fixture(scope="module")
def gunicorn() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def directives(name: str) -> list[str]:
    """Return what stands behind each directive of this name, in nginx's file."""
    found = re.findall(rf"^ *{name} +(?!{{)([^;]*);", NGINX.read_text(), re.MULTILINE)
    assert found, f"nginx.conf has no {name}"
    return found


def seconds(name: str) -> int:
    """Return the one value of a time in nginx's file."""
    (value,) = set(directives(name))
    assert re.fullmatch(r"\d+s", value)
    return int(value[:-1])


def unit(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def test_nginx_asks_the_sockets_that_the_unit_makes() -> None:
    (binding,) = (value for value in unit("Environment") if value.startswith("BIND="))
    (folder,) = unit("RuntimeDirectory")
    assert binding == f"BIND=unix:/run/{folder}/app.sock"
    servers = [value.split()[0] for value in directives("server")]
    assert servers == [binding.removeprefix("BIND=").replace("%i", str(i)) for i in (1, 2)]


def test_both_take_what_the_app_takes(gunicorn: dict[str, Any]) -> None:
    (largest,) = directives("client_max_body_size")
    assert largest == f"{onboarding.LARGEST_BODY // 1024}k"
    # Whole in memory: nothing that people send lies in a file.
    assert directives("client_body_buffer_size") == [largest]
    assert directives("large_client_header_buffers") == [
        f"4 {gunicorn['limit_request_field_size'] // 1024}k"
    ]
    # What comes in an address may go out in a redirect.
    (answer_head,) = directives("proxy_buffer_size")
    assert int(answer_head.removesuffix("k")) * 1024 > gunicorn["limit_request_line"]


def test_whoever_waits_waits_longer_than_whom_it_waits_for(gunicorn: dict[str, Any]) -> None:
    assert seconds("proxy_read_timeout") > LONGEST_REQUEST_S
    assert seconds("proxy_next_upstream_timeout") > seconds("proxy_read_timeout")
    assert gunicorn["graceful_timeout"] > LONGEST_REQUEST_S
    assert int(unit("TimeoutStopSec")[0]) > gunicorn["graceful_timeout"]
    # nginx lets go of a kept connection before gunicorn does.
    assert seconds("keepalive_timeout") < gunicorn["keepalive"]


def test_no_log_of_nginx_can_hold_a_query_or_a_cookie() -> None:
    logged = set(re.findall(r"\$(\w+)", directives("log_format")[0]))
    assert logged == {
        *(
            "time_iso8601",
            "request_id",
            "remote_addr",
            "server_protocol",
            "request_method",
            "onboarding_path",
        ),
        *("status", "body_bytes_sent", "request_time"),
        *("upstream_addr", "upstream_status", "upstream_response_time"),
    }
    # Two servers; that of plain http, too.
    assert len(directives("server_name")) == 2
    assert [value.split()[1:] for value in directives("access_log")] == [["onboarding"]] * 2
    assert [value.split()[1:] for value in directives("error_log")] == [["alert"]] * 2


def test_a_wrong_setting_is_not_tried_again() -> None:
    # The exit status of a faulty setting (tests/test_start.py).
    assert unit("RestartPreventExitStatus") == ["2"]
    assert unit("ExecStart")[0].endswith("/.venv/bin/gunicorn wsgi:app")
