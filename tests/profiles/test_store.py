"""Saving profiles: a draft may change, a completed profile never, whatever the questions are."""

from datetime import UTC, datetime, timedelta

import pytest

from onboarding.database import SchemaMismatch
from onboarding.profiles import AlreadyOnboarded, ProfileChanged, ProfileStore, UserDeleted
from tests.betterauth.layouts import CAMEL
from tests.profiles.conftest import default_only
from tests.questionnaires import (
    DEFAULT,
    insert_profile,
    other_answers,
    profile_row,
    some_answers,
)
from tests.schemas import Schema, open_database

by_both = pytest.mark.parametrize("save", ["save_draft", "complete"])


def versioned_row(schema: Schema, user_id: str) -> list[tuple]:
    """Return the row with its version, which any write changes."""
    return schema.sql("SELECT ctid, xmin, * FROM user_profile WHERE user_id = %s", user_id)


def test_every_option_is_stored_letter_for_letter_and_found_again(
    questionnaire, schema, store, new_user
):
    user_id, some = new_user(), some_answers(questionnaire)
    assert store.find(user_id) is None
    for question in questionnaire:
        for value in question.values:
            answers = {**some, question.name: value}
            draft = store.save_draft(user_id, answers)
            assert (draft.answers, draft.is_onboarded) == (answers, False)
            assert profile_row(schema.owner, user_id, questionnaire) == (answers, False)
            assert store.find(user_id) == draft
    done = store.complete(user_id, answers)
    assert profile_row(schema.owner, user_id, questionnaire) == (answers, True)
    assert store.find(user_id) == done


def test_a_draft_may_change_and_keeps_its_creation_time_until_it_is_completed(
    questionnaire, store, new_user
):
    some, other = some_answers(questionnaire), other_answers(questionnaire)
    for last in (some, other):
        user_id = new_user()
        first, second = store.save_draft(user_id, some), store.save_draft(user_id, other)
        done = store.complete(user_id, last)
        assert [one.is_onboarded for one in (first, second, done)] == [False, False, True]
        assert [one.answers for one in (first, second, done)] == [some, other, last]
        assert first.created_at == second.created_at == done.created_at
        assert first.created_at == first.updated_at < second.updated_at < done.updated_at


@by_both
def test_on_a_completed_profile_the_same_answers_succeed_and_others_are_refused(
    questionnaire, schema, store, new_user, save
):
    user_id, some, other = new_user(), some_answers(questionnaire), other_answers(questionnaire)
    done = store.complete(user_id, some)
    before = versioned_row(schema, user_id)
    assert getattr(store, save)(user_id, some) == done
    for name in questionnaire.names:
        with pytest.raises(AlreadyOnboarded) as refusal:
            getattr(store, save)(user_id, {**some, name: other[name]})
        assert refusal.value.profile == done
    assert versioned_row(schema, user_id) == before


@by_both
def test_a_save_changes_no_other_row(questionnaire, schema, store, new_user, save):
    other = new_user()
    store.save_draft(other, some_answers(questionnaire))
    before = versioned_row(schema, other)
    getattr(store, save)(new_user(), other_answers(questionnaire))
    assert versioned_row(schema, other) == before


@by_both
@pytest.mark.parametrize("before", [None, "save_draft", "complete"])
def test_a_deleted_user_gets_no_row(questionnaire, schema, store, new_user, before, save):
    user_id, some = new_user(), some_answers(questionnaire)
    if before:
        getattr(store, before)(user_id, some)
    schema.sql('DELETE FROM "user" WHERE id = %s', user_id)
    for answers in (some, other_answers(questionnaire)):
        with pytest.raises(UserDeleted):
            getattr(store, save)(user_id, answers)
    assert store.find(user_id) is None


