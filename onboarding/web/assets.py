"""Static files, addressed by their content: an address whose content can't change is kept for good."""

from hashlib import sha256
from pathlib import Path


class Assets:
    """The files of one folder, read once at the start; served under ``/static/``."""

    def __init__(self, folder: Path) -> None:
        self._versions = {
            file.name: sha256(file.read_bytes()).hexdigest()[:12] for file in folder.iterdir()
        }

    def address(self, name: str) -> str:
        """Give a file's address with its content's hash. Plain text: error pages need it too."""
        return f"/static/{name}?v={self._versions[name]}"

    def is_current(self, name: str, version: str | None) -> bool:
        """Tell whether `version` is that of the content served here.

        During a rolling restart an old instance may be asked for a new version; what it serves then
        must not be kept.
        """
        return version is not None and self._versions.get(name) == version
