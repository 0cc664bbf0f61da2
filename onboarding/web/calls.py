"""Reads a call of the API: its body, held against the questions, and its conditions.

Strict, since the other side is a program: a body that two readers could understand in two ways is
refused, and every refusal names the field.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import request
from werkzeug.datastructures import ETags
from werkzeug.exceptions import LengthRequired

from onboarding.profiles.model import Profile
from onboarding.profiles.questions import QUESTIONS, Answers, parse_answers
from onboarding.profiles.rules import Over, Whatever
from onboarding.web.refusals import Problem, WrongFields

BODY_TYPE = "application/json"
IS_ONBOARDED = "is_onboarded"
# A name of the caller's own, in our answer.
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Wanted:
    """What a caller wants the profile to be."""

    answers: Answers
    is_onboarded: bool


def read_body() -> Wanted:
    """Give what the current request's body wants.

    Raises with 415, 411, 413 or 400 for what isn't JSON, `WrongFields` for JSON that is no profile.
    """
    _refuse_other_types()
    if request.content_length is None:
        raise LengthRequired
    body = _parsed(request.get_data(cache=False))
    if not isinstance(body, dict):
        raise WrongFields({"": "The body must be an object."})
    return _wanted(body)


def _refuse_other_types() -> None:
    coding = request.headers.get("Content-Encoding", "identity")
    parameters = {name: value.lower() for name, value in request.mimetype_params.items()}
    if (
        request.mimetype != BODY_TYPE
        or parameters not in ({}, {"charset": "utf-8"})
        or coding.lower() != "identity"
    ):
        raise Problem(415, f"The body must be {BODY_TYPE}, in UTF-8, not compressed.")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_without_twins, parse_constant=_refuse_constant
        )
    # ValueError: no UTF-8, no JSON, a number of thousands of digits.
    except (ValueError, RecursionError):
        raise Problem(400, "The body isn't JSON in UTF-8.") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name every reader takes the one it likes (RFC 8259, section 4)."""
    counts = Counter(name for name, _ in pairs)
    twins = [name for name, count in counts.items() if count > 1]
    if twins:
        raise WrongFields({_shown(name): "This field stands there twice." for name in twins})
    return dict(pairs)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _wanted(body: Mapping[str, Any]) -> Wanted:
    texts = {name: value for name, value in body.items() if isinstance(value, str)}
    known = parse_answers(texts)
    fields = {question.field for question in QUESTIONS}
    is_onboarded = body.get(IS_ONBOARDED, False)
    errors = {
        # The words of the wizard, in English as all of our JSON.
        **{
            question.field: question.problem
            for question in QUESTIONS
            if question.field not in known
        },
        **({} if isinstance(is_onboarded, bool) else {IS_ONBOARDED: "It must be true or false."}),
        **{
            _shown(name): "A profile has no such field."
            for name in body
            if name not in {*fields, IS_ONBOARDED}
        },
    }
    answers = Answers.of(known)
    if errors or answers is None:
        raise WrongFields(errors)
    return Wanted(answers, is_onboarded)


def _shown(name: str) -> str:
    return name[:_LONGEST_NAME]


def over(stored: Profile | None, etag: str) -> Over:
    """Give what the current request's conditions let its answers take the place of.

    `etag` is that of `stored`. Raises with 412 when `stored` doesn't meet them (RFC 9110, 13.1).
    ``*`` stands for a row, which a draft is and "not answered yet" isn't.
    """
    conditions = {"If-Match", "If-None-Match"} & set(request.headers.keys())
    if "If-Match" in conditions and not _holds(request.if_match, stored, etag, weakly=False):
        raise Problem(412, "If-Match isn't met: the profile is another by now.")
    if "If-None-Match" in conditions and _holds(request.if_none_match, stored, etag, weakly=True):
        raise Problem(412, "If-None-Match isn't met: the profile is this one already.")
    return stored if conditions else Whatever.IS_THERE


def _holds(tags: ETags, stored: Profile | None, etag: str, *, weakly: bool) -> bool:
    if tags.star_tag:
        return stored is not None
    return tags.contains_weak(etag) if weakly else tags.contains(etag)
