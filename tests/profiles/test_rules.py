"""The rules of a profile: a draft may change, a completed one never, and the first answers win."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from onboarding.database import Database, SchemaChanged, Unavailable
from onboarding.profiles.model import Profile
from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from onboarding.profiles.rules import AlreadyOnboarded, Changed, UserGone, complete, save_draft
from tests.betterauth.layouts import CAMEL, Layout
from tests.places import Place, Places, engine_url, opened

ALL_ANSWERS = [Answers(*both) for both in product(PythonProficiency, DeveloperRole)]
ONE = Answers(PythonProficiency.ADVANCED, DeveloperRole.BACKEND)
OTHER = Answers(PythonProficiency.BEGINNER, DeveloperRole.NONE)

Save = Callable[..., Profile]
either_way = pytest.mark.parametrize("save", [save_draft, complete], ids=lambda save: save.__name__)


def row(place: Place, user_id: str) -> tuple | None:
    rows = place.sql("SELECT * FROM user_profile WHERE CAST(user_id AS text) = %s", user_id)
    return rows[0] if rows else None


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    "answers", ALL_ANSWERS, ids=lambda one: f"{one.python_proficiency}, {one.developer_role}"
)
@either_way
def test_any_answers_are_stored_letter_for_letter(
    place: Place, database: Database, new_user: Callable[[], str], save: Save, answers: Answers
) -> None:
    user_id = new_user()
    profile = save(database, user_id, answers)
    finished = save is complete
    assert (profile.answers, profile.is_onboarded) == (answers, finished)
    assert row(place, user_id) == (
        *(user_id, answers.python_proficiency.value, answers.developer_role.value, finished),
        *(profile.created_at, profile.updated_at),
    )


def test_a_draft_may_change_and_keeps_the_time_it_was_made(
    place: Place, database: Database, new_user: Callable[[], str]
) -> None:
    user_id = new_user()
    first = save_draft(database, user_id, ONE)
    second = save_draft(database, user_id, OTHER)
    assert (second.answers, second.is_onboarded) == (OTHER, False)
    assert first.created_at == first.updated_at == second.created_at < second.updated_at
    assert place.sql("SELECT count(*) FROM user_profile WHERE user_id = %s", user_id) == [(1,)]


def test_a_draft_is_completed_with_its_own_answers_or_with_others(
    database: Database, new_user: Callable[[], str]
) -> None:
    for answers in (ONE, OTHER):
        user_id = new_user()
        draft = save_draft(database, user_id, ONE)
        done = complete(database, user_id, answers)
        assert (done.answers, done.is_onboarded) == (answers, True)
        assert done.created_at == draft.created_at < done.updated_at


@either_way
def test_the_same_answers_again_succeed_and_change_nothing(
    place: Place, database: Database, new_user: Callable[[], str], save: Save
) -> None:
    user_id = new_user()
    done = complete(database, user_id, ONE)
    before = place.sql("SELECT ctid, xmin, * FROM user_profile WHERE user_id = %s", user_id)
    for _ in range(3):
        assert save(database, user_id, ONE) == done
    after = place.sql("SELECT ctid, xmin, * FROM user_profile WHERE user_id = %s", user_id)
    assert after == before


@pytest.mark.parametrize(
    "different",
    [
        OTHER,
        Answers(ONE.python_proficiency, OTHER.developer_role),
        Answers(OTHER.python_proficiency, ONE.developer_role),
    ],
    ids=["both", "the role", "the level"],
)
@either_way
def test_different_answers_are_refused_with_the_ones_that_stand(
    place: Place, database: Database, new_user: Callable[[], str], save: Save, different: Answers
) -> None:
    user_id = new_user()
    done = complete(database, user_id, ONE)
    before = row(place, user_id)
    with pytest.raises(AlreadyOnboarded) as refusal:
        save(database, user_id, different)
    assert refusal.value.profile == done
    assert row(place, user_id) == before


@either_way
def test_one_persons_answers_leave_everybody_elses_alone(
    place: Place, database: Database, new_user: Callable[[], str], save: Save
) -> None:
    theirs, mine = new_user(), new_user()
    save_draft(database, theirs, ONE)
    before = row(place, theirs)
    save(database, mine, OTHER)
    assert row(place, theirs) == before


@either_way
def test_somebody_who_does_not_exist_is_gone(place: Place, database: Database, save: Save) -> None:
    with pytest.raises(UserGone):
        save(database, "nobody-at-all", ONE)
    assert row(place, "nobody-at-all") is None


@either_way
@pytest.mark.parametrize("before", [save_draft, complete], ids=["draft", "completed"])
def test_somebody_deleted_in_the_meantime_is_gone_and_leaves_no_row(
    place: Place, database: Database, new_user: Callable[[], str], before: Save, save: Save
) -> None:
    user_id = new_user()
    before(database, user_id, ONE)
    place.sql('DELETE FROM "user" WHERE id = %s', user_id)
    for answers in (ONE, OTHER):
        with pytest.raises(UserGone):
            save(database, user_id, answers)
    assert row(place, user_id) is None


def test_an_unknown_null_counts_as_open(profile_places: Places, place: Place) -> None:
    adopted = profile_places.settle("adopted_with_null", CAMEL.ddl())
    adopted.sql("""
        CREATE TABLE user_profile (LIKE migrated.user_profile INCLUDING DEFAULTS);
        ALTER TABLE user_profile ADD PRIMARY KEY (user_id), ALTER is_onboarded DROP NOT NULL;
    """)
    with opened(adopted.engine_url()) as database:
        for save in (save_draft, complete):
            user_id, _ = CAMEL.sign_in(adopted)
            adopted.sql("INSERT INTO user_profile VALUES (%s, 'Beginner', 'None', NULL)", user_id)
            saved = save(database, user_id, ONE)
            assert (saved.answers, saved.is_onboarded) == (ONE, save is complete)
            if save is complete:
                with pytest.raises(AlreadyOnboarded):
                    save(database, user_id, OTHER)


def at_once(place: Place, saves: list[tuple[Save, str, Answers]]) -> list[Profile | Exception]:
    """Let everybody save at the same moment, each on a connection of their own."""
    start = threading.Barrier(len(saves))

    def one(save: Save, user_id: str, answers: Answers) -> Profile | Exception:
        with opened(place.engine_url()) as own:
            own.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
            start.wait(20)
            try:
                return save(own, user_id, answers)
            except (AlreadyOnboarded, UserGone) as refusal:
                return refusal

    with ThreadPoolExecutor(len(saves)) as pool:
        return list(pool.map(lambda each: one(*each), saves))


def test_of_twenty_who_complete_at_once_one_wins_and_the_others_are_told_the_winners_answers(
    place: Place, new_user: Callable[[], str]
) -> None:
    for _ in range(3):
        user_id = new_user()
        wanted = [ALL_ANSWERS[n % len(ALL_ANSWERS)] for n in range(20)]
        outcomes = at_once(place, [(complete, user_id, answers) for answers in wanted])
        stored = row(place, user_id)
        assert stored is not None
        winner = Answers(PythonProficiency(stored[1]), DeveloperRole(stored[2]))
        assert stored[3] is True
        for answers, outcome in zip(wanted, outcomes, strict=True):
            if answers == winner:
                assert isinstance(outcome, Profile)
                assert outcome.is_onboarded
                told = outcome
            else:
                assert isinstance(outcome, AlreadyOnboarded)
                told = outcome.profile
            assert told.answers == winner
            assert (told.created_at, told.updated_at) == stored[4:]


def test_a_draft_that_comes_late_never_undoes_a_completion(
    place: Place, new_user: Callable[[], str]
) -> None:
    user_id = new_user()
    saves = [
        (save_draft if n % 2 else complete, user_id, ONE if n % 2 else OTHER) for n in range(20)
    ]
    outcomes = at_once(place, saves)
    stored = row(place, user_id)
    assert stored is not None
    assert stored[1:4] == ("Beginner", "None", True)
    for (save, _, _), outcome in zip(saves, outcomes, strict=True):
        if save is complete:
            assert isinstance(outcome, Profile)
        else:
            # Either it came before the first completion, or it was told.
            assert isinstance(outcome, AlreadyOnboarded) or not outcome.is_onboarded


def test_twenty_drafts_at_once_leave_one_row_of_somebodys_answers(
    place: Place, new_user: Callable[[], str]
) -> None:
    user_id = new_user()
    wanted = [ALL_ANSWERS[n % len(ALL_ANSWERS)] for n in range(20)]
    outcomes = at_once(place, [(save_draft, user_id, answers) for answers in wanted])
    assert [outcome.answers for outcome in outcomes if isinstance(outcome, Profile)] == wanted
    assert place.sql(
        "SELECT count(*), bool_or(is_onboarded) FROM user_profile WHERE user_id = %s", user_id
    ) == [(1, False)]


def test_a_user_deleted_while_twenty_save_leaves_no_row_and_nobody_an_error(
    place: Place, new_user: Callable[[], str]
) -> None:
    user_id = new_user()

    def delete(database: Database, user_id: str, answers: Answers) -> Profile:
        place.sql('DELETE FROM "user" WHERE id = %s', user_id)
        raise UserGone

    outcomes = at_once(place, [(complete, user_id, ONE)] * 10 + [(delete, user_id, ONE)])
    assert all(isinstance(outcome, Profile | UserGone) for outcome in outcomes)
    assert row(place, user_id) is None


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_times_are_utc_whatever_the_time_zone_of_the_connection(
    place: Place, new_user: Callable[[], str], zone: str
) -> None:
    user_id = new_user()
    with opened(place.engine_url(timezone=zone)) as database:
        zoned = database.run(lambda one: one.exec_driver_sql("SHOW timezone").scalar())
        assert zoned == zone
        draft = save_draft(database, user_id, ONE)
        done = complete(database, user_id, ONE)
    for moment in (draft.created_at, draft.updated_at, done.updated_at):
        assert moment.tzinfo is None
        assert abs(utc_now() - moment) < timedelta(minutes=1)
    assert draft.created_at == done.created_at <= done.updated_at


@pytest.mark.parametrize("id_type", ["uuid", "integer", "bigint", "character varying(36)"])
def test_the_id_has_the_type_that_the_main_site_chose(
    profile_places: Places, place: Place, id_type: str
) -> None:
    layout = Layout(id_type=id_type)
    schema = f"ids_{id_type.partition(' ')[0]}"
    other = profile_places.settle(schema, layout.ddl())
    other.sql(
        "CREATE TABLE user_profile (LIKE migrated.user_profile INCLUDING ALL);"
        f"ALTER TABLE user_profile ALTER user_id TYPE {id_type} USING CAST(user_id AS {id_type}),"
        ' ADD FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE'
    )
    user_id, _ = layout.sign_in(other)
    with opened(other.engine_url()) as database:
        save_draft(database, user_id, ONE)
        complete(database, user_id, ONE)
        with pytest.raises(AlreadyOnboarded):
            complete(database, user_id, OTHER)
        other.sql('DELETE FROM "user"')
        with pytest.raises(UserGone):
            complete(database, user_id, ONE)


@either_way
def test_a_database_that_is_gone_is_unavailable_and_not_a_refusal(save: Save) -> None:
    with opened(engine_url("postgres://u:p@127.0.0.1:1/site")) as gone, pytest.raises(Unavailable):
        save(gone, "somebody", ONE)


@either_way
def test_a_refusal_that_is_no_rule_of_ours_means_that_the_table_does_not_fit(
    profile_places: Places, place: Place, save: Save
) -> None:
    strict = profile_places.settle(f"strict_{save.__name__}", CAMEL.ddl())
    strict.sql("""
        CREATE TABLE user_profile (LIKE migrated.user_profile INCLUDING ALL);
        ALTER TABLE user_profile ADD CONSTRAINT somebody_elses CHECK (developer_role <> 'None');
    """)
    user_id, _ = CAMEL.sign_in(strict)
    with opened(strict.engine_url()) as database:
        with pytest.raises(SchemaChanged, match="somebody_elses") as refusal:
            save(database, user_id, OTHER)
        assert user_id not in str(refusal.value)
        assert save(database, user_id, ONE).answers == ONE


def test_a_save_is_one_statement_and_a_refusal_two(
    place: Place, database: Database, new_user: Callable[[], str]
) -> None:
    server = place.places.server
    user_id = new_user()
    for answers, statements in ((ONE, 1), (ONE, 2), (OTHER, 2)):
        before = server.log_size()
        if answers is OTHER:
            with pytest.raises(AlreadyOnboarded):
                complete(database, user_id, answers)
        else:
            complete(database, user_id, answers)
        assert len(server.statements("onboarding", after=before)) == statements


@either_way
def test_answers_over_a_draft_that_was_read_take_only_its_place(
    place: Place, database: Database, new_user: Callable[[], str], save: Save
) -> None:
    user_id = new_user()
    read = save_draft(database, user_id, OTHER)
    latest = save_draft(database, user_id, OTHER)
    with pytest.raises(Changed):
        save(database, user_id, ONE, read)
    assert row(place, user_id)[5] == latest.updated_at
    saved = save(database, user_id, ONE, latest)
    assert (saved.answers, saved.created_at) == (ONE, read.created_at)
    # Sent again because the answer got lost: it finds its own work done.
    assert save(database, user_id, ONE, latest) == saved


@either_way
def test_answers_over_nothing_take_nothing_s_place(
    place: Place, database: Database, new_user: Callable[[], str], save: Save
) -> None:
    user_id = new_user()
    saved = save(database, user_id, ONE, None)
    assert save(database, user_id, ONE, None) == saved
    with pytest.raises(Changed):
        save(database, user_id, OTHER, None)
    assert row(place, user_id)[1] == ONE.python_proficiency


@either_way
def test_no_condition_opens_a_finished_profile(
    place: Place, database: Database, new_user: Callable[[], str], save: Save
) -> None:
    user_id = new_user()
    draft = save_draft(database, user_id, ONE)
    done = complete(database, user_id, ONE)
    for over, refusal in ((done, AlreadyOnboarded), (draft, Changed), (None, Changed)):
        with pytest.raises(refusal):
            save(database, user_id, OTHER, over)
        assert save(database, user_id, ONE, over) == done


@either_way
def test_answers_over_a_row_that_is_gone_make_no_new_one(
    place: Place, database: Database, new_user: Callable[[], str], save: Save
) -> None:
    user_id = new_user()
    draft = save_draft(database, user_id, ONE)
    place.sql("DELETE FROM user_profile WHERE user_id = %s", user_id)
    with pytest.raises(Changed):
        save(database, user_id, ONE, draft)
    assert row(place, user_id) is None


def test_of_many_who_read_the_same_draft_one_saves(
    database: Database, new_user: Callable[[], str]
) -> None:
    user_id = new_user()
    read = save_draft(database, user_id, ONE)
    wanted = [answers for answers in ALL_ANSWERS if answers != ONE] * 2

    def save(answers: Answers) -> Answers | None:
        try:
            return save_draft(database, user_id, answers, read).answers
        except Changed:
            return None

    with ThreadPoolExecutor(8) as threads:
        saved = {answers for answers in threads.map(save, wanted) if answers}
    # Two with the same answers both find them saved.
    assert len(saved) == 1
