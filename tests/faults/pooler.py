"""`python -m tests.faults.pooler [--tutorial]`: 1,200 transactions through a real PgBouncer in
transaction mode, which has fewer connections to the server than the app's instances have to it.

Whatever a connection remembers (a prepared statement, a setting) is somewhere else at its next
transaction. A transaction counts as failed when its request isn't answered as it is without a pooler.
"""

import asyncio
import sys
from dataclasses import dataclass

from tests.faults.client import Answer, ask, finish
from tests.faults.stand import OURS, Stand, options, raised
from tests.faults.storm import ALL_ANSWERS
from tests.visitor import Person

PEOPLE = 400
"""One transaction for a page, and two for a save: the session's look-up and the answers'."""


@dataclass(frozen=True)
class Pooled:
    """What came through the pooler."""

    transactions: int
    passed_on: int
    """The pooler's own count; at least as many, or the app goes another way."""
    failed: int

    @property
    def is_right(self) -> bool:
        """Tell whether all of them did, and nothing failed."""
        return not self.failed and self.passed_on >= self.transactions

    def __str__(self) -> str:
        return (
            f"{self.transactions} transactions, {self.failed} failed "
            f"(PgBouncer counted {self.passed_on})"
        )


def pooled(stand: Stand, database: str = OURS, people: int = PEOPLE) -> Pooled:
    """Let people look and save through the pooler, on two instances."""
    assert stand.pooler, "this stand has no pooler"
    ports = [stand.instance("pooled", database, workers=2)[0].port for _ in range(2)]
    crowd = stand.people(people, database)
    before = stand.pooler.transactions()
    answers = finish(_answers(stand, ports, crowd))
    failed = 0
    for looked, saved in answers:
        failed += looked.status not in (200, 303)
        # Whose look-up fails has no second transaction, yet both were wanted.
        failed += 0 if (saved.status, saved.location) == (303, "/profile") else 2
    return Pooled(3 * people, stand.pooler.transactions() - before, failed)


async def _answers(
    stand: Stand, ports: list[int], crowd: list[Person]
) -> list[tuple[Answer, Answer]]:
    at_once = asyncio.Semaphore(16)

    async def visit(number: int, person: Person) -> tuple[Answer, Answer]:
        port, headers = ports[number % len(ports)], stand.headers(person)
        async with at_once:
            looked = await ask(port, "/profile", headers)
            form = stand.confirmation(person, ALL_ANSWERS[number % len(ALL_ANSWERS)])
            return looked, await ask(port, "/onboarding/review", headers, form)

    return await asyncio.gather(*(visit(number, person) for number, person in enumerate(crowd)))


def main() -> int:
    """Send the transactions; the last line is the figure."""
    chosen = options().parse_args()
    with raised(pooler=True) as stand:
        found = pooled(stand, chosen.database)
    print(found)
    return int(not found.is_right)


if __name__ == "__main__":
    sys.exit(main())
