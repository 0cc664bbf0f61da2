"""What processes use, as the kernel reports it in /proc. Linux only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SERVER_CORE, OTHER_CORE = 0, 1


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run this thread, and the processes that it starts, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(core, (os.cpu_count() or 1) - 1)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that the threads of a process and its descendants have used."""
    process = psutil.Process(pid)
    total = 0
    for one in (process, *process.children(recursive=True)):
        for thread in Path(f"/proc/{one.pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # it has just ended
                total += int(thread.read_text().split()[0])
    return total / 1e9


def workers(pid: int) -> list[int]:
    """Return the processes that serve: a server's large children if it has any, else the server."""
    children = psutil.Process(pid).children(recursive=True)
    return [child.pid for child in children if child.memory_info().rss > 10 * 2**20] or [pid]


def pss_mib(pid: int) -> float:
    """Return a process's memory in MiB; pages that processes share count in part (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
