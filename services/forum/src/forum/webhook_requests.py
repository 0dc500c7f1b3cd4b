"""One HTTP request to a webhook's address: signed, to an address that was checked, within bounds.

Signatures are those of Standard Webhooks (standardwebhooks.com): an HMAC-SHA256 of id, time and body, so a receiver can
tell who sent it and that it is fresh. Redirects are not followed: what is signed for one address goes to this one
alone, and a redirect cannot lead anywhere. Proxies of the environment are not used, for they would resolve the name
anew. No connection is kept, since the next request may be for another name at the same address.
"""

import asyncio
import base64
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Mapping

import httpx

from forum.addresses import AddressGuard, AddressRefused, Destination
from forum.repository.deliveries import Outcome

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0
"""From the look-up of the name to the last byte."""
ANSWER_BYTES = 4096
"""So much of an answer's body is read, for politeness; it is looked at by nobody."""

CONNECTIONS = 100

_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a fresh secret, as Standard Webhooks writes them: `whsec_` and 24 bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def signed_headers(secret: str, event_id: str, body: bytes, now_unix: int) -> Mapping[str, str]:
    """Return the three headers that sign a body.

    Args:
        secret: See `new_secret`.
        event_id: The same in every attempt.
        body: What is sent.
        now_unix: Seconds since 1970.
    """
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = b"%b.%d.%b" % (event_id.encode(), now_unix, body)
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(now_unix),
        "webhook-signature": f"v1,{signature}",
    }


class WebhookRequests:
    """Sends requests.

    Args:
        guard: Decides where they may go.
        certificates: Whom to trust; by default the usual authorities.
    """

    def __init__(self, guard: AddressGuard, certificates: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._certificates = certificates
        self._client: httpx.AsyncClient | None = None

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Post a body and return what came of it; whatever goes wrong is part of that."""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                destination = await self._guard.destination(url)
                return await self._post(destination, headers, body)
        except AddressRefused as refused:
            return Outcome(0, f"not sent: {refused}")
        except TimeoutError:
            return Outcome(0, "no answer in time")
        except (httpx.HTTPError, OSError) as error:
            return Outcome(0, f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, destination: Destination, headers: Mapping[str, str], body: bytes) -> Outcome:
        everything = {
            "host": destination.host_header,
            "content-type": "application/json",
            "user-agent": "Plaza-Webhooks/1",
            "accept-encoding": "identity",
            **headers,
        }
        # The certificate has to be for the name, although the request goes to the address.
        extensions = {"sni_hostname": destination.host}
        async with self._open().stream(
            "POST", destination.url, content=body, headers=everything, extensions=extensions
        ) as answer:
            await _read_some(answer)
        if answer.is_success:
            return Outcome(answer.status_code, "")
        return Outcome(answer.status_code, "redirects are not followed" if answer.has_redirect_location else "refused")

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:  # reading the authorities takes a while: only processes that send do it
            self._client = httpx.AsyncClient(
                verify=self._certificates or True,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
                limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=0),
            )
        return self._client


async def _read_some(answer: httpx.Response) -> None:
    size = 0
    async for part in answer.aiter_raw(ANSWER_BYTES):
        size += len(part)
        if size >= ANSWER_BYTES:
            return
