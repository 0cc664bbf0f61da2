"""What is the same for everybody: the style sheets, which stand in each page, and the files beside it.

Each file is named by its content: such a name is kept for good.
"""

import base64
import re
from collections.abc import Mapping
from hashlib import sha256, sha384
from pathlib import Path

from markupsafe import Markup

# The script that pages of other sites load: the address that never changes, and the file.
EMBED_SCRIPT = "/embed.js"
_EMBED_FILE = "/static/embed.js"

# What is written for whoever reads the source: indentation, and lines that are comments. In a style
# sheet also the spaces around what ends a part of it; those within a selector or a value have a meaning.
_FOR_READERS = {
    ".js": re.compile(r"^\s*(//.*)?\n?", re.MULTILINE),
    ".css": re.compile(
        r"^\s*(/\*.*\*/)?\n?|(?<=[{};,])\s+|(?<=:) |\s+(?=[{}])|;\s*(?=\})", re.MULTILINE
    ),
}
_STYLE_SHEET = "/static/style.css"
_HASH = re.compile(r"\.[0-9a-f]{12}(?=\.[a-z]+$)")


class Assets:
    """The files of one folder, under ``/static/``, and the themes' style sheets.

    Read once at the start. `themes` holds each theme's style sheet by its name. `styles` are the sources
    of a policy that allows these style sheets and no other style: their hashes.
    """

    def __init__(self, folder: Path, themes: Mapping[str, str]) -> None:
        # Types are for a main site's project, not for a browser.
        files = {f"/static/{f.name}": _served(f) for f in folder.iterdir() if f.suffix != ".ts"}
        self._sheet = files[_STYLE_SHEET].decode()
        self._themes = {name: _FOR_READERS[".css"].sub("", css) for name, css in themes.items()}
        self.styles = [_source(css) for css in (self._sheet, *self._themes.values())]
        # A page of the release before this one names its sheets: an instance may be asked for them.
        sheets = {f"/static/themes/{name}.css": css.encode() for name, css in self._themes.items()}
        self._contents = files | sheets
        self._addresses = {
            path: _named(path, content)
            for path, content in self._contents.items()
            if not path.endswith(".css")
        }

    def address(self, path: str) -> str:
        """Give a path's address with its content's hash. Plain text: error pages need it too."""
        return self._addresses[_EMBED_FILE if path == EMBED_SCRIPT else path]

    def style(self) -> Markup:
        """Give the style sheet, as it stands in every page."""
        return _as_it_is(self._sheet)

    def theme(self, name: str | None) -> Markup | None:
        """Give a named theme's style sheet; None for light, dark and the default."""
        css = self._themes.get(name) if name else None
        return _as_it_is(css) if css else None

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


def _as_it_is(css: str) -> Markup:
    # Ours, or made of checked colours and lengths; escaped it would be another text than its hash's.
    # ast-grep-ignore: everything-is-escaped
    return Markup(css)  # noqa: S704


def _source(css: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(css.encode()).digest()).decode()}'"


def _served(file: Path) -> bytes:
    for_readers = _FOR_READERS.get(file.suffix)
    return for_readers.sub("", file.read_text()).encode() if for_readers else file.read_bytes()


def _file(path: str) -> str:
    return _EMBED_FILE if path == EMBED_SCRIPT else _HASH.sub("", path)


def _named(path: str, content: bytes) -> str:
    name, dot, kind = path.rpartition(".")
    return f"{name}.{sha256(content).hexdigest()[:12]}{dot}{kind}"
