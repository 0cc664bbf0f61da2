"""What is missing or different in the real table is named, and nothing else."""

import pytest

from onboarding.profiles.schema import problems, table_problems
from tests.betterauth.layouts import CAMEL
from tests.questionnaires import DEFAULT

ALTER = "ALTER TABLE user_profile"
KEY = f"{ALTER} DROP CONSTRAINT user_profile_user_id_fkey"
REFERENCE = 'ADD FOREIGN KEY (user_id) REFERENCES "user" (id)'
NOT_DELETED = "rows of user_profile aren't deleted along with their users"
CHECK = "constraint ck_user_profile_{last} is missing or differs from the questions"
TRIGGER = "trigger user_profile_is_final is missing, disabled or differs from the questions"

# A change to the table, and the problem that is found.
DAMAGES = {
    "DROP TABLE user_profile": "table user_profile is missing",
    f"{ALTER} RENAME {{last}} TO other": "column user_profile.{last} is missing",
    f"{ALTER} DROP {{last}} CASCADE": (
        "the table user_profile that is there isn't this app's: it has no {last}"
    ),
    f"{ALTER} ALTER created_at TYPE timestamptz": (
        "column user_profile.created_at is of type timestamp with time zone"
    ),
    f"DROP TRIGGER user_profile_is_final ON user_profile; {KEY},"
    " ALTER user_id TYPE uuid USING CAST(user_id AS uuid)": (
        "column user_profile.user_id is of type uuid, not text"
    ),
    f"{ALTER} ALTER is_onboarded DROP NOT NULL": "column user_profile.is_onboarded may be NULL",
    f"{ALTER} ALTER {{last}} DROP NOT NULL": "column user_profile.{last} may be NULL",
    f"{ALTER} DROP CONSTRAINT ck_user_profile_{{last}}": CHECK,
    f"{ALTER} DROP CONSTRAINT ck_user_profile_{{last}},"
    " ADD CONSTRAINT ck_user_profile_{last} CHECK (true)": CHECK,
    f"TRUNCATE user_profile; {ALTER} DROP CONSTRAINT ck_user_profile_{{last}},"
    " ADD CONSTRAINT ck_user_profile_{last} CHECK ({last} IN ('one', 'two'))": CHECK,
    f"{ALTER} DROP CONSTRAINT user_profile_pkey": "table user_profile has no primary key",
    f"{ALTER} ADD team text NOT NULL DEFAULT ''; {ALTER} ALTER team DROP DEFAULT": (
        "column user_profile.team is NOT NULL without a default"
    ),
    f"{ALTER} {REFERENCE}": NOT_DELETED,
    KEY: NOT_DELETED,
    f"{KEY}, {REFERENCE}": NOT_DELETED,
    "DROP TRIGGER user_profile_is_final ON user_profile": TRIGGER,
    f"{ALTER} DISABLE TRIGGER user_profile_is_final": TRIGGER,
    f"{ALTER} ENABLE REPLICA TRIGGER user_profile_is_final": TRIGGER,
    "DROP TRIGGER user_profile_is_final ON user_profile;"
    " CREATE TRIGGER user_profile_is_final AFTER INSERT ON user_profile FOR EACH ROW"
    " WHEN (false) EXECUTE FUNCTION user_profile_is_final()": TRIGGER,
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.items(), ids=DAMAGES)
def test_what_is_missing_or_different_is_named(questionnaire, database, damage, message):
    last = questionnaire.names[-1]
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with transactions.connect() as connection:
        assert problems(connection, questionnaire, "text") == []
        for statement in damage.format(last=last).split(";"):
            connection.exec_driver_sql(statement)
        found = table_problems(connection, questionnaire, "text")
        connection.rollback()
    messages = [problem.message for problem in found]
    assert [one for one in messages if one.startswith(message.format(last=last))], messages


@pytest.mark.parametrize(
    ("user_id_type", "fits"),
    [("text", True), ("character varying", True), ("uuid", False), ("integer", False)],
)
def test_a_textual_column_refers_to_textual_ids_only(questionnaire, database, user_id_type, fits):
    found = database.read(lambda connection: problems(connection, questionnaire, user_id_type))
    message = f"column user_profile.user_id is of type text, not {user_id_type}"
    assert [problem.message for problem in found] == ([] if fits else [message])


def test_a_role_that_may_not_save_is_named_beside_the_table_s_own_problems(profiles_database):
    schema = profiles_database.create_schema("rights", CAMEL.ddl())
    schema.migrate()
    schema.sql("""
        CREATE ROLE profiles_reader;
        GRANT USAGE ON SCHEMA rights TO profiles_reader;
        GRANT SELECT, INSERT ON user_profile TO profiles_reader
    """)
    found = schema.run(
        lambda connection: problems(connection, DEFAULT, "text"), role="profiles_reader"
    )
    assert list(map(str, found)) == [
        "this role may not SELECT, INSERT and UPDATE user_profile: grant it"
    ]
