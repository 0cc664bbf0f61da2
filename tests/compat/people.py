"""People in odd states: what the columns of the user and the session say about them."""

# What differs from an ordinary person with a live session: columns of the user, of the session.
STATES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "ordinary": ({}, {}),
    "e-mail verified": ({"emailVerified": True}, {}),
    "an admin": ({"role": "admin"}, {}),
    "ban: NULL": ({"banned": None}, {}),
    "ban: false": ({"banned": False}, {}),
    "banned for good": ({"banned": True}, {}),
    "banned until 2099": ({"banned": True, "banExpires": "2099-01-01T00:00Z"}, {}),
    "banned until 2020": ({"banned": True, "banExpires": "2020-01-01T00:00Z"}, {}),
    "not banned, yet with a date": ({"banned": False, "banExpires": "2099-01-01T00:00Z"}, {}),
    "anonymous": ({"isAnonymous": True}, {}),
    "no longer anonymous": ({"isAnonymous": False}, {}),
    "impersonated by an admin": ({}, {"impersonatedBy": "an admin"}),
}
