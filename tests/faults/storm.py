"""`python -m tests.faults.storm [--faults] [--pooler] [--tutorial]`: people who answer in four ways
at once, on two instances; what each was told is held against what is stored.

Each post confirms other answers than the same person's three others. The app tells a post either
"saved" (303 to the profile) or "others were first" (303 to the profile, which then shows what is
saved). From that and the rows, over all people:

lost        people who were told either, and have no finished row
wrong       people with a finished row that isn't what a post was told is saved: of two posts told
            "saved" with different answers one is wrong; and people whose winning post was answered
            but told "others were first"
duplicate   people with more than one row, or who were told "saved" for different answers
5xx         posts answered by a status from 500 on
unanswered  posts whose connection broke, or that got no answer within a minute
strange     posts answered in any other way
"""

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from tests.faults.client import Answer, ask
from tests.faults.proxy import cut_all, let_pass, stall_all
from tests.faults.stand import OURS, Row, Stand, options, raised
from tests.visitor import Person

ALL_ANSWERS = [Answers(*pair) for pair in itertools.product(PythonProficiency, DeveloperRole)]
POSTS_EACH = 4
INSTANCES, WORKERS = 2, 2


@dataclass(frozen=True)
class Post:
    """One post and what it was told."""

    person: Person
    answers: Answers
    answer: Answer

    @property
    def told(self) -> str:
        """Say in one word what the app said."""
        if self.answer.status == 0:
            return "unanswered"
        if self.answer.status >= 500:
            return "5xx"
        path, _, query = self.answer.location.partition("?")
        if self.answer.status == 303 and path == "/profile":
            return "others were first" if query == "already=1" else "saved"
        return "strange"


