"""A plain Flask app as tutorials write it: SQLAlchemy's session with its defaults, a commit in the
view, no retry. It shares the tables of a Better-Auth site and saves the same two answers once.

It is no straw man: it verifies the cookie's signature and the session's expiry, refuses answers
that aren't listed, and doesn't change a finished profile. What it leaves out is what nobody writes
before the first outage.
"""

import base64
import hashlib
import hmac
import os
from datetime import UTC, datetime
from urllib.parse import unquote

from flask import Flask, redirect, request
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    scoped_session,
    sessionmaker,
)
from werkzeug.wrappers import Response

PROFICIENCIES = ("Beginner", "Intermediate", "Advanced")
ROLES = ("Frontend Developer", "Backend Developer", "Full Stack Developer", "None")


class Base(DeclarativeBase):
    """The tables."""


class User(Base):
    """Better-Auth's user, as far as it is needed."""

    __tablename__ = "user"
    id: Mapped[str] = mapped_column(primary_key=True)


class Session(Base):
    """Better-Auth's session, as far as it is needed."""

    __tablename__ = "session"
    id: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    user_id: Mapped[str] = mapped_column("userId", ForeignKey("user.id"))
    expires_at: Mapped[datetime] = mapped_column("expiresAt")


class UserProfile(Base):
    """The answers."""

    __tablename__ = "user_profile"
    user_id: Mapped[str] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), primary_key=True
    )
    python_proficiency: Mapped[str]
    developer_role: Mapped[str]
    is_onboarded: Mapped[bool] = mapped_column(default=False)


def create_app(database_url: str, secret: str) -> Flask:
    """Make the app."""
    app = Flask(__name__)
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    app.extensions["engine"] = engine
    db = scoped_session(sessionmaker(engine))

    @app.teardown_appcontext
    def _done(_: BaseException | None) -> None:
        db.remove()

    def signed_in() -> str | None:
        cookie = unquote(request.cookies.get("better-auth.session_token", ""))
        token, _, signature = cookie.rpartition(".")
        digest = hmac.digest(secret.encode(), token.encode(), hashlib.sha256)
        if not hmac.compare_digest(base64.b64encode(digest).decode(), signature):
            return None
        session = db.scalar(select(Session).where(Session.token == token))
        if session is None or session.expires_at < datetime.now(UTC):
            return None
        return session.user_id

    @app.get("/healthz")
    @app.get("/readyz")
    def alive() -> str:
        return "alive"

    @app.get("/profile")
    def profile() -> Response | dict[str, str]:
        user_id = signed_in()
        if user_id is None:
            return redirect("/sign-in", 303)
        found = db.get(UserProfile, user_id)
        return {"answers": f"{found.python_proficiency}, {found.developer_role}"} if found else {}

    @app.post("/onboarding/review")
    def save() -> Response | tuple[str, int]:
        user_id = signed_in()
        if user_id is None:
            return redirect("/sign-in", 303)
        proficiency = request.form["python_proficiency"]
        role = request.form["developer_role"]
        if proficiency not in PROFICIENCIES or role not in ROLES:
            return "choose one of the answers", 422
        profile = db.get(UserProfile, user_id)
        if profile is None:
            profile = UserProfile(user_id=user_id)
            db.add(profile)
        elif profile.is_onboarded:
            return redirect("/profile?already=1", 303)
        profile.python_proficiency = proficiency
        profile.developer_role = role
        profile.is_onboarded = True
        db.commit()
        return redirect("/profile", 303)

    return app


if "DATABASE_URL" in os.environ:
    # What gunicorn serves: bench.tutorial.app:app
    app = create_app(os.environ["DATABASE_URL"], os.environ["BETTER_AUTH_SECRET"])
