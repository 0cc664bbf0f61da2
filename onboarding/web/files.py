"""The files that are the same for everybody: compressed once at the start, and served before the app.

They are public: they need no host check, no session and no gate. WhiteNoise serves them under the
names that our pages give them; the route behind it answers what such a name can't.
"""

import mimetypes
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.headers import Headers

from flask import Blueprint, Flask, abort, request
from werkzeug.wrappers import Response
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

from onboarding.web.assets import EMBED_SCRIPT, Assets
from onboarding.web.current import parts
from onboarding.web.headers import allow_other_sites

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

blueprint = Blueprint("files", __name__)

_FOR_A_WHILE_S = 300


@blueprint.get(EMBED_SCRIPT)
@blueprint.get("/static/<path:name>")
def file(name: str = "") -> Response:
    """The present file, under a name that isn't the present one: a page must not stand without it.

    During a rolling restart an old instance is asked for a new version's name, and the other way
    round. What it gives then must not be kept.
    """
    content = parts().assets.content(request.path)
    if content is None:
        abort(404)
    answer = Response(content, mimetype=mimetypes.guess_type(request.path)[0])
    answer.headers["Cache-Control"] = "no-cache"
    # As WhiteNoise says it: it depends on nobody's cookie.
    answer.headers["Vary"] = "Accept-Encoding"
    allow_other_sites(answer.headers, request.path)
    return answer


def serve_before(app: Flask, assets: Assets, headers: Mapping[str, str]) -> None:
    """Put the files before `app`, each with `headers`, in a folder that goes when the app goes."""
    folder = Path(tempfile.mkdtemp(prefix="onboarding-static-"))
    # A server that starts as root lets its workers be somebody else.
    folder.chmod(0o755)
    files = _Files(app.wsgi_app, assets, folder, headers)
    # A worker is a copy of the process that made the folder; its end is not the folder's.
    weakref.finalize(files, _remove, folder, os.getpid())
    app.wsgi_app = files  # type: ignore[method-assign]


class _Files(WhiteNoise):  # type: ignore[misc]
    """WhiteNoise over files that it is given one by one."""

    # A year: RFC 9111 has no use for more.
    FOREVER = 31_536_000

    def __init__(
        self, app: "WSGIApplication", assets: Assets, folder: Path, headers: Mapping[str, str]
    ) -> None:
        super().__init__(
            app,
            max_age=_FOR_A_WHILE_S,
            allow_all_origins=False,
            add_headers_function=self._add_headers,
            immutable_file_test=lambda _, url: url != EMBED_SCRIPT,
        )
        self._headers = headers
        compressor = Compressor(quiet=True)
        for number, url in enumerate(sorted(assets.addresses())):
            path = folder / f"{number}{Path(url).suffix}"
            path.write_bytes(assets.content(url) or b"")
            # No time of its own: instances that started apart must give equal validators.
            os.utime(path, (0, 0))
            compressor.compress(str(path))
            self.add_file_to_dictionary(url, str(path))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        known = self.files.get(environ.get("PATH_INFO", ""))
        if known is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self.application(environ, start_response)  # type: ignore[no-any-return]
        # A few kB are sent whole: part of one encoding must not be joined to part of another.
        environ.pop("HTTP_RANGE", None)
        try:
            return self.serve(known, environ, start_response)  # type: ignore[no-any-return]
        except OSError:
            # Something tidied the folder for temporary files. The route has the content in memory.
            return self.application(environ, start_response)  # type: ignore[no-any-return]

    def _add_headers(self, headers: Headers, path: str, url: str) -> None:
        for name, value in self._headers.items():
            headers[name] = value
        allow_other_sites(headers, url)
        # Weak, since one stands for all encodings (RFC 9110, 8.8.1).
        headers["ETag"] = f'W/"{sha256(Path(path).read_bytes()).hexdigest()[:12]}"'


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
