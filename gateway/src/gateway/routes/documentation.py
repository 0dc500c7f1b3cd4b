"""The OpenAPI document and a page to read and try it, all served from here."""

from functools import lru_cache
from importlib import resources

from gateway.call import Answer, Call
from gateway.problems import Header
from gateway.routing import Access, Handler, Operation, Routes

routes = Routes("Documentation", "en")

_SHOWN = Operation(access=Access.PUBLIC, is_documented=False)
_CACHEABLE: Header = (b"cache-control", b"public, max-age=86400")
# Swagger UI sets styles from its script, which a policy sees as inline, and has its icons as data URLs.
_PAGE_POLICY: Header = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
_PAGE = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Plaza API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = b"""SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
});
"""


@routes.get("/openapi.json", _SHOWN)
async def get_openapi(call: Call) -> Answer:
    """Get the OpenAPI document."""
    return Answer(call.runtime.openapi, [(b"content-type", b"application/json"), (b"cache-control", b"no-cache")])


@routes.get("/docs", _SHOWN)
async def get_page(call: Call) -> Answer:
    """Show the documentation."""
    headers = [(b"content-type", b"text/html; charset=utf-8"), _PAGE_POLICY, (b"referrer-policy", b"no-referrer")]
    return Answer(_PAGE, headers)


@routes.get("/docs/start.js", _SHOWN)
async def get_start(call: Call) -> Answer:
    """Start the page."""
    return Answer(_START, [(b"content-type", b"text/javascript; charset=utf-8"), _CACHEABLE])


@lru_cache(maxsize=8)  # one entry per asset
def asset(name: str) -> bytes:
    """Return a file of Swagger UI, as the package `fastapi-offline` carries it."""
    return resources.files("fastapi_offline").joinpath("static", name).read_bytes()


def _serve(name: str, media_type: bytes) -> Handler:
    async def get_asset(call: Call) -> Answer:
        return Answer(asset(name), [(b"content-type", media_type), _CACHEABLE])

    return get_asset


routes.add(
    "GET", "/docs/swagger-ui.css", operation=_SHOWN, handler=_serve("swagger-ui.css", b"text/css; charset=utf-8")
)
routes.add(
    "GET",
    "/docs/swagger-ui-bundle.js",
    operation=_SHOWN,
    handler=_serve("swagger-ui-bundle.js", b"text/javascript; charset=utf-8"),
)
