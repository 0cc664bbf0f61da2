"""A Chromium for Playwright on any machine, without root and without a download at test time."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from devstack.processes import ROOT, Child, StartFailed, wait_for

MODULES = ROOT / "tests" / "node_modules"
PACKAGE = MODULES / "@sparticuz" / "chromium"
CACHE = ROOT / ".cache"

# Nothing may leave the machine, and QUIC would go around a test's proxies.
ARGUMENTS = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
)

INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

# Node knows brotli, Python's standard library doesn't.
DECOMPRESS = """
const [from, to] = process.argv.slice(1), fs = require("fs");
require("stream").pipeline(
  fs.createReadStream(from), require("zlib").createBrotliDecompress(), fs.createWriteStream(to),
  (error) => { if (error) { console.error(error.message); process.exit(1); } });
"""

# The package's own font first, so that a page looks alike everywhere; for Urdu one of ours, since most
# machines' fonts lack some of its letters, which then take no room; the machine's for other scripts.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{directory}/fonts</dir>
  <dir>{modules}/@expo-google-fonts/noto-nastaliq-urdu</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{directory}/font-cache</cachedir>
  <match target="pattern">
    <edit name="family" mode="append_last"><string>Open Sans</string></edit>
  </match>
  <config></config>
</fontconfig>
"""


@dataclass(frozen=True)
class Browser:
    """A browser that was found, and how to launch it."""

    executable: Path | None
    """None: Playwright's own."""
    source: str
    """Where it was found, for people."""
    environment: dict[str, str] = field(default_factory=dict)
    sandbox: bool = True
    sandbox_problem: str = ""
    """Why the sandbox is off."""

    def launch_arguments(self) -> dict[str, Any]:
        """Return keyword arguments for Playwright's `launch`."""
        arguments: dict[str, object] = {
            "args": list(ARGUMENTS),
            "chromium_sandbox": self.sandbox,
            "env": os.environ | self.environment,
        }
        if self.executable is not None:
            arguments["executable_path"] = str(self.executable)
        return arguments


def find() -> Browser:
    """Return the browser to use: `$CHROMIUM`, an installed one, the npm package's, or Playwright's own.

    Raise `StartFailed` with the fix when there is none. Print to stderr when the sandbox must stay off.
    """
    use_system_node()
    browser = _from_environment() or _installed() or _packaged() or _from_playwright()
    if browser is None:
        raise StartFailed(
            "no browser for the tests: install Chromium or Chrome, or name one by CHROMIUM=/path/to/it, or run `.venv/bin/playwright install chromium`"
        )
    problem = _sandbox_problem(browser)
    if problem:
        print(f"Chromium runs without its sandbox: {problem}", file=sys.stderr)
    return replace(browser, sandbox=not problem, sandbox_problem=problem)


def use_system_node() -> None:
    """Let Playwright run on the system's Node: its own needs libatomic, which a bare system lacks.

    Has to happen before Playwright starts, so also call it where tests are configured.
    """
    node = shutil.which("node")
    if node is None:
        raise StartFailed("node is not on PATH: install Node.js 20 or newer")
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", node)


def _from_environment() -> Browser | None:
    program = os.environ.get("CHROMIUM")
    if not program:
        return None
    found = shutil.which(program)
    if found is None:
        raise StartFailed(f"CHROMIUM={program} is not an executable program")
    return Browser(Path(found), "CHROMIUM")


def _installed() -> Browser | None:
    for found in (*map(shutil.which, INSTALLED), str(MAC) if MAC.exists() else None):
        # A snap sees neither our cache nor most of /tmp.
        if found and "/snap/" not in os.path.realpath(found) and not _is_snap_wrapper(Path(found)):
            return Browser(Path(found), "installed")
    return None


def _is_snap_wrapper(program: Path) -> bool:
    with program.open("rb") as file:
        return b"/snap/" in file.read(2000)


