"""Every page in each of its states, as the app answers it: what is looked at from all sides."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, abort
from werkzeug.test import TestResponse

from tests.visitor import Person, Visitor

Q1, Q2, REVIEW = (
    "/onboarding/python-proficiency",
    "/onboarding/developer-role",
    "/onboarding/review",
)
REASONS = ("expired", "unverified", "banned", "anonymous", "cross-site")
# Statuses that no view of ours gives of itself.
RAISED = (400, 409, 413, 429, 503)
FRAMED = {"Sec-Fetch-Dest": "iframe"}

# The worst names and addresses that a main site may hand us.
HARD_TO_SHOW = {
    "long": ("W" * 300, f"{'w' * 64}@{'w' * 180}.example"),
    "rtl": ("أحمد بن محمد العربي", "ahmad@example.test"),
    "emoji": ("👩‍👩‍👧‍👦" * 40, "family@example.test"),
    "markup": ("<img src=x onerror=alert(1)><b>&amp;", '"<i>"@example.test'),
    "overriding": ("\u202eadA\u202d Ada\u0301\u0301\u0301", "a@example.test"),
}


@dataclass(frozen=True)
class Picture:
    """One page in one state."""

    name: str
    html: str
    path: str
    framed: bool = False


def raising(app: Flask) -> None:
    """Give an app that hasn't answered yet an address for each of the `RAISED` statuses."""

    def fail(status: int) -> str:
        abort(status)

    app.add_url_rule("/fails/<int:status>", "fails", fail, methods=["GET", "POST"])


def gallery(
    drop_downs: Flask, cards: Flask, newcomer: Callable[..., Person], language: str = "en"
) -> dict[str, Picture]:
    """Ask two apps, one with a name for the main site, for all of it in one language."""
    speaks = {"Accept-Language": language}
    made: dict[str, Picture] = {}

    def hang(name: str, answer: TestResponse, status: int = 200, framed: bool = False) -> None:
        assert answer.status_code == status, (name, answer.status, answer.headers)
        made[name] = Picture(name, answer.text, answer.request.path, framed)

    nobody = Visitor(drop_downs, None, speaks)
    new, drafted, done = (Visitor(drop_downs, newcomer(), speaks) for _ in range(3))
    drafted.answer()
    done.finish()
    watched = Visitor(drop_downs, newcomer(session={"impersonatedBy": "an admin"}), speaks)

    for widget, window in (("select", new), ("cards", Visitor(cards, newcomer(), speaks))):
        hang(f"question-{widget}", window.get(Q1))
        hang(f"question-{widget}-problem", window.get(f"{Q1}?problem=1"))
        hang(f"question-{widget}-stale", window.get(f"{Q1}?problem=stale"))
        hang(f"question-{widget}-answered", window.get(f"{Q2}?developer_role=None"))
        hang(f"question-{widget}-framed", window.get(Q1, FRAMED), framed=True)
    hang("question-back-to-answers", drafted.get(Q1))
    hang("review", drafted.get(REVIEW))
    hang("review-problem", drafted.get(f"{REVIEW}?problem=1"))
    hang("review-stale", drafted.get(f"{REVIEW}?problem=stale"))
    hang("review-framed", drafted.get(REVIEW, FRAMED), framed=True)
    both = "python_proficiency=Advanced&developer_role=None"
    hang("review-impersonated", watched.get(f"{REVIEW}?{both}"))
    hang("profile", done.get("/profile"))
    hang("profile-already", done.get("/profile?already=1"))
    hang("profile-framed", done.get("/profile", FRAMED), framed=True)
    for kind, (name, email) in HARD_TO_SHOW.items():
        person = newcomer(user={"name": name, "email": language + email})
        hang(f"review-{kind}", Visitor(drop_downs, person, speaks).get(f"{REVIEW}?{both}"))

    hang("signed-out", nobody.get("/signed-out"), 401)
    hang("signed-out-framed", nobody.get("/signed-out", FRAMED), 401, framed=True)
    for reason in REASONS:
        hang(f"signed-out-{reason}", nobody.get(f"/signed-out?reason={reason}"), 401)

    hang("error-403", new.post(Q1, {"csrf_token": "x"}), 403)
    hang("error-403-impersonated", watched.post(Q1), 403)
    opaque = {**FRAMED, "Origin": "null"}
    hang("error-403-sandboxed", new.post(Q1, headers=opaque), 403, framed=True)
    hang("error-404", nobody.get("/nowhere"), 404)
    hang("error-405", done.request("DELETE", "/profile"), 405)
    hang("error-411", new.post(Q1, headers={"Transfer-Encoding": "chunked"}), 411)
    hang("error-415", new.post(Q1, "{}", headers={"Content-Type": "application/json"}), 415)
    for status in RAISED:
        hang(f"error-{status}", done.get(f"/fails/{status}"), status)
    answers = {"python_proficiency": "Advanced", "developer_role": "None"}
    for status in (429, 503):
        hang(f"error-{status}-form", done.post(f"/fails/{status}", answers), status)
    return made
