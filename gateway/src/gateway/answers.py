"""Answers that clients may keep, as long as they ask whether they are still good."""

from datetime import datetime

import msgspec

from gateway.call import Answer
from gateway.conditional import entity_tag, last_modified
from gateway.problems import Header

_JSON: Header = (b"content-type", b"application/json")
_ASK_FIRST: Header = (b"cache-control", b"no-cache")
_PERSONAL: Header = (b"vary", b"Accept-Language, Origin, Authorization, Cookie")

_encode = msgspec.json.Encoder().encode


def tagged(document: msgspec.Struct, *, version: int = 0, modified: datetime | None = None) -> Answer:
    """Return an answer with an entity tag; what it shows may depend on who asks.

    Args:
        document: To encode.
        version: Of the object, for `If-Match`; 0 if it has none.
        modified: Aware; when the object last changed, None where nobody knows.
    """
    body = _encode(document)
    headers = [_JSON, entity_tag(body, version=version), _ASK_FIRST, _PERSONAL]
    if modified is not None:
        headers.append(last_modified(modified))
    return Answer(body, headers)
