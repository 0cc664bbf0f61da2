"""Describes the API as OpenAPI 3.1, made from the questions."""

from typing import Any

from onboarding.questions import Questionnaire
from onboarding.web.api_body import BODY_TYPE, IS_ONBOARDED

_PROBLEM = "application/problem+json"
_ETAG = {"description": "The profile's version.", "schema": {"type": "string"}}
_REASONS = ["signed-out", "unverified", "session-ended", "banned", "anonymous"]


def _object(properties: dict[str, Any], *optional: str, closed: bool = True) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        **({"additionalProperties": False} if closed else {}),
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _response(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {"ETag": _ETAG},
        "content": {BODY_TYPE: {"schema": _ref(schema)}},
    }


def _problem(description: str, schema: str = "Problem") -> dict[str, Any]:
    return {"description": description, "content": {_PROBLEM: {"schema": _ref(schema)}}}


def _condition(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


_NULLABLE_TIME = {"type": ["string", "null"], "format": "date-time"}
_PROBLEM_MEMBERS: dict[str, Any] = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "instance": {"type": "string", "description": "Holds the reference that is in our log."},
}
_EVERYWHERE = {
    "400": _problem("Another host name, two people's cookies, or a body that isn't JSON."),
    "401": _problem("Nobody is signed in; `reason` says why.", "NotSignedIn"),
    "503": _problem("The database or the main site doesn't answer; try again after Retry-After."),
}

_READ = {
    "operationId": "readProfile",
    "summary": "The user's profile",
    "description": "A user who hasn't answered yet has a profile of nulls.",
    "parameters": [_condition("If-None-Match", "The version that is known already.")],
    "responses": {
        "200": _response("The profile.", "Profile"),
        "304": {"description": "It is the version that is known.", "headers": {"ETag": _ETAG}},
        **_EVERYWHERE,
    },
}
_SAVE = {
    "operationId": "saveProfile",
    "summary": "Save the user's answers, as a draft or for good",
    "description": "May be sent again when its response was lost.",
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
    "requestBody": {"required": True, "content": {BODY_TYPE: {"schema": _ref("ProfileInput")}}},
    "responses": {
        "200": _response("Saved, or as it was.", "SavedProfile"),
        "201": _response("Saved, for the first time.", "SavedProfile"),
        **_EVERYWHERE,
        "403": _problem("A foreign Origin, or an impersonated session."),
        "409": _problem("The profile is final, with other answers.", "Final"),
        "412": _problem("If-Match or If-None-Match isn't met."),
        "413": _problem("A body over 16 KB."),
        "415": _problem("Not application/json in UTF-8."),
        "422": _problem("JSON, but not a profile; `errors` names the fields.", "InvalidProfile"),
        "429": _problem("This user has saved too often; try again after Retry-After."),
    },
}


def _profile(
    questionnaire: Questionnaire, answers: dict[str, Any], time: dict[str, Any]
) -> dict[str, Any]:
    names = list(questionnaire.names)
    return _object(
        {
            "user_id": {"type": "string"},
            IS_ONBOARDED: {"type": "boolean"},
            **answers,
            "missing": {
                "type": "array",
                "items": {"type": "string", "enum": names},
                "description": "The questions that the user hasn't answered yet.",
            },
            "created_at": time,
            "updated_at": time,
        }
    )


def openapi_document(questionnaire: Questionnaire) -> dict[str, Any]:
    """Return the document of the API for a questionnaire."""
    values = {question.name: list(question.values) for question in questionnaire}
    answers: dict[str, Any] = {
        name: {"type": "string", "enum": listed} for name, listed in values.items()
    }
    nullable_answers: dict[str, Any] = {
        name: {"type": ["string", "null"], "enum": [*listed, None]}
        for name, listed in values.items()
    }
    is_onboarded = {"type": "boolean", "default": False}
    errors = {
        "type": "array",
        "minItems": 1,
        "items": _object({"field": {"type": "string"}, "message": {"type": "string"}}),
    }
    return {
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
                    "description": "The main site's session cookie, under the name it has there.",
                }
            },
            "schemas": {
                "Profile": _profile(questionnaire, nullable_answers, _NULLABLE_TIME),
                "SavedProfile": _profile(
                    questionnaire, answers, {"type": "string", "format": "date-time"}
                ),
                "ProfileInput": _object({**answers, IS_ONBOARDED: is_onboarded}, IS_ONBOARDED),
                "Problem": _object(_PROBLEM_MEMBERS),
                "NotSignedIn": _object(
                    {**_PROBLEM_MEMBERS, "reason": {"type": "string", "enum": _REASONS}}
                ),
                "Final": _object({**_PROBLEM_MEMBERS, "profile": _ref("SavedProfile")}),
                "InvalidProfile": _object({**_PROBLEM_MEMBERS, "errors": errors}),
            },
        },
    }
