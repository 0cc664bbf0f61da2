"""Files that are the same for everybody, addressed by their content: such an address is kept for good."""

import base64
import re
from collections.abc import Mapping
from hashlib import sha256, sha384
from pathlib import Path

# The one file that pages of other sites load, and its address.
EMBED_SCRIPT = "/embed.js"

# What is written for whoever reads the source: indentation, and lines that are comments.
_FOR_READERS = re.compile(r"^\s*(//.*)?\n?", re.MULTILINE)


class Assets:
    """The files of one folder, served under ``/static/``, the embed script, the themes' style sheets.

    Read once at the start. `themes` holds each theme's style sheet by its name.
    """

    def __init__(self, folder: Path, themes: Mapping[str, str]) -> None:
        files = {f"/static/{file.name}": file.read_bytes() for file in folder.iterdir()}
        sheets = {f"/themes/{name}.css": css.encode() for name, css in themes.items()}
        script = _FOR_READERS.sub("", files["/static/embed.js"].decode()).encode()
        self._contents = files | sheets | {EMBED_SCRIPT: script}
        self._versions = {
            path: sha256(content).hexdigest()[:12] for path, content in self._contents.items()
        }

    def address(self, path: str) -> str:
        """Give a path's address with its content's hash. Plain text: error pages need it too."""
        return f"{path}?v={self._versions[path]}"

    def content(self, path: str) -> bytes:
        """Give what is served at a path."""
        return self._contents[path]

    def theme(self, name: str | None) -> str | None:
        """Give the address of a named theme's style sheet; None for light, dark and the default."""
        path = f"/themes/{name}.css"
        return self.address(path) if path in self._versions else None

    def integrity(self, path: str) -> str:
        """Give the hash that a page may demand of a script (Subresource Integrity)."""
        return "sha384-" + base64.b64encode(sha384(self._contents[path]).digest()).decode()

    def is_current(self, path: str, version: str | None) -> bool:
        """Tell whether `version` is that of the content served here.

        During a rolling restart an old instance may be asked for a new version; what it serves then
        must not be kept.
        """
        return version is not None and self._versions.get(path) == version
