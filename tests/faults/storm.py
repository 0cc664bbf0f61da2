"""Users who confirm four different answers each at once, on two servers.

The app answers a post "saved" (303 to the profile) or "others were first" (303 to the profile, which
then says so). From that and the rows, over all users:

lost        users who were answered either, and have no finished profile
wrong       users whose finished profile isn't what a post was answered is saved, or is that of a post
            that was answered "others were first"
duplicate   users who were answered "saved" for different answers
5xx         posts answered by a status from 500 on
unanswered  posts whose connection broke, or that got no answer within a minute
strange     posts answered in any other way
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby

from tests.faults.client import Response, fetch
from tests.faults.cluster import THIS_APP, Answers, Cluster, Result, Variant
from tests.faults.outages import Outage, outages
from tests.users import User

POSTS_EACH = 4
WORKERS = 2
OUTAGE_S = 0.5


@dataclass(frozen=True)
class Post:
    """One post and what it was answered."""

    user: User
    answers: Answers
    response: Response

    @property
    def outcome(self) -> str:
        if self.response.status == 0:
            return "unanswered"
        if self.response.status >= 500:
            return "5xx"
        known = {"/profile": "saved", "/profile?already=1": "others were first"}
        return known.get(self.response.location, "strange")


def count_failures(posts: Sequence[Post], confirmed: Mapping[str, Answers]) -> Counter[str]:
    """Compare what was answered with what is stored. `posts` stand together by user."""
    outcomes = (post.outcome for post in posts)
    failures = Counter(one for one in outcomes if one in ("5xx", "unanswered", "strange"))
    for user_id, group in groupby(posts, key=lambda post: post.user.id):
        failures.update(_failures(list(group), confirmed.get(user_id)))
    return failures


def _failures(posts: list[Post], stored: Answers | None) -> list[str]:
    saved = [post.answers for post in posts if post.outcome == "saved"]
    beaten = [post.answers for post in posts if post.outcome == "others were first"]
    is_wrong = any(answers != stored for answers in saved) or stored in beaten
    found = {
        "lost": stored is None and (saved or beaten),
        "wrong": stored is not None and is_wrong,
        "duplicate": any(answers != saved[0] for answers in saved),
    }
    return [name for name, holds in found.items() if holds]


def measure(
    cluster: Cluster,
    app: Variant = THIS_APP,
    *,
    users: int = 500,
    rounds: int = 0,
    seconds: float = 30,
    settings: Mapping[str, str] = {},
) -> Result:
    """Let everybody post at once; or over so many seconds, during so many rounds of all faults."""
    faults = _faults(cluster) * rounds
    routes = ("proxied" if faults else "direct", "pooled" if cluster.pooler else "direct")
    ports = [cluster.start(route, app, workers=WORKERS, settings=settings) for route in routes]
    crowd = cluster.users(users, app)
    cluster.save_drafts(crowd[::2], app)
    seconds = seconds if faults else 0
    began = time.monotonic()
    with ThreadPoolExecutor(1) as thread:
        posting = thread.submit(asyncio.run, _post_all(cluster, app, ports, crowd, seconds))
        # In this thread, since they start processes.
        for number, fault in enumerate(faults):
            time.sleep(max(0, began + (number + 0.5) * seconds / len(faults) - time.monotonic()))
            fault()
        posts = posting.result()
    failures = count_failures(posts, cluster.confirmed(app))
    misses = [f"{count} {name}" for name, count in failures.items()]
    figure = ", ".join(misses) or "0 lost, 0 wrong, 0 duplicate, 0 5xx"
    slowest = max(post.response.seconds for post in posts)
    return Result(f"{figure}; slowest {slowest:.1f} s" if faults else figure, misses)


async def _post_all(
    cluster: Cluster, app: Variant, ports: Sequence[int], crowd: Sequence[User], seconds: float
) -> list[Post]:
    dice = random.Random(1)  # noqa: S311
    # Beyond that they wait in the kernel's queue.
    at_once = asyncio.Semaphore(len(ports) * WORKERS * 8)

    async def post(user: User, answers: Answers, port: int) -> Post:
        async with at_once:
            form, headers = cluster.form(user, answers), cluster.headers(user)
            return Post(user, answers, await fetch(port, "/onboarding/review", headers, form))

    clock = asyncio.get_running_loop().time
    began, posting = clock(), []
    for number, user in enumerate(crowd):
        await asyncio.sleep(max(0, began + number * seconds / len(crowd) - clock()))
        for answers in dice.sample(app.answers, POSTS_EACH):
            posting.append(asyncio.create_task(post(user, answers, dice.choice(ports))))
    return await asyncio.gather(*posting)


def _faults(cluster: Cluster) -> list[Callable[[], None]]:
    """Return each kind of fault once: short outages, and connections that are killed."""

    def happen(outage: Outage) -> None:
        with outage.lasting():
            time.sleep(OUTAGE_S)

    kinds = [partial(happen, outage) for outage in outages(cluster)]
    return [cluster.kill_backends, *kinds[:2], cluster.kill_backends, *kinds[2:]]
