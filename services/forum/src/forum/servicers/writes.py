"""The unit of work of every RPC that changes something."""

from plaza_kit.idempotency import Idempotency

Writes = Idempotency
"""`await writes.run(method, request, response_type, work)`: one transaction, at most once per idempotency key.

Nothing here needs a preparation outside the transaction, so the kit's unit of work is the service's own.
"""
