"""The rules of a profile, each said once in Python and once in SQL.

A profile is saved by one conditional upsert: PostgreSQL decides, in one statement, whether the
row is still open. Twenty writers at once leave one winner, and a save that is sent again because
its answer got lost finds its own work done.
"""

from enum import Enum
from typing import Any

from sqlalchemy import Connection, and_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.dml import ReturningInsert, ReturningUpdate

from onboarding.database import Database, SchemaChanged
from onboarding.profiles.model import PROFILE_COLUMNS, USER_PROFILE, UTC_NOW, Profile, profile_of
from onboarding.profiles.questions import QUESTIONS, Answers


class AlreadyOnboarded(Exception):
    """The profile was completed before, with other answers than these; they stay as they are."""

    def __init__(self, profile: Profile) -> None:
        super().__init__("the profile is complete and its answers are final")
        self.profile = profile


class UserGone(Exception):
    """The user was deleted in the meantime, and the profile with them."""


class Changed(Exception):
    """The profile is no longer the one that these answers were meant to take the place of."""


class Whatever(Enum):
    """Says that answers may take the place of any draft, or of none."""

    IS_THERE = "whatever is there"


Over = Profile | None | Whatever
"""What answers take the place of: this draft as it was read, no row at all, or whatever is there."""


_Row = tuple[Any, ...]
_FIELDS = [question.field for question in QUESTIONS]

# IS NOT TRUE rather than NOT: a NULL from an adopted table counts as open.
_IS_OPEN = USER_PROFILE.c.is_onboarded.is_not(True)
# Built once: to build one at each save took 150 µs, a quarter of it.
_ANEW = insert(USER_PROFILE)
_OVER_NOTHING = _ANEW.on_conflict_do_nothing().returning(*PROFILE_COLUMNS)
_OVER_ANY_DRAFT = _ANEW.on_conflict_do_update(
    index_elements=[USER_PROFILE.c.user_id],
    set_={
        **{name: _ANEW.excluded[name] for name in (*_FIELDS, "is_onboarded")},
        "updated_at": UTC_NOW,
    },
    where=_IS_OPEN,
).returning(*PROFILE_COLUMNS)


def is_done(profile: Profile, answers: Answers, *, is_onboarded: bool) -> bool:
    """Tell whether saving would change nothing: these answers stand, completed if they shall be."""
    return profile.answers == answers and (profile.is_onboarded or not is_onboarded)


def save_draft(
    database: Database, user_id: str, answers: Answers, over: Over = Whatever.IS_THERE
) -> Profile:
    """Save both answers without completing the profile, over any earlier draft.

    Gives the stored profile: the draft, or the completed profile when it holds the same answers
    already. Raises `AlreadyOnboarded` when it holds others, `Changed` when it isn't `over` any
    more and holds others, `UserGone`, and `Unavailable`.
    """
    return _save(database, user_id, answers, over, is_onboarded=False)


def complete(
    database: Database, user_id: str, answers: Answers, over: Over = Whatever.IS_THERE
) -> Profile:
    """Complete the profile with these answers, for good. Gives and raises as `save_draft`."""
    return _save(database, user_id, answers, over, is_onboarded=True)


def _save(
    database: Database, user_id: str, answers: Answers, over: Over, *, is_onboarded: bool
) -> Profile:
    statement, values = _statement(user_id, answers, over, is_onboarded=is_onboarded)

    def work(connection: Connection) -> Profile | None:
        saved = connection.execute(statement, values).one_or_none()
        if saved is None:
            # The row is final, or not `over`. Between the two statements only its user's deletion
            # can remove it, or an operator.
            saved = connection.execute(
                select(*PROFILE_COLUMNS).where(and_(USER_PROFILE.c.user_id == user_id))
            ).one_or_none()
        return None if saved is None else profile_of(saved)

    try:
        profile = database.save(work)
    except IntegrityError as error:
        raise _refusal(error) from None
    if profile is None:
        raise Changed if isinstance(over, Profile) else UserGone
    if is_done(profile, answers, is_onboarded=is_onboarded):
        return profile
    if over in (Whatever.IS_THERE, profile):
        raise AlreadyOnboarded(profile)
    raise Changed


def _statement(
    user_id: str, answers: Answers, over: Over, *, is_onboarded: bool
) -> tuple[ReturningInsert[*_Row] | ReturningUpdate[*_Row], dict[str, Any]]:
    """The one statement that saves where it may, and gives the saved row or none; its parameters."""
    values = {**answers.known(), "is_onboarded": is_onboarded}
    if isinstance(over, Profile):
        as_read = {**over.answers.known(), "updated_at": over.updated_at}
        over_this = (
            update(USER_PROFILE)
            .where(USER_PROFILE.c.user_id == user_id, _IS_OPEN)
            .where(*(USER_PROFILE.c[name] == value for name, value in as_read.items()))
            .values(**values, updated_at=UTC_NOW)
            .returning(*PROFILE_COLUMNS)
        )
        return over_this, {}
    return _OVER_NOTHING if over is None else _OVER_ANY_DRAFT, {"user_id": user_id, **values}


def _refusal(error: IntegrityError) -> Exception:
    """Translate a database refusal into what it means; without the row that PostgreSQL quotes.

    The foreign key is told by its SQLSTATE (23503): an adopted table may have it under any name.
    Any other refusal contradicts a rule that Python has checked, so the table isn't ours as we know
    it.
    """
    diag = getattr(error.orig, "diag", None)
    if diag is not None and diag.sqlstate == "23503":
        return UserGone()
    return SchemaChanged(f"the table refused valid answers: {diag and diag.message_primary}")
