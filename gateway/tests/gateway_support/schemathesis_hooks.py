"""Loaded by schemathesis: what a JSON schema cannot say about our requests."""

from typing import Any

import schemathesis


def whole(value: Any) -> Any:
    """JSON schema takes 14.0 for an integer; the contract does not."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    return whole(body)
