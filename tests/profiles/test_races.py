"""Saves at the same moment: one wins, and nobody gets an answer that isn't true."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from onboarding.profiles import (
    AlreadyOnboarded,
    Profile,
    ProfileChanged,
    ProfileStore,
    UserDeleted,
)
from tests.profiles.conftest import default_only
from tests.questionnaires import DEFAULT, all_answers, other_answers, some_answers
from tests.schemas import Schema, open_database

pytestmark = default_only


def save_at_once(
    schema: Schema, saves: list[Callable[[ProfileStore], Profile]]
) -> list[Profile | Exception]:
    """Run all saves at the same moment, each on a connection of its own."""
    start = threading.Barrier(len(saves))

    def run(save: Callable[[ProfileStore], Profile]) -> Profile | Exception:
        with open_database(schema.engine_url()) as database:
            database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
            start.wait(30)
            try:
                return save(ProfileStore(database, DEFAULT))
            except (AlreadyOnboarded, ProfileChanged, UserDeleted) as refusal:
                return refusal

    with ThreadPoolExecutor(len(saves)) as pool:
        return list(pool.map(run, saves))


def test_of_twenty_who_complete_at_once_one_wins_and_the_others_get_the_winners_answers(
    schema, store, new_user
):
    user_id, possible = new_user(), all_answers()
    wanted = [possible[number % len(possible)] for number in range(20)]
    outcomes = save_at_once(
        schema, [lambda store, answers=one: store.complete(user_id, answers) for one in wanted]
    )
    winner = store.find(user_id)
    assert winner.is_onboarded
    for answers, outcome in zip(wanted, outcomes, strict=True):
        assert isinstance(outcome, Profile if answers == winner.answers else AlreadyOnboarded)
        assert (outcome if isinstance(outcome, Profile) else outcome.profile) == winner


def test_a_late_draft_never_undoes_a_completion(schema, store, new_user):
    user_id = new_user()
    both = [
        lambda store: store.complete(user_id, other_answers()),
        lambda store: store.save_draft(user_id, some_answers()),
    ]
    outcomes = save_at_once(schema, both * 10)
    final = store.find(user_id)
    assert (final.answers, final.is_onboarded) == (other_answers(), True)
    assert outcomes[::2] == [final] * 10
    for outcome in outcomes[1::2]:
        # Either it came before the first completion, or it was refused.
        assert isinstance(outcome, AlreadyOnboarded) or not outcome.is_onboarded


def test_of_many_who_read_the_same_draft_one_saves(schema, store, new_user):
    user_id = new_user()
    draft = store.save_draft(user_id, some_answers())
    wanted = [answers for answers in all_answers() if answers != some_answers()][:10]
    outcomes = save_at_once(
        schema,
        [lambda store, answers=one: store.save_draft(user_id, answers, draft) for one in wanted],
    )
    [saved] = [outcome for outcome in outcomes if isinstance(outcome, Profile)]
    assert store.find(user_id) == saved


def test_a_user_deleted_while_others_save_leaves_no_row_and_no_error(schema, store, new_user):
    user_id = new_user()

    def delete(_: ProfileStore) -> Profile:
        schema.sql('DELETE FROM "user" WHERE id = %s', user_id)
        raise UserDeleted

    saves = [lambda store: store.complete(user_id, some_answers())] * 10
    outcomes = save_at_once(schema, [*saves, delete])
    assert all(isinstance(outcome, Profile | UserDeleted) for outcome in outcomes)
    assert store.find(user_id) is None
