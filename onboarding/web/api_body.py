"""Reads the body of an API call.

Strict, since a program sent it: a body that two readers could understand differently is refused, and
every refusal names the field.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import request

from onboarding.questions import Answers
from onboarding.web.errors import InvalidProfile, RequestError, UnsupportedType
from onboarding.web.services import services

BODY_TYPE = "application/json"
IS_ONBOARDED = "is_onboarded"
# A name of the caller's own, repeated in our response.
_LONGEST_NAME = 100


class InvalidJson(RequestError):
    detail = "The body isn't JSON in UTF-8."


@dataclass(frozen=True)
class ProfileBody:
    """What a caller wants to be stored."""

    answers: Answers
    is_onboarded: bool


def read_body() -> ProfileBody:
    """Return what the request's body wants.

    Raise a `RequestError` of status 415, 413 or 400 for what isn't JSON, `InvalidProfile` for
    JSON that isn't a profile.
    """
    coding = request.headers.get("Content-Encoding", "identity")
    parameters = {name: value.lower() for name, value in request.mimetype_params.items()}
    if (
        request.mimetype != BODY_TYPE
        or parameters not in ({}, {"charset": "utf-8"})
        or coding.lower() != "identity"
    ):
        raise UnsupportedType
    body = _parse(request.get_data())
    if not isinstance(body, dict):
        raise InvalidProfile({"": "The body must be an object."})
    return _profile_body(body)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_unique_members, parse_constant=_refuse_constant
        )
    # ValueError: not UTF-8, not JSON, or a number of thousands of digits.
    except (ValueError, RecursionError):
        raise InvalidJson from None


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name each reader takes another (RFC 8259, section 4)."""
    counts = Counter(name for name, _ in pairs)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise InvalidProfile({_shortened(name): "Duplicate field." for name in repeated})
    return dict(pairs)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _profile_body(body: Mapping[str, Any]) -> ProfileBody:
    questionnaire = services().questionnaire
    texts = {name: [value] for name, value in body.items() if isinstance(value, str)}
    known = questionnaire.parse(texts)
    is_onboarded = body.get(IS_ONBOARDED, False)
    # The wizard's messages, in English as all of our JSON.
    errors = {
        name: questionnaire.by_name[name].problem["en"] for name in questionnaire.missing(known)
    }
    if not isinstance(is_onboarded, bool):
        errors[IS_ONBOARDED] = "Must be true or false."
    for name in body:
        if name not in {*questionnaire.names, IS_ONBOARDED}:
            errors[_shortened(name)] = "Unknown field."
    answers = questionnaire.answers(known)
    if errors or answers is None:
        raise InvalidProfile(errors)
    return ProfileBody(answers, is_onboarded)


def _shortened(name: str) -> str:
    return name[:_LONGEST_NAME]
