"""The code in docs/integrate.md, run as it stands there: who is redirected, and what SQL reads."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from devstack.main_site import node
from devstack.processes import ROOT

INTEGRATE = (ROOT / "docs" / "integrate.md").read_text()
BLOCKS = re.findall(r"^```js\n(.*?)^```", INTEGRATE, re.DOTALL | re.MULTILINE)
SITE = "https://www.example.com"
APP = "https://onboarding.example.com/"
NEW = {"state": "not onboarded"}


def block(words: str) -> str:
    """Give the one block of code with these words in it."""
    [found] = [code for code in BLOCKS if words in code]
    return found


def run(code: str, **environ: str) -> object:
    """Run code in Node, beside the tests' packages; gives what it writes as JSON."""
    done = subprocess.run(
        [node(), "--input-type=module", "-e", code],
        cwd=ROOT / "tests",
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def redirects(*visits: tuple[str, str, object]) -> list[str | None]:
    """Give where the recipe sends these visits: an address, a method, and the visitor."""
    return run(
        block("// onboarding.js")
        + f"console.log(JSON.stringify({json.dumps(visits)}.map(([url, method, visitor]) =>"
        " onboardingRedirect(new URL(url), method, visitor ?? undefined))));"
    )


def test_only_who_would_be_asked_something_is_sent_away() -> None:
    page = f"{SITE}/course/1?a=b&c"
    states = [NEW, {"state": "signed out"}, {"state": "onboarded"}, None]
    sent = redirects(*((page, "GET", state) for state in states), (page, "POST", NEW))
    back = "https%3A%2F%2Fwww.example.com%2Fcourse%2F1%3Fa%3Db%26c"
    assert sent == [f"{APP}?return_to={back}", None, None, None, None]


@pytest.mark.parametrize(
    ("path", "is_sent"),
    [
        ("/dashboard", True),
        ("/dashboard/", True),
        ("/dashboards", False),
        ("/sign-in?callbackURL=/dashboard", False),
        ("/api/auth/get-session", False),
        ("/", False),
    ],
)
def test_only_pages_that_need_the_answers_send_away(path: str, is_sent: bool) -> None:
    [target] = redirects((SITE + path, "GET", NEW))
    assert (target is not None) == is_sent


def test_the_queries_read_what_is_final_and_nothing_else(stage, visitor, ada) -> None:
    query = block("pool.query(").replace("session.user.id", "process.env.USER_ID")
    drizzle = block("pgTable(").replace("export ", "")
    code = f"""
        import pg from "pg";
        import {{ drizzle }} from "drizzle-orm/node-postgres";
        {drizzle}
        const pool = new pg.Pool({{ connectionString: process.env.DATABASE_URL }});
        {query}
        const other = await readProfile(drizzle({{ client: pool }}), process.env.USER_ID);
        console.log(JSON.stringify([profile ?? null, other ?? null]));
        await pool.end();
    """

    def read() -> object:
        # A server west of us: naive times must not become local ones.
        return run(
            code, DATABASE_URL=stage.site.database_url, USER_ID=ada.user_id, TZ="America/New_York"
        )

    visitor(ada).answer("Advanced", "None")
    assert read() == [None, None]
    visitor(ada).finish("Advanced", "None")
    by_pg, by_drizzle = read()
    assert (by_pg["python_proficiency"], by_pg["developer_role"]) == ("Advanced", "None")
    assert by_drizzle["pythonProficiency"] == "Advanced"
    since = visitor(ada).get("/api/profile").json["updated_at"].rstrip("Z")
    assert by_pg["since"].startswith(since)
    assert by_drizzle["updatedAt"].startswith(since)


def test_every_recipe_is_javascript(tmp_path: Path) -> None:
    recipes = [code for code in BLOCKS if "onboardingRedirect(" in code]
    assert len(recipes) == 4
    files = [tmp_path / f"{number}.mjs" for number in range(len(recipes))]
    for file, code in zip(files, recipes, strict=True):
        file.write_text(code)
        done = subprocess.run([node(), "--check", file], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
