"""What is asked for: the app's pages and answers, and the page of each of its peers."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from bench import load
from bench import scene as scenes
from bench.asked import Asked
from bench.scene import ASKED, DRAFT, NEWCOMER, ONBOARDED, Scene, request
from bench.served import HELLO, Served, granian, our_app, our_app_under, peers
from devstack.processes import ROOT
from onboarding.web.assets import Assets

CROWD = 10_000
CONFIRMED = 5_000

PROFILE, GRANIAN = "profile page", "profile page, under granian"
GATE, FORGED = "not onboarded: the gate's redirect", "a forged cookie"
CONFIRM, STATIC = "confirm, each a new person", "a static file"
ANSWERS = {"python_proficiency": "Intermediate", "developer_role": "Full Stack Developer"}


@dataclass(kw_only=True)
class Target(Asked):
    """Something to ask for: ours or a peer's."""

    is_ours: bool = False
    before: Callable[[], None] = lambda: None
    paced: bool = False
    trips: int = 0
    pss_mib: float = 0


@contextmanager
def all_running(scene: Scene) -> Iterator[list[Target]]:
    """Start all servers, and give what to ask each for."""
    url = scene.create_database("pages")
    for kind, count in ((ONBOARDED, CROWD), (NEWCOMER, CROWD), (DRAFT, CONFIRMED)):
        scene.people(url, kind, count)
    scene.settle(url)
    with ExitStack() as running:
        app = our_app(scene, url)
        running.enter_context(app.child)
        other = scenes.app(scene, url)
        under_granian = our_app_under(granian(other, threads=1), other, scene, "granian")
        running.enter_context(under_granian.child)
        page = Target(GRANIAN, under_granian, scene.asks(under_granian.port, "/profile"))
        targets = [*_ours(scene, url, app), page]
        for target in targets:
            target.is_ours = True
        for peer in peers():
            started = peer.start(scene, url)
            running.enter_context(started.child)
            asked = scene.asks(started.port, peer.path)
            targets.append(Target(peer.name, started, asked, paced=peer.name == HELLO))
        yield targets


def _ours(scene: Scene, url: str, app: Served) -> list[Target]:
    def confirm(kind: str, number: int) -> bytes:
        form = urlencode({"csrf_token": scene.csrf_of(kind, number), **ANSWERS})
        return request(app.port, "/onboarding/review", scene.cookie_of(kind, number), form=form)

    def undo() -> None:
        # Past the trigger that makes answers final, as only an administrator of the database can.
        scene.sql(
            url,
            "UPDATE user_profile SET is_onboarded = false WHERE user_id IN"
            " (SELECT md5({kind} || n) FROM generate_series(1, {count}) n)",
            "VACUUM user_profile",
            kind=DRAFT,
            count=CONFIRMED,
        )

    def unchanged(number: int) -> bytes:
        cookie = scene.cookie_of(ONBOARDED, number)
        answer = load.ask(app.port, [request(app.port, "/api/profile", cookie)], 200)
        found = re.search(rb"\r\netag: (\S+)\r\n", answer, re.IGNORECASE)
        if found is None:
            raise load.LoadFailed(f"no ETag in {answer!r}")
        tag = {"If-None-Match": found[1].decode()}
        return request(app.port, "/api/profile", cookie, headers=tag)

    forged = scene.cookie_of(ONBOARDED, 1).replace(scene.token(ONBOARDED, 1), "f" * 32)
    script = Assets(ROOT / "onboarding" / "static", {}).address("/static/frame.js")
    question = "/onboarding/python-proficiency"
    new_people, people = range(1, CONFIRMED + 1), range(1, ASKED + 1)
    confirmed = [confirm(DRAFT, number) for number in new_people]
    again = [confirm(ONBOARDED, number) for number in people]
    return [
        Target(PROFILE, app, scene.asks(app.port, "/profile"), paced=True),
        Target(GATE, app, scene.asks(app.port, "/profile", NEWCOMER), 303),
        Target(FORGED, app, [request(app.port, "/profile", forged)], 303),
        Target("a question of the wizard", app, scene.asks(app.port, question, NEWCOMER)),
        Target(CONFIRM, app, confirmed, 303, before=undo, once=True),
        Target("confirm, sent again", app, again, 303),
        Target("`GET /api/profile`", app, scene.asks(app.port, "/api/profile")),
        Target("`GET /api/profile`, 304", app, [unchanged(number) for number in people], 304),
        Target(STATIC, app, [request(app.port, script)]),
        Target("`/healthz`", app, [request(app.port, "/healthz")]),
    ]
