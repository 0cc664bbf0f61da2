"""What an orchestrator asks: is the process alive, and can it do its work?"""

import logging

from flask import Blueprint, Response, jsonify

from onboarding.database import Unavailable
from onboarding.deadline import time_limit
from onboarding.web.services import services

log = logging.getLogger(__name__)

# Probes come again soon, and often give up after a second; enough for a dropped connection.
READY_BUDGET_S = 1

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """A database outage must not get the process killed."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def ready() -> Response:
    """Return 200 if the database answers and holds what the app needs, else 503 with the reasons."""
    try:
        with time_limit(READY_BUDGET_S):
            faults = services().identities.problems()
    except Unavailable as unavailable:
        log.warning("not ready: %s", unavailable)
        # The driver's message names the host, and everybody may read this.
        faults = ["the database does not answer"]
    response = jsonify(status="not ready" if faults else "ready", faults=faults)
    if faults:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return response