@by_both
def test_answers_replace_only_the_draft_that_was_read(questionnaire, store, new_user, save):
    user_id, some, other = new_user(), some_answers(questionnaire), other_answers(questionnaire)
    old = store.save_draft(user_id, other)
    latest = store.save_draft(user_id, other)
    with pytest.raises(ProfileChanged):
        getattr(store, save)(user_id, some, old)
    assert store.find(user_id) == latest
    saved = getattr(store, save)(user_id, some, latest)
    assert (saved.answers, saved.created_at) == (some, old.created_at)
    # Sent again because the answer got lost: it finds its own work done.
    assert getattr(store, save)(user_id, some, latest) == saved


@by_both
def test_answers_that_replace_nothing_make_only_a_first_row(questionnaire, store, new_user, save):
    user_id, some = new_user(), some_answers(questionnaire)
    saved = getattr(store, save)(user_id, some, None)
    assert getattr(store, save)(user_id, some, None) == saved
    with pytest.raises(ProfileChanged):
        getattr(store, save)(user_id, other_answers(questionnaire), None)
    assert store.find(user_id) == saved


@by_both
def test_no_condition_opens_a_completed_profile(questionnaire, store, new_user, save):
    user_id, some = new_user(), some_answers(questionnaire)
    draft = store.save_draft(user_id, some)
    done = store.complete(user_id, some)
    for replacing, refusal in (
        (done, AlreadyOnboarded),
        (draft, ProfileChanged),
        (None, ProfileChanged),
    ):
        with pytest.raises(refusal):
            getattr(store, save)(user_id, other_answers(questionnaire), replacing)
        assert getattr(store, save)(user_id, some, replacing) == done


@by_both
def test_answers_that_replace_a_deleted_row_make_no_new_one(
    questionnaire, schema, store, new_user, save
):
    user_id, some = new_user(), some_answers(questionnaire)
    draft = store.save_draft(user_id, some)
    schema.sql("DELETE FROM user_profile WHERE user_id = %s", user_id)
    with pytest.raises(ProfileChanged):
        getattr(store, save)(user_id, some, draft)
    assert store.find(user_id) is None


@default_only
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_times_are_utc_in_every_time_zone(schema, new_user, zone):
    user_id = new_user()
    with open_database(schema.engine_url(timezone=zone)) as database:
        draft = ProfileStore(database, DEFAULT).save_draft(user_id, some_answers())
        done = ProfileStore(database, DEFAULT).complete(user_id, some_answers())
    for time in (draft.created_at, draft.updated_at, done.updated_at):
        assert time.tzinfo is None
        assert abs(datetime.now(UTC).replace(tzinfo=None) - time) < timedelta(minutes=1)


def test_a_null_of_an_adopted_table_counts_as_a_draft(profiles_database):
    schema = profiles_database.create_schema("adopted_with_null", CAMEL.ddl())
    schema.migrate()
    schema.sql("ALTER TABLE user_profile ALTER is_onboarded DROP NOT NULL")
    with open_database(schema.engine_url()) as database:
        store = ProfileStore(database, DEFAULT)
        for save, is_onboarded in ((store.save_draft, False), (store.complete, True)):
            user_id, _ = CAMEL.sign_in(schema)
            insert_profile(schema.owner, user_id, other_answers())
            schema.sql("UPDATE user_profile SET is_onboarded = NULL WHERE user_id = %s", user_id)
            saved = save(user_id, some_answers())
            assert (saved.answers, saved.is_onboarded) == (some_answers(), is_onboarded)


def test_a_refusal_by_a_rule_of_the_owners_is_a_schema_mismatch_without_the_row(profiles_database):
    schema = profiles_database.create_schema("strict", CAMEL.ddl())
    schema.migrate()
    question, refused = DEFAULT.names[-1], other_answers()
    schema.sql(
        "ALTER TABLE user_profile ADD CONSTRAINT of_the_owner"
        f" CHECK ({question} <> '{refused[question]}')"
    )
    user_id, _ = CAMEL.sign_in(schema)
    with open_database(schema.engine_url()) as database:
        store = ProfileStore(database, DEFAULT)
        with pytest.raises(SchemaMismatch, match="of_the_owner") as refusal:
            store.complete(user_id, refused)
        assert user_id not in str(refusal.value)
        assert store.complete(user_id, some_answers()).answers == some_answers()
