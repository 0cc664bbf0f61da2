"""Refusals that need words of their own: what happened, and what to do."""

from werkzeug.exceptions import Forbidden

from onboarding.profiles.questions import N_


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


class Sandboxed(Refused):
    """The page stands in a sandbox without `allow-same-origin`, which sends forms without a cookie."""

    title = N_("This page can't save here")
    sentence = N_(
        "The site around it shows it in a way that keeps it from saving. Open it in a new tab; your "
        "answer comes along."
    )
    in_new_tab = True
