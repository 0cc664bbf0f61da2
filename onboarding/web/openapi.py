"""The API told as OpenAPI 3.1, made from the questions; `tests/web/test_api_fuzz.py` checks it."""

from typing import Any

from onboarding.profiles.questions import QUESTIONS
from onboarding.web.calls import BODY_TYPE, IS_ONBOARDED

_PROBLEM = "application/problem+json"
_ETAG = {"description": "The profile's version.", "schema": {"type": "string"}}
_REASONS = ["signed-out", "unverified", "banned", "anonymous"]


def _object(properties: dict[str, Any], *optional: str, closed: bool = True) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        **({"additionalProperties": False} if closed else {}),
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {"ETag": _ETAG},
        "content": {BODY_TYPE: {"schema": _ref(schema)}},
    }


def _problem(description: str, schema: str = "Problem") -> dict[str, Any]:
    return {"description": description, "content": {_PROBLEM: {"schema": _ref(schema)}}}


def _condition(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


_VALUES = {question.field: [answer.value for answer in question.answers] for question in QUESTIONS}
_NULLABLE_TIME = {"type": ["string", "null"], "format": "date-time"}
_PROBLEM_MEMBERS: dict[str, Any] = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string", "description": "Holds the reference that stands in our log."},
}
_EVERYWHERE = {
    "400": _problem("Another host name, two people's cookies, or a body that isn't JSON."),
    "401": _problem("Nobody is signed in; `reason` says why.", "NotSignedIn"),
    "503": _problem("The database or the main site doesn't answer; try again after Retry-After."),
}
_UNKNOWN_LENGTH = {"411": _problem("The body needs a Content-Length.")}

_READ = {
    "operationId": "readProfile",
    "summary": "The visitor's profile",
    "description": "Somebody who hasn't answered yet has a profile of nulls.",
    "parameters": [_condition("If-None-Match", "The version that is known already.")],
    "responses": {
        "200": _answer("The profile.", "Profile"),
        "304": {"description": "It is the version that is known.", "headers": {"ETag": _ETAG}},
        **_EVERYWHERE,
        **_UNKNOWN_LENGTH,
    },
}
_SAVE = {
    "operationId": "saveProfile",
    "summary": "Save the visitor's answers, as a draft or for good",
    "description": "May be sent again when its answer got lost.",
    "parameters": [
        _condition("If-Match", "Save only over this version; `*`: only over a saved one."),
        _condition("If-None-Match", "Save only over another version; `*`: only where none is."),
        {
            "name": "Origin",
            "in": "header",
            "required": True,
            "description": "A listed origin. Browsers set it; a server names its own site's.",
            "schema": {"type": "string"},
        },
    ],
    "requestBody": {"required": True, "content": {BODY_TYPE: {"schema": _ref("Wanted")}}},
    "responses": {
        "200": _answer("Saved, or as it was.", "SavedProfile"),
        "201": _answer("Saved, for the first time.", "SavedProfile"),
        **_EVERYWHERE,
        "403": _problem("A foreign Origin, or an impersonating administrator."),
        "409": _problem("The profile is final, with other answers.", "Final"),
        **_UNKNOWN_LENGTH,
        "412": _problem("If-Match or If-None-Match isn't met."),
        "413": _problem("A body over 16 KB."),
        "415": _problem("Not application/json in UTF-8."),
        "422": _problem("JSON, but no profile; `errors` names the fields.", "WrongFields"),
        "429": _problem("Too many saves of this person; try again after Retry-After."),
    },
}


def _profile(answers: dict[str, Any], time: dict[str, Any]) -> dict[str, Any]:
    return _object(
        {
            "user_id": {"type": "string"},
            IS_ONBOARDED: {"type": "boolean"},
            **answers,
            "created_at": time,
            "updated_at": time,
        }
    )


_ANSWERS = {field: {"type": "string", "enum": values} for field, values in _VALUES.items()}

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.1",
    "info": {"title": "Onboarding", "version": "1"},
    "security": [{"session": []}],
    "paths": {"/api/profile": {"get": _READ, "put": _SAVE}},
    "components": {
        "securitySchemes": {
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": "better-auth.session_token",
                "description": "The main site's session cookie, under the name that it gives it.",
            }
        },
        "schemas": {
            "Profile": _profile(
                {
                    field: {"type": ["string", "null"], "enum": [*values, None]}
                    for field, values in _VALUES.items()
                },
                _NULLABLE_TIME,
            ),
            "SavedProfile": _profile(_ANSWERS, {"type": "string", "format": "date-time"}),
            "Wanted": _object(
                {**_ANSWERS, IS_ONBOARDED: {"type": "boolean", "default": False}}, IS_ONBOARDED
            ),
            "Problem": _object(_PROBLEM_MEMBERS),
            "NotSignedIn": _object(
                {**_PROBLEM_MEMBERS, "reason": {"type": "string", "enum": _REASONS}}
            ),
            "Final": _object({**_PROBLEM_MEMBERS, "profile": _ref("SavedProfile")}),
            "WrongFields": _object(
                {
                    **_PROBLEM_MEMBERS,
                    "errors": {
                        "type": "array",
                        "minItems": 1,
                        "items": _object(
                            {"field": {"type": "string"}, "message": {"type": "string"}}
                        ),
                    },
                }
            ),
        },
    },
}
