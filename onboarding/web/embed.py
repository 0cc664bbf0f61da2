"""`/embed.js`: the script with which a main site shows the app inside its own pages."""

from pathlib import Path

from flask import Blueprint, request
from werkzeug.wrappers import Response

from onboarding.web.assets import EMBED_SCRIPT, Assets
from onboarding.web.current import parts

blueprint = Blueprint("embed", __name__)

_SNIPPET = """\
<script src="{script}" integrity="{integrity}" crossorigin async></script>
<onboarding-frame src="{app}/">
  <a href="{app}/">Set up your profile</a>
</onboarding-frame>"""


@blueprint.get(EMBED_SCRIPT)
def script() -> Response:
    """The script; with its hash in ``?v=`` an address for good."""
    response = Response(parts().assets.content(EMBED_SCRIPT), mimetype="text/javascript")
    response.add_etag()
    return response.make_conditional(request.environ)


def snippet(app_origin: str) -> str:
    """Give the lines for a main site's page, the script pinned to the present one by its hash."""
    assets = Assets(Path(__file__).parents[1] / "static", themes={})
    return _SNIPPET.format(
        script=app_origin + assets.address(EMBED_SCRIPT),
        integrity=assets.integrity(EMBED_SCRIPT),
        app=app_origin,
    )
