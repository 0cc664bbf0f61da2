"""The rules of a profile, each said once in Python and once in SQL.

A profile is saved by one conditional upsert: PostgreSQL decides, in one statement, whether the
row is still open. Twenty writers at once leave one winner, and a save that is sent again because
its answer got lost finds its own work done.
"""

from sqlalchemy import Connection, and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from onboarding.database import Database, SchemaChanged
from onboarding.profiles.model import PROFILE_COLUMNS, UTC_NOW, Profile, UserProfile, profile_of
from onboarding.profiles.questions import Answers


class AlreadyOnboarded(Exception):
    """The profile was completed before, with other answers than these; they stay as they are."""

    def __init__(self, profile: Profile) -> None:
        super().__init__("the profile is complete and its answers are final")
        self.profile = profile


class UserGone(Exception):
    """The user was deleted in the meantime, and the profile with them."""


def save_draft(database: Database, user_id: str, answers: Answers) -> Profile:
    """Save both answers without completing the profile, over any earlier draft.

    Gives the stored profile: the draft, or the completed profile when it holds the same answers
    already. Raises `AlreadyOnboarded` when it holds others, `UserGone`, and `Unavailable`.
    """
    return _save(database, user_id, answers, is_onboarded=False)


def complete(database: Database, user_id: str, answers: Answers) -> Profile:
    """Complete the profile with these answers, for good. Gives and raises as `save_draft`."""
    return _save(database, user_id, answers, is_onboarded=True)


def _save(database: Database, user_id: str, answers: Answers, *, is_onboarded: bool) -> Profile:
    values = {**answers.known(), "is_onboarded": is_onboarded}
    upsert = (
        insert(UserProfile)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(
            index_elements=[UserProfile.user_id],
            set_={**values, "updated_at": UTC_NOW},
            # IS NOT TRUE rather than NOT: a NULL from an adopted table counts as open.
            where=UserProfile.is_onboarded.is_not(True),
        )
        .returning(*PROFILE_COLUMNS)
    )

    def work(connection: Connection) -> Profile | None:
        saved = connection.execute(upsert).one_or_none()
        if saved is None:
            # The row is final. Between the two statements only its user's deletion can remove it.
            saved = connection.execute(
                select(*PROFILE_COLUMNS).where(and_(UserProfile.user_id == user_id))
            ).one_or_none()
        return None if saved is None else profile_of(saved)

    try:
        profile = database.run(work)
    except IntegrityError as error:
        raise _refusal(error) from None
    if profile is None:
        raise UserGone
    if profile.answers != answers:
        raise AlreadyOnboarded(profile)
    return profile


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
