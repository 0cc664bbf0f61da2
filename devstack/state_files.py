"""What outlives a run: generated secrets, the app's settings, and the lock that keeps two runs off the same data."""

import fcntl
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devstack.processes import StartFailed


def secret(path: Path) -> str:
    """The secret kept in `path` (mode 0600): 43 random characters, made at the first call."""
    if not path.exists():
        # Written beside and then linked into place: a run killed half-way leaves no empty secret, and of two
        # that start at once both use the one that came first.
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def settings(path: Path, variables: Mapping[str, str]) -> None:
    """Keep environment variables in `path` (mode 0600), for a shell to read with its dot command."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        for name, value in variables.items():
            file.write(f"export {name}={shlex.quote(value)}\n")


@contextmanager
def lock(path: Path, refusal: str) -> Iterator[None]:
    """Hold `path` for this process alone; raise StartFailed(refusal) at once when another process holds it.

    The kernel gives it back however we end, so there is no stale lock to clean up.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartFailed(refusal) from None
        yield
