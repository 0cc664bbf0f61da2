"""Questionnaires for tests: the packaged one and three small ones, and answers to them.

A test that needs a question, an option or an answer takes it from here, never from a literal: whatever
the packaged file asks, the tests hold.
"""

from collections.abc import Mapping
from itertools import product

import psycopg
from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from onboarding.profiles.table import FINAL, TABLE, profile_table
from onboarding.questions import Option, Question, Questionnaire, Text, load_questionnaire


def make_question(name: str, *values: str, hint: str | None = None) -> Question:
    """Return a question with these options, each labelled by its value."""
    return Question(
        name=name,
        title=Text(en=f"Which {name}?", ur=f"کون سا {name}؟"),
        options=tuple(
            Option(value, Text(en=value), hint=Text(en=f"About {value}")) for value in values
        ),
        heading=Text(en=f"Your {name}"),
        problem=Text(en=f"Choose your {name}"),
        hint=Text(en=hint) if hint else None,
    )


DEFAULT = load_questionnaire()
ONE = Questionnaire((make_question("newsletter", "Yes", "No"),))
# Values that are special in SQL, HTML, URLs or Python, in several scripts.
ODD = Questionnaire(
    (
        make_question("team_size", "1", "2-10", "100%", "50 % & more", 'it\'s "many" & <more>'),
        make_question(
            "city", "Zürich", "日本語", "لاہور", "🐘 + ☕", "New York'); DROP TABLE x; --"
        ),
        make_question("quotes", "'", '"', "''--", "a\\b", 'O\'Brien said "no"', hint="Roughly"),
        make_question("pick", "None", "null", "true", "%s", "%(token)s", "a+b=c?d&e"),
    )
)
# Names and numbers of options as short and as long as they may be.
FIVE = Questionnaire(
    tuple(
        make_question(name, *(f"{name} {number}" for number in range(options)))
        for name, options in {
            "colour": 2,
            "shape": 3,
            "a": 4,
            "question_with_a_name_of_forty_letters_ok": 5,
            "country2": 50,
        }.items()
    )
)
ALL: Mapping[str, Questionnaire] = {"default": DEFAULT, "one": ONE, "odd": ODD, "five": FIVE}


def some_answers(questionnaire: Questionnaire = DEFAULT) -> dict[str, str]:
    """Return an answer to each question."""
    return {question.name: question.values[-1] for question in questionnaire}


def other_answers(questionnaire: Questionnaire = DEFAULT) -> dict[str, str]:
    """Return answers that all differ from `some_answers`."""
    return {question.name: question.values[0] for question in questionnaire}


def all_answers(questionnaire: Questionnaire = DEFAULT) -> list[dict[str, str]]:
    """Return every combination of answers."""
    values = [question.values for question in questionnaire]
    return [dict(zip(questionnaire.names, chosen, strict=True)) for chosen in product(*values)]


def insert_profile(
    connection: psycopg.Connection,
    user_id: str,
    answers: Mapping[str, str],
    *,
    is_onboarded: bool = False,
) -> None:
    """Insert a profile by SQL."""
    row = {"user_id": user_id, **answers, "is_onboarded": is_onboarded}
    connection.execute(
        sql.SQL("INSERT INTO user_profile ({}) VALUES ({})").format(
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
    )


def profile_row(
    connection: psycopg.Connection, user_id: str, questionnaire: Questionnaire = DEFAULT
) -> tuple[dict[str, str], bool] | None:
    """Return the stored answers and `is_onboarded` of a user, None without a row."""
    columns = sql.SQL(", ").join(map(sql.Identifier, questionnaire.names))
    query = "SELECT is_onboarded, {} FROM user_profile WHERE CAST(user_id AS text) = {}"
    row = connection.execute(sql.SQL(query).format(columns, sql.Literal(user_id))).fetchone()
    return row and (dict(zip(questionnaire.names, row[1:], strict=True)), row[0])


def create_profile_table(connection: psycopg.Connection, questionnaire: Questionnaire) -> None:
    """Create `user_profile` for a questionnaire, as a migration would: CHECKs, key and trigger."""
    table = profile_table(questionnaire)
    ddl = str(CreateTable(table).compile(dialect=postgresql.dialect()))
    # Without a connection SQLAlchemy doubles what might be special to a driver or a server.
    connection.execute(ddl.replace("%%", "%").replace("\\\\", "\\"))
    connection.execute(
        sql.SQL(
            'ALTER TABLE {} ADD FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE'
        ).format(sql.Identifier(TABLE))
    )
    names = ["user_id", "is_onboarded", *questionnaire.names]
    old, new = (
        sql.SQL(", ").join(sql.SQL(f"{row}.{{}}").format(sql.Identifier(name)) for name in names)
        for row in ("OLD", "NEW")
    )
    connection.execute(f"""
        CREATE OR REPLACE FUNCTION {FINAL}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = '23001', MESSAGE = 'final', TABLE = '{TABLE}',
                CONSTRAINT = '{FINAL}';
        END $$
    """)
    connection.execute(
        sql.SQL(
            "CREATE TRIGGER {name} BEFORE UPDATE ON {table} FOR EACH ROW"
            " WHEN (OLD.is_onboarded AND ({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION {name}()"
        ).format(name=sql.Identifier(FINAL), table=sql.Identifier(TABLE), old=old, new=new)
    )
