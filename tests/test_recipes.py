"""The code in docs/integrate.md, run as it stands there: who is redirected, and what SQL reads."""

import json
import re

from devstack.main_site import DIRECTORY
from devstack.processes import ROOT
from tests.node import run_node
from tests.questionnaires import some_answers

INTEGRATE = (ROOT / "docs" / "integrate.md").read_text()
BLOCKS = re.findall(r"^```js\n(.*?)^```", INTEGRATE, re.DOTALL | re.MULTILINE)
SITE = "https://www.example.com"
APP = "https://onboarding.example.com/"
SOME = some_answers()
NEW = {"state": "not onboarded"}


def block(words: str) -> str:
    """Return the one block of code with these words in it."""
    [found] = [code for code in BLOCKS if words in code]
    return found


def redirects(*visits: tuple[str, str, object]) -> list[str | None]:
    """Return where the recipe sends these visits: an address, a method, and the visitor."""
    return run_node(
        block("// onboarding.js").replace("./profile.js", f"{DIRECTORY}/public/profile.js")
        + f"console.log(JSON.stringify({json.dumps(visits)}.map(([url, method, visitor]) =>"
        " onboardingRedirect(new URL(url), method, visitor ?? undefined))));"
    )


def test_only_users_who_are_not_onboarded_are_redirected() -> None:
    page = f"{SITE}/course/1?a=b&c"
    states = [NEW, {"state": "signed out"}, {"state": "onboarded"}, None]
    sent = redirects(*((page, "GET", state) for state in states), (page, "POST", NEW))
    back = "https%3A%2F%2Fwww.example.com%2Fcourse%2F1%3Fa%3Db%26c"
    assert sent == [f"{APP}?return_to={back}", None, None, None, None]


def test_only_pages_that_need_the_answers_redirect() -> None:
    needing, others = ["/dashboard", "/dashboard/"], ["/dashboards", "/", "/api/auth/get-session"]
    others += ["/sign-in?callbackURL=/dashboard"]
    targets = redirects(*((SITE + path, "GET", NEW) for path in needing + others))
    assert [target is not None for target in targets] == [True, True, *[False] * len(others)]


def test_the_queries_read_what_is_final_and_nothing_else(environment, open_browser, user) -> None:
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
        return run_node(
            code,
            DATABASE_URL=environment.main_site.database_url,
            USER_ID=user.id,
            TZ="America/New_York",
        )

    open_browser(user).answer()
    assert read() == [None, None]
    open_browser(user).finish()
    by_pg, by_drizzle = read()
    # The recipe names the questions that it reads.
    read_by_pg = {name: value for name, value in by_pg.items() if name in SOME}
    assert read_by_pg
    assert read_by_pg.items() <= SOME.items()
    assert set(read_by_pg.values()) <= set(by_drizzle.values())
    since = open_browser(user).get("/api/profile").json["updated_at"].rstrip("Z")
    assert by_pg["since"].startswith(since)
    assert by_drizzle["updatedAt"].startswith(since)
