"""`/embed.js`: the script with which a main site shows the app inside its own pages."""

from pathlib import Path

from flask import Blueprint, current_app
from werkzeug.wrappers import Response

from onboarding.web.assets import Assets
from onboarding.web.headers import EMBED_SCRIPT

blueprint = Blueprint("embed", __name__)

_SNIPPET = """\
<script src="{script}" integrity="{integrity}" crossorigin async></script>
<onboarding-frame src="{app}/">
  <a href="{app}/">Set up your profile</a>
</onboarding-frame>"""


@blueprint.get(f"/{EMBED_SCRIPT}")
def script() -> Response:
    """The script under its lasting address. Under its hash, Flask's `static` serves the same file."""
    return current_app.send_static_file(EMBED_SCRIPT)


def snippet(app_origin: str) -> str:
    """Give the lines for a main site's page, the script pinned to the present one by its hash."""
    assets = Assets(Path(__file__).parents[1] / "static", themes={})
    path = f"/static/{EMBED_SCRIPT}"
    return _SNIPPET.format(
        script=app_origin + assets.address(path),
        integrity=assets.integrity(path),
        app=app_origin,
    )
