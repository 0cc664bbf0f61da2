"""What an orchestrator asks: does the process live, and can it do its work?"""

import logging

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from onboarding.database import Unavailable
from onboarding.resilience import Within
from onboarding.web.current import parts

log = logging.getLogger(__name__)

# Whoever asks soon asks again, and often gives up after a second; enough for a dropped connection.
PATIENCE_S = 1

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """Alive as long as it answers: a database outage must not get the process killed."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def ready() -> Response:
    """Ready when the database answers and holds what we need; else 503 with the reasons."""
    try:
        with Within(PATIENCE_S):
            faults = parts().identities.check()
    except Unavailable as unavailable:
        log.warning("not ready: %s", unavailable)
        # The driver's words name the host; the answer is open to all.
        faults = ["the database does not answer"]
    answer = jsonify(status="not ready" if faults else "ready", faults=faults)
    if faults:
        answer.status_code = 503
        answer.headers["Retry-After"] = "5"
    return answer
