"""Files that are the same for everybody, each named by its content: such a name is kept for good."""

import base64
import re
from collections.abc import Mapping
from hashlib import sha256, sha384
from pathlib import Path

# The script that pages of other sites load: the address that never changes, and the file.
EMBED_SCRIPT = "/embed.js"
_EMBED_FILE = "/static/embed.js"

# What is written for whoever reads the source: indentation, and lines that are comments.
_FOR_READERS = {
    ".js": re.compile(r"^\s*(//.*)?\n?", re.MULTILINE),
    ".css": re.compile(r"^\s*(/\*.*\*/)?\n?", re.MULTILINE),
}
_HASH = re.compile(r"\.[0-9a-f]{12}(?=\.[a-z]+$)")


class Assets:
    """The files of one folder and the themes' style sheets, under ``/static/``.

    Read once at the start. `themes` holds each theme's style sheet by its name.
    """

    def __init__(self, folder: Path, themes: Mapping[str, str]) -> None:
        # Types are for a main site's project, not for a browser.
        files = {f"/static/{f.name}": _served(f) for f in folder.iterdir() if f.suffix != ".ts"}
        sheets = {f"/static/themes/{name}.css": css.encode() for name, css in themes.items()}
        self._contents = files | sheets
        self._addresses = {path: _named(path, bytes_) for path, bytes_ in self._contents.items()}

    def address(self, path: str) -> str:
        """Give a path's address with its content's hash. Plain text: error pages need it too."""
        return self._addresses[_EMBED_FILE if path == EMBED_SCRIPT else path]

    def theme(self, name: str | None) -> str | None:
        """Give the address of a named theme's style sheet; None for light, dark and the default."""
        return self._addresses.get(f"/static/themes/{name}.css")

    def content(self, path: str) -> bytes | None:
        """Give what a path stands for now, under its name, with any hash or none; None if nothing."""
        return self._contents.get(_file(path))

    def integrity(self, path: str) -> str:
        """Give the hash that a page may demand of a script (Subresource Integrity)."""
        return "sha384-" + base64.b64encode(sha384(self._contents[_file(path)]).digest()).decode()

    def addresses(self) -> set[str]:
        """Give every address that our own pages and the snippet name."""
        return {*self._addresses.values(), EMBED_SCRIPT}


def is_for_other_sites(path: str) -> bool:
    """Tell whether a path is the one file that pages of other sites load, under any of its names."""
    return _file(path) == _EMBED_FILE


def _served(file: Path) -> bytes:
    for_readers = _FOR_READERS.get(file.suffix)
    return for_readers.sub("", file.read_text()).encode() if for_readers else file.read_bytes()


def _file(path: str) -> str:
    return _EMBED_FILE if path == EMBED_SCRIPT else _HASH.sub("", path)


def _named(path: str, content: bytes) -> str:
    name, dot, kind = path.rpartition(".")
    return f"{name}.{sha256(content).hexdigest()[:12]}{dot}{kind}"
