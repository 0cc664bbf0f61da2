"""The API for the main site: a visitor's profile as JSON, by the same rules as the wizard.

Reading costs no query beyond the gate's; saving costs one.
"""

import hashlib
import json
from datetime import datetime

from flask import Blueprint, request
from werkzeug.wrappers import Response

from onboarding.profiles.model import Profile
from onboarding.profiles.questions import QUESTIONS
from onboarding.profiles.rules import (
    AlreadyOnboarded,
    Changed,
    UserGone,
    complete,
    is_done,
    save_draft,
)
from onboarding.web.calls import BODY_TYPE, IS_ONBOARDED, over, read_body
from onboarding.web.current import identity, parts, person
from onboarding.web.openapi import DOCUMENT
from onboarding.web.refusals import Impersonated, NotSignedIn, Problem

blueprint = Blueprint("api", __name__, url_prefix="/api")

_DOCUMENT = json.dumps(DOCUMENT)


@blueprint.get("/profile")
def read() -> Response:
    stored = identity().profile
    etag = _etag(stored)
    if request.if_none_match.contains_weak(etag):
        answer = Response(status=304)
        answer.set_etag(etag)
        return answer
    return _answer(stored, etag)


@blueprint.put("/profile")
def save() -> Response:
    if person().impersonated:
        raise Impersonated
    wanted, stored = read_body(), identity().profile
    if stored and "If-None-Match" not in request.headers and is_done(stored, **vars(wanted)):
        # Sent again because its answer got lost; what If-Match named is gone, by this very call.
        return _answer(stored, _etag(stored))
    replaced = over(stored, _etag(stored))
    write = complete if wanted.is_onboarded else save_draft
    try:
        saved = write(parts().database, person().user_id, wanted.answers, replaced)
    except AlreadyOnboarded as already:
        raise Problem(
            409, "The answers are final, and they are others.", {"profile": _shown(already.profile)}
        ) from None
    except Changed:
        raise Problem(412, "The profile has changed meanwhile; read it again.") from None
    except UserGone:
        raise NotSignedIn("signed-out") from None
    # One statement's clock made both times of a new row.
    is_new = stored is None and saved.created_at == saved.updated_at
    return _answer(saved, _etag(saved), status=201 if is_new else 200)


@blueprint.get("/openapi.json")
def document() -> Response:
    answer = Response(_DOCUMENT, mimetype=BODY_TYPE)
    answer.add_etag()
    return answer.make_conditional(request)


def _answer(profile: Profile | None, etag: str, status: int = 200) -> Response:
    answer = Response(json.dumps(_shown(profile)), status, mimetype=BODY_TYPE)
    answer.set_etag(etag)
    return answer


def _shown(profile: Profile | None) -> dict[str, object]:
    known = profile.answers.known() if profile else {}
    return {
        "user_id": person().user_id,
        IS_ONBOARDED: bool(profile and profile.is_onboarded),
        **{question.field: known.get(question.field) for question in QUESTIONS},
        "created_at": _time(profile.created_at) if profile else None,
        "updated_at": _time(profile.updated_at) if profile else None,
    }


def _time(naive_utc: datetime) -> str:
    return f"{naive_utc.isoformat(timespec='seconds')}Z"


def _etag(profile: Profile | None) -> str:
    """Tell a person's profile from every other state of it, and from other people's.

    From the values, not from the JSON: a 304 renders nothing.
    """
    return hashlib.sha256(repr((person().user_id, profile)).encode()).hexdigest()[:32]
