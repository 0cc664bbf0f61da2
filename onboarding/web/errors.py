"""The errors of a request: what each tells a person and a program."""

from collections.abc import Mapping
from typing import Any, ClassVar

from onboarding.web.languages import N_


class RequestError(Exception):
    """A request that can't be answered as it was meant.

    A person reads `title` and `advice`, in their language; a program reads `detail`, in English.
    `reason` is for the log, `members` are further members of the problem+json.
    """

    status: ClassVar[int] = 400
    title: ClassVar[str] = N_("We couldn't understand that request")
    advice: ClassVar[str] = N_("Go back to the page you came from and try again.")
    detail: str | None = "The request can't be understood as it stands."
    retry_after: int | None = None
    can_retry: ClassVar[bool] = False
    """Whether the same request may succeed a little later."""
    in_new_tab: ClassVar[bool] = False
    """Whether the same page would work in a tab of its own."""

    def __init__(self, reason: str = "", members: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.members = dict(members or {})


class BrokenBody(RequestError):
    """The connection broke off, or the body's framing is wrong."""

    title = N_("That request was incomplete")
    advice = N_("Open the page again and send the form from there.")
    detail = "The body was cut short."


class SeveralUsers(RequestError):
    """The request carries the session cookies of two users, and nobody can say which one sent it."""

    title = N_("Two accounts are signed in at once")
    advice = N_("Sign out of %(site)s, sign in again and come back.")
    detail = "The request carries session cookies of different users."


class Unauthorized(RequestError):
    status = 401
    title = N_("You're signed out")
    advice = N_("Sign in to %(site)s and come back.")
    detail: str | None = None


class NotSignedIn(Unauthorized):
    """A call of the API without a session; `reason` says why in one word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, {"reason": reason})
        self.detail = f"Nobody is signed in here: {reason}."


class Forbidden(RequestError):
    status = 403
    title = N_("We couldn't verify that request")
    advice = N_("Nothing was changed. Open the page again and send your answer from there.")
    detail: str | None = (
        "This call needs an Origin of the main site, of EMBED_ORIGINS or of this app."
    )


class ForeignRequest(Forbidden):
    """A write that no allowed page sent, as the browser says. Anybody can cause many of these."""


class Sandboxed(ForeignRequest):
    """The page is in a sandbox without `allow-same-origin`, which sends forms without a cookie."""

    title = N_("This page can't save here")
    advice = N_(
        "The site around it shows it in a way that keeps it from saving. Open it in a new tab: your "
        "answer comes along."
    )
    detail: str | None = None
    in_new_tab = True


class Impersonated(RequestError):
    """An administrator who impersonates a user can't answer for them: the answers are final."""

    status = 403
    title = N_("Only the user can answer")
    advice = N_(
        "You're viewing this account as an administrator. These answers are final, so only the user "
        "can give them."
    )
    detail: str | None = None


class NotFound(RequestError):
    status = 404
    title = N_("Page not found")
    advice = N_("If you typed the address, check it. Otherwise continue from your profile.")
    detail = "There is no such URL under /api/."


class MethodNotAllowed(RequestError):
    status = 405
    title = N_("This page can't do that")
    advice = N_("Open the page again and continue from there.")
    detail = "This URL doesn't take that method; Allow names those that it takes."


class Conflict(RequestError):
    """`members` hold the profile as it is stored."""

    status = 409
    title = N_("Your answers are already confirmed")
    advice = N_("They can't change any more, so nothing was saved. Open your profile to see them.")
    detail = "The profile is final, with other answers."


class PreconditionFailed(RequestError):
    status = 412

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class TooLarge(RequestError):
    status = 413
    title = N_("That request was too large")
    advice = N_("Nothing was changed. Open the page again and choose one answer.")
    detail = "The body is larger than 16 KB."


class UnsupportedType(RequestError):
    status = 415
    title = N_("We couldn't read that request")
    advice = N_("Open the page again and send the form.")
    detail = "The body must be application/json in UTF-8, not compressed."


class InvalidProfile(RequestError):
    """The body is JSON, but not a profile; `errors` has a message for each field."""

    status = 422
    detail = "Invalid profile."

    def __init__(self, errors: Mapping[str, str]) -> None:
        listed = [{"field": field, "message": message} for field, message in errors.items()]
        super().__init__("", {"errors": listed})


class TooManyAttempts(RequestError):
    status = 429
    title = N_("Too many attempts")
    advice = N_("Nothing is lost. Wait a minute and try again.")
    detail = "This user has saved too often; try again after Retry-After."
    can_retry = True

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class ServiceUnavailable(RequestError):
    """What we depend on doesn't answer, or we failed: every save may be sent again."""

    status = 503
    title = N_("We can't reach your profile right now")
    advice = N_("It's our fault, and nothing is lost. Wait a moment and try again.")
    detail: str | None = None
    can_retry = True

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class MainSiteSilent(ServiceUnavailable):
    """The main site doesn't say who the visitor is."""

    title = N_("We can't find out who you are")
    advice = N_("%(site)s is busy or out of reach. Nothing is lost. Wait a moment and try again.")
