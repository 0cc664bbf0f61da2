"""What processes use, by the kernel's own account in /proc. Linux only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

SERVERS_CORE, OTHERS_CORE = 0, 1


def cores() -> int:
    """How many cores the machine has."""
    return os.cpu_count() or 1


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Let what is started inside run on this one core; on a machine with one, on that.

    A child inherits it from us, and passes it on to its own.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(core, cores() - 1)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def on_every_core() -> Iterator[None]:
    """Let us, and what is started inside, run wherever there is room."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(cores()))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(root: int) -> float:
    """Seconds of CPU, user and system, that a process and all below it have used so far."""
    process = psutil.Process(root)
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            total += sum(one.cpu_times()[:4])
        except psutil.NoSuchProcess:
            # Its parent's account of ended children holds it from now on.
            continue
    return total


def workers_of(root: int) -> list[int]:
    """The processes that do the work: the children of a server that has any, else itself."""
    children = psutil.Process(root).children(recursive=True)
    large = [child.pid for child in children if child.memory_info().rss > 10 * 2**20]
    return large or [root]


def pss_mib(pid: int) -> float:
    """A process's memory in MiB, where what several share counts for each in part (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"the kernel tells no PSS of process {pid}")
