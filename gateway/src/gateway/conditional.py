"""Conditional requests (RFC 9110, 13): entity tags, `If-None-Match`, `If-Modified-Since` and `If-Match`.

An entity tag is strong. Where the object has a version it begins with it: `"7-0f3c9a5b1e2d4c68"`; the rest is a hash of
the body, for an answer shows more than the object (counts, the caller's vote). `If-Match` is about the version alone.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from gateway.problems import Header, Problem

_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_VERSION = re.compile(rb'"([1-9][0-9]{0,17})(?:-[0-9a-f]{16})?"')
# What a 304 leaves out: it describes the body that is not sent (RFC 9110, 15.4.5).
_OF_BODY = (b"content-type", b"content-length")


def entity_tag(body: bytes, *, version: int = 0) -> Header:
    """Return the `ETag` of a body, of an object's version if it has one."""
    digest = hashlib.blake2b(body, digest_size=8).hexdigest()
    return b"etag", (f'"{version}-{digest}"' if version else f'"{digest}"').encode()


def last_modified(moment: datetime) -> Header:
    """Return the `Last-Modified` of an aware moment; HTTP's dates have whole seconds."""
    return b"last-modified", format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True).encode()


def is_not_modified(request: Mapping[bytes, bytes], answer: Sequence[Header]) -> bool:
    """Return whether the client has this answer already, as `If-None-Match` says or, without it, `If-Modified-Since`.

    Args:
        request: The request's headers.
        answer: The headers of an answer of status 200 to GET or HEAD.
    """
    wanted = request.get(b"if-none-match")
    if wanted is not None:
        tag = _value(answer, b"etag")
        return bool(tag) and (wanted.strip() == b"*" or tag in (found for _, found in _TAG.findall(wanted)))
    since = request.get(b"if-modified-since")
    modified = _value(answer, b"last-modified")
    if since is None or not modified:
        return False
    try:
        return parsedate_to_datetime(modified.decode()) <= parsedate_to_datetime(since.decode("latin-1"))
    except (ValueError, TypeError):  # not a date, or one without a zone: no condition at all
        return False


def unmodified_headers(answer: Sequence[Header]) -> list[Header]:
    """Return the headers of the 304 in place of an answer."""
    return [header for header in answer if header[0] not in _OF_BODY]


def expected_version(request: Mapping[bytes, bytes]) -> int:
    """Return the version that `If-Match` asks for; 0 if it asks for none.

    Raises:
        Problem: VERSION_MISMATCH: it names no version of ours.
    """
    wanted = request.get(b"if-match")
    if wanted is None or wanted.strip() == b"*":
        return 0
    found = _VERSION.fullmatch(wanted.strip())
    if found is None:
        raise Problem("VERSION_MISMATCH")
    return int(found[1])


def _value(headers: Sequence[Header], name: bytes) -> bytes:
    return next((value for found, value in headers if found == name), b"")
