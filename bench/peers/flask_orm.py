"""The page as a first draft in Flask and SQLAlchemy's ORM: engine, session and relationships by default."""

import os
from datetime import UTC, datetime

from flask import Flask, redirect, render_template, request
from session_cookie import NAME, verified
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from werkzeug.wrappers import Response

engine = create_engine(os.environ["DATABASE_URL"], pool_pre_ping=True)
app = Flask(__name__)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    profile: Mapped["Profile | None"] = relationship()


class SignIn(Base):
    __tablename__ = "session"
    id: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column("expiresAt")
    user_id: Mapped[str] = mapped_column("userId", ForeignKey("user.id"))
    user: Mapped[User] = relationship()


class Profile(Base):
    __tablename__ = "user_profile"
    user_id: Mapped[str] = mapped_column(ForeignKey("user.id"), primary_key=True)
    python_proficiency: Mapped[str]
    developer_role: Mapped[str]
    is_onboarded: Mapped[bool]


@app.get("/profile")
def profile() -> str | Response:
    token = verified(request.cookies.get(NAME))
    if token is None:
        return redirect("/sign-in", 303)
    with Session(engine) as session:
        found = session.scalar(select(SignIn).where(SignIn.token == token))
        if found is None or found.expires_at < datetime.now(UTC):
            return redirect("/sign-in", 303)
        user = found.user
        if user.profile is None or not user.profile.is_onboarded:
            return redirect("/onboarding", 303)
        return render_template("profile.html", user=user, profile=user.profile)
