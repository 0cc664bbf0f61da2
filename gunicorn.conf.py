"""Settings of the server: `gunicorn wsgi:app` reads this file by itself."""

import gc
import logging
import multiprocessing
import os

from gunicorn.glogging import Logger

from onboarding.logs import FORMATS, init_logs
from onboarding.settings import THREADS

# Behind a proxy on this machine better a socket (`unix:…`): it is gone at once when we stop. A port
# accepts connections until the last worker ends, and answers none of them.
bind = os.environ.get("BIND", "127.0.0.1:8000")

# A worker a core: one interpreter lock each. Threads wait for the database, so there are many. The app
# reads their number, too: while the database is silent fewer may wait, so that some answer the probes.
workers = int(os.environ.get("WEB_CONCURRENCY", multiprocessing.cpu_count()))
threads = int(os.environ.get("WEB_THREADS", THREADS))
worker_class = "gthread"

# Settings faults end the program at once with their exit status, instead of a worker at a time. The
# price: SIGHUP starts new workers with the code that is loaded already.
preload_app = True
# Workers aren't replaced after so many requests (max_requests): nothing grows in them.

# Longer than any request may take (a save has 8 seconds), so that a stop cuts none off.
graceful_timeout = 15
# A worker whose main thread says nothing for so long is stuck, and replaced. The threads that serve
# requests have deadlines of their own.
timeout = 30
# Above the usual idle time of a proxy's connections, so that the proxy closes them, not we. A worker
# that stops keeps them for 2 seconds more, for requests that are on their way.
keepalive = 75
# How a worker says so: by touching a file. In memory, where no slow disk can make it late.
if os.path.isdir("/dev/shm"):  # noqa: S108  (gunicorn makes a file of its own in it, and unlinks it)
    worker_tmp_dir = "/dev/shm"  # noqa: S108

# Better-Auth's cookie cache of a large user is sent in pieces of 4 kB; the default of 8190 answers
# such a person 431 (measured).
limit_request_field_size = 32768
# Our own redirects carry addresses inside addresses; this is the most gunicorn allows.
limit_request_line = 8190

# From loopback gunicorn would take SCRIPT_NAME, PATH_INFO and the scheme from a client's headers;
# FORWARDED_PROXIES says whether any proxy may set them.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
control_socket_disable = True
# An installed beta of the C parser would be chosen by itself.
http_parser = "python"

# For whoever turns the access log on: the usual format has the query in it, and with it answers.
access_log_format = "%(m)s %(U)s %(s)s in %(M)s ms"


class _Log(Logger):
    """Writes gunicorn's own lines like the app's, unless a file was named for them."""

    def setup(self, cfg):
        super().setup(cfg)
        if not logging.getLogger().handlers:
            # The app does this again when it is loaded, with the facts of each request.
            init_logs(os.environ.get("LOG_FORMAT", FORMATS[0]), "info")
        for log, target in ((self.error_log, cfg.errorlog), (self.access_log, cfg.accesslog)):
            if target == "-":
                log.handlers.clear()
                log.propagate = True


logger_class = _Log


def pre_fork(server, worker):
    """Keep a worker's garbage collector away from the objects that it shares with this process.

    Looking at an object writes to it, which copies its page of memory: a busy worker's first full
    collection copied 20 MiB.
    """
    gc.freeze()


def pre_request(worker, req):
    """Join several Cookie headers with semicolons, as RFC 9113 (8.2.3) wants and Node.js does.

    gunicorn joins them with commas, which hides every cookie but the first. Browsers send one such
    header; a proxy that speaks HTTP/2 to them may pass on one for each cookie.
    """
    cookies = [value for name, value in req.headers if name == "COOKIE"]
    if len(cookies) > 1:
        others = [(name, value) for name, value in req.headers if name != "COOKIE"]
        req.headers = [*others, ("COOKIE", "; ".join(cookies))]