def _packaged() -> Browser | None:
    """Return the Chromium of the npm package, unpacked once into the cache."""
    if (
        sys.platform != "linux"
        or platform.machine() not in ("x86_64", "AMD64")
        or not PACKAGE.is_dir()
    ):
        return None
    version = json.loads((PACKAGE / "package.json").read_text())["version"]
    directory = CACHE / f"chromium-{version}-{hashlib.sha256(FONTS.encode()).hexdigest()[:8]}"
    if not directory.exists():
        CACHE.mkdir(exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="chromium-draft-", dir=CACHE))
        try:
            _unpack(draft)
            (draft / "fonts.conf").write_text(FONTS.format(directory=directory, modules=MODULES))
            draft.chmod(0o755)
            draft.rename(directory)
        except OSError:
            if not directory.exists():  # else another process was first: its copy is as good
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Browser(
        directory / "chromium",
        f"npm package, {version}",
        {
            "LD_LIBRARY_PATH": str(directory / "lib"),
            "FONTCONFIG_FILE": str(directory / "fonts.conf"),
        },
    )


def _unpack(target: Path) -> None:
    for name in ("chromium.br", "al2023.tar.br", "fonts.tar.br"):
        unpacked = target / name.removesuffix(".br")
        done = subprocess.run(
            ["node", "-e", DECOMPRESS, PACKAGE / "bin" / name, unpacked],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise StartFailed(
                f"{name} of @sparticuz/chromium can't be unpacked: {done.stderr.strip()}"
            )
        if unpacked.suffix == ".tar":
            with tarfile.open(unpacked) as archive:
                # The safe filter came with a patch release of 3.11; the archive itself is pinned by its hash.
                archive.extraction_filter = getattr(
                    tarfile, "data_filter", lambda member, _: member
                )
                archive.extractall(target)  # noqa: S202
            unpacked.unlink()
    (target / "chromium").chmod(0o755)


def _from_playwright() -> Browser | None:
    """Return Playwright's own browser, where `playwright install` has put it."""
    spec = find_spec("playwright")
    if spec is None or spec.origin is None:
        return None
    listed = json.loads((Path(spec.origin).parent / "driver/package/browsers.json").read_text())[
        "browsers"
    ]
    home = Path.home()
    defaults = {
        "linux": home / ".cache/ms-playwright",
        "darwin": home / "Library/Caches/ms-playwright",
    }
    browsers = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or defaults.get(sys.platform, home))
    for browser in listed:
        folder = f"{browser['name'].replace('-', '_')}-{browser['revision']}"
        if (
            browser["name"].startswith("chromium")
            and (browsers / folder / "INSTALLATION_COMPLETE").exists()
        ):
            return Browser(None, "playwright install")
    return None


def _sandbox_problem(browser: Browser) -> str:
    """Return why Chromium's sandbox can't be used here, or "".

    Whether an unprivileged process may make the namespaces that the sandbox needs depends on the kernel, on AppArmor
    (by the browser's path) and on a set-uid program beside the browser. So try it, instead of guessing.
    """
    if sys.platform != "linux" or browser.executable is None:
        return ""
    if os.geteuid() == 0:
        return "Chromium refuses to use it as root"
    if not (error := _start_error(browser)):
        return ""
    if other_error := _start_error(browser, "--no-sandbox"):
        raise StartFailed(f"{browser.executable} doesn't run: {other_error}")
    return error


def _start_error(browser: Browser, *arguments: str) -> str:
    """Return why the browser didn't start, or "" when it did."""
    # Not --dump-dom: without a GPU the headless shell never ends it (measured with 153).
    with tempfile.TemporaryDirectory(
        prefix="chromium-trial-", ignore_cleanup_errors=True
    ) as profile:
        log = Path(profile) / "log"
        trial = Child(
            "Chromium",
            [
                *(str(browser.executable), "--headless", *ARGUMENTS, *arguments),
                *(f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"),
            ],
            log=log,
            environment=browser.environment,
        )
        try:
            wait_for(trial, lambda: None if b"DevTools listening" in log.read_bytes() else "silent")
        except StartFailed:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            causes = [line for line in lines if "sandbox" in line or "error while" in line]
            line = (causes or lines or ["it logs nothing"])[0]
            # The first sentence, without the time and place in Chromium's source in front of it.
            return re.split(r"(?<=[.!]) ", re.sub(r"^\[[^\]]*\]\s*", "", line))[0]
        trial.stop()
    return ""
