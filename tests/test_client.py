"""`profile.ts`, the client to copy: what it says about real people, run by Node as on a server."""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from devstack.main_site import DIRECTORY, node
from tests.browser import Browser
from tests.node import run_node
from tests.questionnaires import other_answers
from tests.test_types import COMPILER

pytestmark = pytest.mark.slow
OTHER = other_answers()

SCRIPT = """
const {{ getProfile }} = await import(process.env.CLIENT);
const app = process.env.APP, cookie = process.env.COOKIE;
const outcome = async (promise) => promise.catch((error) => `${{error.name}}: ${{error.message}}`);
{body}
"""


@pytest.fixture
def run(served_app):
    """Run a script with the client in Node, and give what it returns."""

    def run(body: str, app: str = served_app, cookie: str = "") -> object:
        script = SCRIPT.format(
            body=f"console.log(JSON.stringify(await (async () => {{{body}}})()))"
        )
        client = str(DIRECTORY / "public" / "profile.js")
        return run_node(script, CLIENT=client, APP=app, COOKIE=cookie)

    return run


def test_what_runs_is_what_typescript_makes_of_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [node(), COMPILER, "-p", DIRECTORY, "--outDir", tmp_path], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")
    compiled, shipped = tmp_path / "profile.js", DIRECTORY / "public" / "profile.js"
    assert compiled.read_text() == shipped.read_text(), f"copy {compiled} over {shipped}"


def test_the_three_states_and_what_is_known_comes_back_as_it_was(run, app, user):
    window = Browser(app, user, {})
    ask = "return getProfile(app, { cookie })"
    out = run(ask)
    assert out == {"state": "signed out", "reason": "signed-out"}
    new = run(ask, cookie=f"other=1; {user.cookie}")
    assert new == {
        "state": "not onboarded",
        "etag": window.get("/api/profile").headers["ETag"],
        "userId": user.id,
        "draft": None,
    }
    window.put(OTHER)
    # The example's own types name the questions that it uses.
    draft = run(ask, cookie=user.cookie)["draft"]
    assert draft
    assert draft.items() <= OTHER.items()
    window.put({**OTHER, "is_onboarded": True})
    same, other, done = run(
        """
        const first = await getProfile(app, { cookie });
        const again = await getProfile(app, { cookie, known: first });
        const stale = { ...first, etag: '"old"' };
        const renewed = await getProfile(app, { cookie, known: stale });
        return [again === first, renewed === stale, renewed];
        """,
        cookie=user.cookie,
    )
    assert (same, other) == (True, False)
    assert (done["state"], done["answers"]) == ("onboarded", draft)


def test_who_was_signed_out_meanwhile_is_told_so_though_something_is_known(
    run, app, user, environment
):
    known = json.dumps(run("return getProfile(app, { cookie })", cookie=user.cookie))
    environment.sql("DELETE FROM session WHERE token = %s", user.token)
    again = run(f"return getProfile(app, {{ cookie, known: {known} }})", cookie=user.cookie)
    assert again["state"] == "signed out"


def test_it_waits_no_longer_than_it_is_told_and_stops_when_it_is_told(run):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow, stopped, before = run(
            """
            const stop = new AbortController();
            const waiting = outcome(getProfile(app, { signal: stop.signal, timeoutMs: 9000 }));
            setTimeout(() => stop.abort(), 50);
            return [
              await outcome(getProfile(app, { timeoutMs: 50 })),
              await waiting,
              await outcome(getProfile(app, { signal: AbortSignal.abort() })),
            ];
            """,
            app=f"http://127.0.0.1:{silent.getsockname()[1]}",
        )
    assert slow.startswith("TimeoutError")
    assert stopped.startswith("AbortError")
    assert before.startswith("AbortError")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("503 Service Unavailable\r\nContent-Length: 0", "Error: the onboarding app answers 503"),
        # The cookie follows no redirect.
        ("302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0", "TypeError"),
        ("304 Not Modified", "Error: the onboarding app answers 304"),
    ],
)
def test_any_other_answer_is_an_error(run, answer, error):
    whole = json.dumps(f"HTTP/1.1 {answer}\r\nConnection: close\r\n\r\n")
    result = run(
        f"""
        const {{ createServer }} = await import("node:net");
        const other = createServer((socket) => socket.once("data", () => socket.end({whole})));
        await new Promise((listening) => other.listen(0, "127.0.0.1", listening));
        const result = await outcome(getProfile(`http://127.0.0.1:${{other.address().port}}`));
        other.close();
        return result;
        """
    )
    assert result.startswith(error)
