"""Shifts the clock of the Python process that finds this on its path, by CLOCK_SHIFT_SECONDS.

In Python alone: the database, and whatever else runs, keep their clocks. (libfaketime, which shifts
the C library's, hangs gunicorn.) `time.monotonic` stays, as it does when a real clock is set.
"""

import datetime
import os
import time

_SHIFT_S = int(os.environ["CLOCK_SHIFT_SECONDS"])
_time, _time_ns, _datetime = time.time, time.time_ns, datetime.datetime


class _Kind(type):
    # What C code makes is of the real class.
    def __instancecheck__(cls, value):
        return isinstance(value, _datetime)


class _Shifted(_datetime, metaclass=_Kind):
    @classmethod
    def now(cls, tz=None):
        return _datetime.now(tz) + datetime.timedelta(seconds=_SHIFT_S)

    @classmethod
    def utcnow(cls):
        return _datetime.now(datetime.UTC).replace(tzinfo=None) + datetime.timedelta(
            seconds=_SHIFT_S
        )


time.time = lambda: _time() + _SHIFT_S
time.time_ns = lambda: _time_ns() + _SHIFT_S * 1_000_000_000
datetime.datetime = _Shifted
