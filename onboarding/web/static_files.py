"""The static files: Flask's own, with a hash of the content in the URL.

A URL with the present hash may be kept for ever. One with another hash, from the release before or
after, or with none, is answered with the present file and checked again each time: a page must not be
without it while instances are replaced.
"""

import base64
import re
from collections.abc import Mapping
from hashlib import sha256, sha384
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, request
from markupsafe import Markup

FOLDER = Path(__file__).parents[1] / "static"
EMBED_SCRIPT = "embed.js"

blueprint = Blueprint("static_files", __name__)

_HASH = re.compile(r"\.[0-9a-f]{12}(?=\.[a-z]+$)")
# How long a browser may keep the embed script, which main sites load without a hash.
_EMBED_MAX_AGE_S = 300
_FOR_EVER = "public, max-age=31536000, immutable"


class StaticFiles:
    """The hashes of the files in `FOLDER`, and the style sheet that pages include, for each theme.

    In the page it saves a page's first visit a round trip (first paint 1.15 instead of 1.62 times an
    empty page's, at 40 ms). The policy allows it, and each theme's, by its hash.
    """

    def __init__(self, themes: Mapping[str, str]) -> None:
        """`themes` holds each theme's style sheet by its name."""
        self._hashes = {file.name: _content_hash(file) for file in FOLDER.iterdir()}
        style = (FOLDER / "style.css").read_text(encoding="utf-8")
        self.styles = {name: _trusted(theme + style) for name, theme in themes.items()}
        self.style_sources = tuple(map(_csp_source, self.styles.values()))

    def hashed(self, filename: str) -> str:
        """Return the name of a file with its hash: ``frame.js`` is ``frame.0123456789ab.js``."""
        stem, dot, suffix = filename.rpartition(".")
        known = self._hashes.get(filename)
        return f"{stem}.{known}{dot}{suffix}" if known else filename


def embed_script(app_origin: str) -> tuple[str, str]:
    """Return the URL of the embed script with its hash, and its Subresource Integrity."""
    content = (FOLDER / EMBED_SCRIPT).read_bytes()
    name = StaticFiles({}).hashed(EMBED_SCRIPT)
    integrity = "sha384-" + base64.b64encode(sha384(content).digest()).decode()
    return f"{app_origin}/static/{name}", integrity


@blueprint.get(f"/{EMBED_SCRIPT}", endpoint="embed_script")
def _embed_script() -> Response:
    response = current_app.send_static_file(EMBED_SCRIPT)
    response.headers["Cache-Control"] = f"public, max-age={_EMBED_MAX_AGE_S}"
    return response


def init_static_files(app: Flask, files: StaticFiles) -> None:
    """Put the hashes into the URLs of static files."""

    @app.url_defaults
    def add_hash(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values["filename"] = files.hashed(values["filename"])

    @app.url_value_preprocessor
    def remove_hash(endpoint: str | None, values: dict[str, Any] | None) -> None:
        if endpoint == "static" and values:
            named = values["filename"]
            values["filename"] = _HASH.sub("", named)
            g.has_present_hash = named == files.hashed(values["filename"]) != values["filename"]

    @app.after_request
    def set_headers(response: Response) -> Response:
        is_embed = request.endpoint == "static_files.embed_script"
        if response.status_code >= 400 or not (is_embed or request.endpoint == "static"):
            return response
        if not is_embed:
            response.headers["Cache-Control"] = _FOR_EVER if g.has_present_hash else "no-cache"
        # The same for everybody; a proxy may compress it.
        response.headers["Vary"] = "Accept-Encoding"
        if is_embed or (request.view_args or {}).get("filename") == EMBED_SCRIPT:
            # Pages of any site load it, and read it to check its hash.
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response


def _trusted(css: str) -> Markup:
    # Our own file, or checked colours and lengths. Escaped it would no longer match its hash.
    # ast-grep-ignore: everything-is-escaped
    return Markup(css)  # noqa: S704


def _csp_source(css: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(css.encode()).digest()).decode()}'"


def _content_hash(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()[:12]
