"""What the whole path is compared with: the least an ASGI server does, and the least FastAPI does, on uvicorn.

`python -m bench.baselines asgi|fastapi|typed|bytes|list PORT FILE`. The first three answer an object as large as a
profile. `fastapi` is the route of FastAPI's first tutorial page, a function that returns a dict; `typed` declares what
it returns, which lets FastAPI serialise faster. `bytes` returns a finished response: the bytes of a file. `list` does
the same and takes the parameters of a list, so that it does for the request what such a route has to do.
"""

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response

PROFILE = {
    "success": True,
    "profile": {
        "id": 1,
        "username": "bench",
        "email": "",
        "first_name": "",
        "last_name": "",
        "phone": None,
        "avatar": None,
        "date_joined": "2025-07-12T13:10:33.123Z",
        "last_login": "2025-07-12T13:10:33.123Z",
        "resume": None,
    },
}
BODY = b'{"success":true,"profile":{"id":1,"username":"bench","email":"","first_name":"","last_name":"","phone":null}}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    """Answer the same bytes, whatever is asked."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


def fastapi(kind: str, content: bytes) -> FastAPI:
    """One route that returns a dict, or bytes."""
    app = FastAPI()

    async def profile():  # type: ignore[no-untyped-def]  # without a type on purpose
        return PROFILE

    async def typed_profile() -> dict[str, Any]:
        return PROFILE

    async def finished() -> Response:
        return Response(content, media_type="application/json")

    async def listing(page: int = 1, page_size: int = 10) -> Response:
        return Response(content, media_type="application/json")

    routes = {"fastapi": profile, "typed": typed_profile, "bytes": finished, "list": listing}
    app.get("/")(routes[kind])
    return app


if __name__ == "__main__":
    wanted, port, file = sys.argv[1:]
    uvicorn.run(
        asgi if wanted == "asgi" else fastapi(wanted, Path(file).read_bytes()),
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
