"""The API for the main site: a user's profile as JSON, by the same rules as the wizard.

Reading costs no query beyond the gate's; saving costs one.
"""

import hashlib
import json
from datetime import datetime

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import ETags

from onboarding.profiles import (
    ANY,
    AlreadyOnboarded,
    Profile,
    ProfileChanged,
    Replacing,
    UserDeleted,
)
from onboarding.web.api_body import BODY_TYPE, IS_ONBOARDED, ProfileBody, read_body
from onboarding.web.errors import Conflict, NotSignedIn, PreconditionFailed
from onboarding.web.services import current_identity, current_user, services

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.get("/profile")
def read() -> ResponseReturnValue:
    return _profile_response(current_identity().profile).make_conditional(request)


@blueprint.put("/profile")
def save() -> Response:
    body, stored = read_body(), current_identity().profile
    if stored and "If-None-Match" not in request.headers and _is_stored(body, stored):
        # Sent again because its response was lost. What If-Match named is gone by this very call.
        return _profile_response(stored)
    replacing = _replacing(stored)
    profiles = services().profiles
    write = profiles.complete if body.is_onboarded else profiles.save_draft
    try:
        saved = write(current_user().user_id, body.answers, replacing)
    except AlreadyOnboarded as already:
        raise Conflict(members={"profile": _as_json(already.profile)}) from None
    except ProfileChanged:
        raise PreconditionFailed("The profile has changed meanwhile; read it again.") from None
    except UserDeleted:
        raise NotSignedIn("signed-out") from None
    # One statement's clock set both times of a new row.
    is_new = stored is None and saved.created_at == saved.updated_at
    return _profile_response(saved, 201 if is_new else 200)


@blueprint.get("/openapi.json")
def document() -> ResponseReturnValue:
    response = Response(services().openapi, mimetype=BODY_TYPE)
    response.add_etag()
    return response.make_conditional(request)


def _is_stored(body: ProfileBody, stored: Profile) -> bool:
    is_complete = stored.is_onboarded or not body.is_onboarded
    return is_complete and stored.answers == body.answers


def _replacing(stored: Profile | None) -> Replacing:
    """Return what the request's conditions let its answers take the place of (RFC 9110, 13.1).

    Raise `PreconditionFailed` when `stored` doesn't meet them. ``*`` stands for a row, which a draft
    is and "not answered yet" isn't.
    """
    conditions = {"If-Match", "If-None-Match"} & set(request.headers.keys())
    if "If-Match" in conditions and not _matches(request.if_match, stored, weakly=False):
        raise PreconditionFailed("If-Match isn't met: the profile has another version by now.")
    if "If-None-Match" in conditions and _matches(request.if_none_match, stored, weakly=True):
        raise PreconditionFailed("If-None-Match isn't met: the profile has this version already.")
    return stored if conditions else ANY


def _matches(tags: ETags, stored: Profile | None, *, weakly: bool) -> bool:
    if tags.star_tag:
        return stored is not None
    return tags.contains_weak(_etag(stored)) if weakly else tags.contains(_etag(stored))


def _profile_response(profile: Profile | None, status: int = 200) -> Response:
    response = Response(json.dumps(_as_json(profile)), status, mimetype=BODY_TYPE)
    response.set_etag(_etag(profile))
    return response


def _as_json(profile: Profile | None) -> dict[str, object]:
    questionnaire = services().questionnaire
    answers = profile.answers if profile else {}
    return {
        "user_id": current_user().user_id,
        IS_ONBOARDED: bool(profile and profile.is_onboarded),
        **{name: answers.get(name) for name in questionnaire.names},
        "missing": questionnaire.missing(answers),
        "created_at": _timestamp(profile.created_at) if profile else None,
        "updated_at": _timestamp(profile.updated_at) if profile else None,
    }


def _timestamp(naive_utc: datetime) -> str:
    return f"{naive_utc.isoformat(timespec='seconds')}Z"


def _etag(profile: Profile | None) -> str:
    """Return 32 hex digits that differ for every state of every user's profile."""
    return hashlib.sha256(repr((current_user().user_id, profile)).encode()).hexdigest()[:32]
