"""Save and find profiles, by rules that stand once here and once in the database.

A profile is saved by one conditional upsert: PostgreSQL decides, in one statement, whether the row is
still open. Of twenty writers at once one wins, and a save that is repeated because its answer was lost
finds its own work done.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy import Column, Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DataError, IntegrityError

from onboarding.database import Database, SchemaMismatch
from onboarding.profiles.table import UTC_NOW, Profile, profile_table
from onboarding.questions import Answers, Questionnaire


class AlreadyOnboarded(Exception):
    """The profile was completed before, with other answers; they stay as they are."""

    def __init__(self, profile: Profile) -> None:
        super().__init__("the profile is complete and its answers are final")
        self.profile = profile


class UserDeleted(Exception):
    """The user was deleted in the meantime, and the profile with them."""


class ProfileChanged(Exception):
    """The profile is no longer the one that the answers were meant to replace."""


class _Any(Enum):
    ANY = "any draft, or none"


ANY = _Any.ANY

Replacing = Profile | None | _Any
"""What answers may replace: this draft as it was read, only no row at all (None), or ANY draft."""


class ProfileStore:
    """The profiles in a database, with the columns of a questionnaire."""

    columns: tuple[Column[Any], ...]
    """What `profile_from` reads, in its order; for other SELECTs to join."""

    def __init__(self, database: Database, questionnaire: Questionnaire) -> None:
        self._database = database
        self.questionnaire = questionnaire
        self.table = table = profile_table(questionnaire)
        self.columns = tuple(column for column in table.c if column.name != "user_id")
        # A NULL from an adopted table counts as open.
        is_open = table.c.is_onboarded.is_not(True)
        # Built once: building one takes a quarter of a save's CPU.
        self._find = select(*self.columns).where(table.c.user_id == bindparam("user_id"))
        upsert = insert(table)
        self._insert = upsert.on_conflict_do_nothing().returning(*self.columns)
        changes = {name: upsert.excluded[name] for name in (*questionnaire.names, "is_onboarded")}
        self._upsert = upsert.on_conflict_do_update(
            index_elements=[table.c.user_id],
            set_={**changes, "updated_at": UTC_NOW},
            where=is_open,
        ).returning(*self.columns)
        as_read = ("user_id", *questionnaire.names, "updated_at")
        self._replace = (
            update(table)
            .where(is_open, *(table.c[name] == bindparam(f"old_{name}") for name in as_read))
            .values(updated_at=UTC_NOW)
            .returning(*self.columns)
        )

    def profile_from(self, row: Sequence[Any]) -> Profile | None:
        """Return the profile in a row of `columns`; None if an outer join found none."""
        *values, is_onboarded, created_at, updated_at = row
        if None in values:
            return None
        answers = Answers(
            self.questionnaire, dict(zip(self.questionnaire.names, values, strict=True))
        )
        return Profile(answers, is_onboarded, created_at, updated_at)

    def find(self, user_id: str) -> Profile | None:
        """Return a user's profile. Raise `SchemaMismatch` if the id can't be one of this database."""
        try:
            row = self._database.read(
                lambda connection: connection.execute(
                    self._find, {"user_id": user_id}
                ).one_or_none()
            )
        except DataError:  # "abc", and the column is an integer
            raise SchemaMismatch("the main site's user ids don't fit user_profile") from None
        return None if row is None else self.profile_from(row)

    def save_draft(self, user_id: str, answers: Answers, replacing: Replacing = ANY) -> Profile:
        """Save the answers as a draft and return the stored profile.

        That is the completed profile if it has the same answers already. Raise `AlreadyOnboarded` if it
        has others, `ProfileChanged` if the row isn't `replacing` any more, `UserDeleted`, `Unavailable`.
        """
        return self._save(user_id, answers, replacing, is_onboarded=False)

    def complete(self, user_id: str, answers: Answers, replacing: Replacing = ANY) -> Profile:
        """Complete the profile with these answers, for good; return and raise as `save_draft`."""
        return self._save(user_id, answers, replacing, is_onboarded=True)

    def _save(
        self, user_id: str, answers: Answers, replacing: Replacing, *, is_onboarded: bool
    ) -> Profile:
        params = {**answers, "is_onboarded": is_onboarded}
        statement: Any
        if isinstance(replacing, Profile):
            as_read = {**replacing.answers, "updated_at": replacing.updated_at, "user_id": user_id}
            statement = self._replace
            params |= {f"old_{name}": value for name, value in as_read.items()}
        else:
            statement = self._insert if replacing is None else self._upsert
            params["user_id"] = user_id

        def work(connection: Connection) -> Profile | None:
            row = connection.execute(statement, params).one_or_none()
            if row is None:
                # The row is final, or not `replacing`. Between the two statements only the deletion
                # of its user can remove it, or an operator.
                row = connection.execute(self._find, {"user_id": user_id}).one_or_none()
            return None if row is None else self.profile_from(row)

        try:
            profile = self._database.write(work)
        except IntegrityError as error:
            raise _refusal(error) from None
        if profile is None:
            raise ProfileChanged if isinstance(replacing, Profile) else UserDeleted
        if profile.answers == answers and (profile.is_onboarded or not is_onboarded):
            return profile
        if replacing in (ANY, profile):
            raise AlreadyOnboarded(profile)
        raise ProfileChanged


def _refusal(error: IntegrityError) -> Exception:
    """Return what a refusal means, without the row that PostgreSQL quotes.

    The foreign key is known by its SQLSTATE (23503): in an adopted table it may have any name. Any other
    refusal contradicts a rule that Python has checked, so the table isn't as expected.
    """
    diag = getattr(error.orig, "diag", None)
    if diag is not None and diag.sqlstate == "23503":
        return UserDeleted()
    return SchemaMismatch(f"the table refused valid answers: {diag and diag.message_primary}")
