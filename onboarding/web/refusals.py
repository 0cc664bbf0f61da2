"""Refusals that need words of their own: what happened, and what to do."""

from collections.abc import Mapping
from typing import Any

from werkzeug.exceptions import Forbidden, HTTPException

from onboarding.profiles.questions import N_


class Foreign(Forbidden):
    """A form or a call that no page of ours sent, as the browser says; the description says how.

    Anybody can make somebody's browser send as many as they like.
    """


class Refused(Forbidden):
    """Refused with 403; the page says `title` and `sentence`."""

    title: str
    sentence: str
    in_new_tab = False
    """Whether the same page would work in a tab of its own."""


class Impersonated(Refused):
    """An administrator who looks through somebody's eyes can't answer for them, for good."""

    title = N_("Only the person themselves can confirm")
    sentence = N_(
        "You are viewing this account as an administrator. These answers are final, so only the "
        "person themselves can give them."
    )


class Sandboxed(Refused, Foreign):
    """The page stands in a sandbox without `allow-same-origin`, which sends forms without a cookie."""

    title = N_("This page can't save here")
    sentence = N_(
        "The site around it shows it in a way that keeps it from saving. Open it in a new tab; your "
        "answer comes along."
    )
    in_new_tab = True


class Problem(HTTPException):
    """A refusal by the API: a status, a sentence for whoever wrote the call, further members.

    The sentence stays English: it is read by developers, and its members by their programs.
    """

    def __init__(self, status: int, detail: str, members: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.code = status
        self.detail = detail
        self.members = dict(members or {})


class NotSignedIn(Problem):
    """Nobody is signed in, as far as the API is concerned; `reason` says why in one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(401, f"Nobody is signed in here: {reason}.", {"reason": reason})


class WrongFields(Problem):
    """The body is JSON, but not what a profile is made of: `errors` gives a message a field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        named = [{"field": field, "message": message} for field, message in errors.items()]
        super().__init__(422, "The body is no profile.", {"errors": named})
