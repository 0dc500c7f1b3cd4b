"""The form of an event stream on the bus, for those who write it and those who read it.

An entry has one field, `e`: the serialised `plaza.events.v1.Envelope`.
"""

FIELD = b"e"
"""The one field of an entry."""


def stream_name(source: str, shard: int) -> str:
    """Return the name of one of a service's event streams."""
    return f"plaza:events:{source}:{shard}"