@dataclass(frozen=True)
class Tally:
    """The figures of a storm, as this module's head defines them."""

    people: int
    posts: int
    lost: int
    wrong: int
    duplicate: int
    server_errors: int
    unanswered: int
    strange: int
    faults: int
    slowest_s: float
    took_s: float

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing at all went wrong."""
        return not any(getattr(self, name) for name in BAD)

    def __str__(self) -> str:
        counted = ", ".join(f"{_NAMES.get(name, name)} {getattr(self, name)}" for name in BAD)
        return (
            f"{self.people} people, {self.posts} posts, {self.faults} faults: {counted}; "
            f"slowest {self.slowest_s:.2f} s, all {self.took_s:.0f} s"
        )


BAD = ("lost", "wrong", "duplicate", "server_errors", "unanswered", "strange")
_NAMES = {"server_errors": "5xx"}


def tally(posts: Sequence[Post], rows: dict[str, list[Row]], faults: int, took_s: float) -> Tally:
    """Hold what was told against what is stored."""
    by_person: dict[str, list[Post]] = {}
    for post in posts:
        by_person.setdefault(post.person.user_id, []).append(post)
    judged = [_judge(theirs, rows.get(user_id, [])) for user_id, theirs in by_person.items()]
    told = [post.told for post in posts]
    return Tally(
        people=len(by_person),
        posts=len(posts),
        lost=sum("lost" in verdicts for verdicts in judged),
        wrong=sum("wrong" in verdicts for verdicts in judged),
        duplicate=sum("duplicate" in verdicts for verdicts in judged),
        server_errors=told.count("5xx"),
        unanswered=told.count("unanswered"),
        strange=told.count("strange"),
        faults=faults,
        slowest_s=max(post.answer.seconds for post in posts),
        took_s=took_s,
    )


def _judge(posts: list[Post], rows: list[Row]) -> set[str]:
    saved = {post.answers for post in posts if post.told == "saved"}
    beaten = {post.answers for post in posts if post.told == "others were first"}
    stored = {_answers(row) for row in rows if row[2]}
    verdicts = {
        "lost": (saved or beaten) and not stored,
        "wrong": stored and (saved - stored or beaten & stored),
        "duplicate": len(rows) > 1 or len(saved) > 1,
    }
    return {verdict for verdict, holds in verdicts.items() if holds}


def _answers(row: Row) -> Answers:
    return Answers(PythonProficiency(row[0]), DeveloperRole(row[1]))


Fault = Callable[[], object]


def storm(
    stand: Stand,
    ports: Sequence[int],
    people: int,
    *,
    database: str = OURS,
    seconds: float = 0,
    faults: Sequence[Fault] = (),
    seed: int = 1,
) -> Tally:
    """Let `people` post, evenly over `seconds`, while one fault after the other happens.

    Half of them have a draft already. Faults run in the calling thread, since they start processes.
    """
    dice = random.Random(seed)  # noqa: S311
    crowd = stand.people(people, database)
    stand.draft(crowd[::2], ALL_ANSWERS[0], database)
    began = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        asking = beside.submit(asyncio.run, _posts(stand, ports, crowd, seconds, dice))
        for number, fault in enumerate(faults):
            while time.monotonic() < began + (number + 0.5) * seconds / len(faults):
                time.sleep(0.01)
            fault()
        posts = asking.result()
    took_s = time.monotonic() - began
    return tally(posts, stand.rows(database), len(faults), took_s)


async def _posts(
    stand: Stand,
    ports: Sequence[int],
    crowd: list[Person],
    seconds: float,
    dice: random.Random,
) -> list[Post]:
    # As many as the instances have threads for; beyond that they wait in the kernel's queue.
    at_once = asyncio.Semaphore(len(ports) * WORKERS * 8)

    async def post(person: Person, answers: Answers, port: int) -> Post:
        async with at_once:
            form, headers = stand.confirmation(person, answers), stand.headers(person)
            answer = await ask(port, "/onboarding/review", headers, form)
        return Post(person, answers, answer)

    began, posting = asyncio.get_running_loop().time(), []
    for number, person in enumerate(crowd):
        wait = began + number * seconds / len(crowd) - asyncio.get_running_loop().time()
        await asyncio.sleep(max(wait, 0))
        for answers in dice.sample(ALL_ANSWERS, POSTS_EACH):
            posting.append(asyncio.create_task(post(person, answers, dice.choice(ports))))
    return [await task for task in posting]


def weather(stand: Stand, rounds: int, outage_s: float = 0.5) -> list[Fault]:
    """Give the faults: each kind of the database's, the network's and the pooler's, `rounds` times.

    Each lasts `outage_s`, but for the kills, which are over at once.
    """
    server, proxy, pooler = stand.server, stand.proxy, stand.pooler

    def restart(stop: Callable[[], None]) -> Fault:
        def fault() -> None:
            stop()
            time.sleep(outage_s)
            server.start_again()

        return fault

    def kill_pooler() -> None:
        assert pooler
        pooler.kill()
        time.sleep(outage_s)
        pooler.start_again()

    def freeze_pooler() -> None:
        assert pooler
        pooler.freeze()
        threading.Event().wait(outage_s)
        pooler.thaw()

    def network(rule: Callable) -> Fault:
        def fault() -> None:
            proxy.follow(rule)
            time.sleep(outage_s)
            proxy.follow(let_pass)

        return fault

    kinds: list[Fault] = [
        stand.kill_backends,
        network(cut_all),
        restart(server.stop),
        stand.kill_backends,
        network(stall_all),
        restart(server.crash),
    ]
    if pooler:
        kinds += [kill_pooler, freeze_pooler]
    return kinds * rounds


def run(
    stand: Stand,
    *,
    people: int = 500,
    faults: bool = False,
    database: str = OURS,
    seconds: float = 30,
    rounds: int = 4,
) -> Tally:
    """Start two instances and let people storm them."""
    second = "pooled" if stand.pooler else "direct"
    ways = ("proxied", second) if faults else ("direct", second)
    apps = [stand.instance(way, database, workers=WORKERS)[0] for way in ways]
    return storm(
        stand,
        [app.port for app in apps],
        people,
        database=database,
        seconds=seconds if faults else 0,
        faults=weather(stand, rounds) if faults else (),
    )


def main() -> None:
    """Run a storm; the last line is the figure."""
    parser = options("faults", "pooler")
    parser.add_argument("--people", type=int, default=500)
    chosen = parser.parse_args()
    with raised(pooler=chosen.pooler) as stand:
        print(run(stand, people=chosen.people, faults=chosen.faults, database=chosen.database))


if __name__ == "__main__":
    main()
