"""Reads a body that comes in chunks, as proxies send it that pass on what they haven't read to its end.

No header says how long such a body is. Werkzeug 3.1 cuts it off at the limit without an error, so one
byte more than the limit is read here.
"""

from flask import request

from onboarding.web.errors import BrokenBody, TooLarge


def is_chunked() -> bool:
    """Return whether the request's body comes in chunks."""
    return "Transfer-Encoding" in request.headers


def read_chunked_body() -> None:
    """Read the request's body if it comes in chunks, so that every later reader finds it whole.

    Raise `TooLarge` beyond ``MAX_CONTENT_LENGTH``, `BrokenBody` unless it ends as it should.
    """
    if not is_chunked():
        return
    limit = request.max_content_length or 0
    request.max_content_length = limit + 1
    try:
        size = len(request.get_data())
    # Each server has errors of its own for chunks that are no chunks.
    except Exception as error:
        raise BrokenBody(f"its chunks can't be read ({type(error).__name__})") from None
    if size > limit:
        raise TooLarge
