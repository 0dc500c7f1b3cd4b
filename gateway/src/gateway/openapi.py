"""The OpenAPI document, built from the route table: requests from the contracts, answers from their types."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

import msgspec

from gateway.catalogue import Catalogue
from gateway.jsonschema import Schema, message_schema
from gateway.problems import Occasion, Problem, ProblemRenderer
from gateway.routing import Access, Body, Query, Route

REQUEST_ID = "01980c2e7d3c7f0b8e1f5a6b7c8d9e0f"
DESCRIPTION = """\
Every path is served with and without a trailing slash. Errors are RFC 9457 problem documents; branch on `code`, which
has one status each. Texts are Chinese or English by `Accept-Language`. A body is read as UTF-8 JSON whatever its
`Content-Type`, and members that are not documented are ignored. Writes may carry an `Idempotency-Key`: the same key,
caller and body give the first answer again for 72 hours.
"""
BEARER = """\
An access token, as `token` of `POST /users/login/`. Browsers may send it as the cookie `plaza_session`, which counts
on requests of pages of this origin and of allow-listed ones.
"""

_EVERYWHERE = ("MALFORMED_REQUEST", "ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED", "REQUEST_TIMEOUT", "RATE_LIMITED")
_EVERYWHERE_TOO = ("HEADERS_TOO_LARGE", "INTERNAL", "UNAVAILABLE", "TIMEOUT")
_SIGNED_IN = ("TOKEN_MISSING", "TOKEN_INVALID")
_WITH_BODY = ("INVALID_JSON", "PAYLOAD_TOO_LARGE", "CONTENT_ENCODING_UNSUPPORTED")
_WRITING = ("INVALID_REQUEST", "IDEMPOTENCY_KEY_REUSED", "REQUEST_IN_PROGRESS")
_PATH_SCHEMAS: Mapping[str, Schema] = {
    "id": {"type": "integer", "minimum": 0, "examples": [7]},
    "n": {"type": "integer", "minimum": 0, "examples": [2]},
    "uuid": {"type": "string", "format": "uuid", "examples": ["01980c2e-7d3c-7f0b-8e1f-5a6b7c8d9e0f"]},
}
_TAG_WITH_VERSION = r'^"[1-9][0-9]{0,17}(-[0-9a-f]{16})?"$'
_RESPONSE_HEADERS: Mapping[int, Schema] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    405: {"Allow": {"schema": {"type": "string"}}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
}
_LANGUAGE = {
    "name": "Accept-Language",
    "in": "header",
    "description": "`zh` or `en`; texts are in the preferred one.",
    "schema": {"type": "string", "examples": ["en"]},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes it safe to send this write again.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "examples": ["3f0c6a52-5f0e-4c55-9d2e-0a8f2f6f7f10"]},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag` of what the client has: the write counts only if that version is still the newest.",
    "schema": {"type": "string", "pattern": _TAG_WITH_VERSION, "examples": ['"3-0f3c9a5b1e2d4c68"']},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of what the client has; 304 says that it is still good.",
    "schema": {"type": "string", "examples": ['"3-0f3c9a5b1e2d4c68"']},
}
PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457, with the members `error`, `code`, `request_id` and `errors`.",
    "properties": {
        "type": {"type": "string", "pattern": "^/problems/[a-z0-9-]+$"},
        "title": {"type": "string", "minLength": 1},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "minLength": 1},
        "instance": {"type": "string"},
        "error": {"type": "string", "minLength": 1, "description": "The same text as `detail`."},
        "code": {"type": "string", "pattern": "^[A-Z0-9_]+$", "description": "What clients branch on."},
        "request_id": {"type": "string", "description": "Equals the header `X-Request-Id`."},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldError"}},
    },
    "required": ["type", "title", "status", "detail", "instance", "error", "code", "request_id"],
}
FIELD_ERROR: Schema = {
    "type": "object",
    "properties": {
        "field": {"type": "string", "description": "Name of the body or query member, dotted for nesting."},
        "code": {
            "enum": [
                "REQUIRED", "BLANK", "WRONG_TYPE", "TOO_LONG", "TOO_SHORT", "OUT_OF_RANGE", "BAD_FORMAT", "NOT_ALLOWED"
            ]
        },
        "message": {"type": "string", "minLength": 1},
    },
    "required": ["field", "code", "message"],
}  # fmt: skip


def codes_of(route: Route) -> tuple[str, ...]:
    """Return all codes that a route may answer with, its own first, each once."""
    if route.access is Access.PROBE:
        return ("MALFORMED_REQUEST", "UNAVAILABLE", "INTERNAL")
    codes = [*route.operation.errors, *_EVERYWHERE, *_EVERYWHERE_TOO]
    if route.access is Access.USER:
        codes.extend(_SIGNED_IN)
    if route.body is not None:
        codes.extend(_WITH_BODY)
    if route.is_write:
        codes.extend(_WRITING)
    return tuple(dict.fromkeys(codes))


class OpenApi:
    """Builds the document.

    Args:
        routes: All routes; those that are not documented are left out.
        catalogue: For the examples of errors.
    """

    def __init__(self, routes: Iterable[Route], catalogue: Catalogue) -> None:
        self._routes = [route for route in routes if route.operation.is_documented]
        self._catalogue = catalogue
        self._renderer = ProblemRenderer(catalogue)
        self._names = Counter(_name(route) for route in self._routes)

    def document(self) -> Schema:
        """Return the whole document."""
        answers = list(dict.fromkeys(answer for route in self._routes for answer in route.operation.answers))
        schemas, components = msgspec.json.schema_components(answers, ref_template="#/components/schemas/{name}")
        references = dict(zip(answers, schemas, strict=True))
        paths: dict[str, Schema] = {}
        for route in self._routes:
            paths.setdefault(route.path, {})[route.method.lower()] = self._operation(route, references)
        return {
            "openapi": "3.1.0",
            "info": {"title": "Plaza", "version": metadata.version("plaza-gateway"), "description": DESCRIPTION},
            "servers": [{"url": "/"}],
            "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in self._routes)],
            "paths": paths,
            "components": {
                "schemas": {**components, "Problem": PROBLEM, "FieldError": FIELD_ERROR},
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": BEARER}
                },
            },
        }

    def _operation(self, route: Route, references: Mapping[type[msgspec.Struct], Schema]) -> Schema:
        name = _name(route)
        operation: Schema = {
            "operationId": name if self._names[name] == 1 else f"{name}_{route.method.lower()}",
            "summary": route.summary,
            "tags": [route.tag],
            "parameters": _parameters(route),
            "responses": {**self._success(route, references), **self._failures(route)},
            "security": [{"bearer": []}] if route.access is Access.USER else [],
        }
        if route.description:
            operation["description"] = route.description
        if route.body is not None:
            content = {"application/json": {"schema": _body_schema(route.body)}}
            operation["requestBody"] = {"required": True, "content": content}
        return operation

    def _success(self, route: Route, references: Mapping[type[msgspec.Struct], Schema]) -> Schema:
        operation = route.operation
        schemas = [references[answer] for answer in operation.answers]
        if operation.raw is not None:
            schemas.append(dict(operation.raw))
        response: Schema = {"description": "Success"}
        if schemas:
            schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
            response["content"] = {operation.media_type: {"schema": schema}}
        if not operation.has_tag:
            return {str(operation.status): response}
        response["headers"] = {"ETag": {"schema": {"type": "string"}}}
        return {str(operation.status): response, "304": {"description": "The client's copy is still good."}}

    def _failures(self, route: Route) -> Schema:
        by_status: dict[int, list[str]] = {}
        for code in codes_of(route):
            by_status.setdefault(self._catalogue.codes[code].status, []).append(code)
        return {str(status): self._failure(route, status, codes) for status, codes in sorted(by_status.items())}

    def _failure(self, route: Route, status: int, codes: Sequence[str]) -> Schema:
        occasion = Occasion(route.language, f"{route.method} {route.path}", route.path, REQUEST_ID)
        examples = {
            code: {"value": self._renderer.document(Problem(code, metadata=_EXAMPLE_PARTS), occasion)} for code in codes
        }
        response: Schema = {
            "description": ", ".join(codes),
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}
            },
        }
        if status in _RESPONSE_HEADERS:
            response["headers"] = _RESPONSE_HEADERS[status]
        return response


def document_json(routes: Iterable[Route], catalogue: Catalogue) -> bytes:
    """Return the document as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(OpenApi(routes, catalogue).document()), indent=2)


_EXAMPLE_PARTS = {"parameter": "work_id", "methods": "POST", "limit": "100"}


def _name(route: Route) -> str:
    name: str = getattr(route.handler, "__name__", "")
    return name


def _parameters(route: Route) -> list[Any]:
    parameters: list[Any] = [
        {"name": name, "in": "path", "required": True, "schema": schema}
        for name, schema in _PATH_SCHEMAS.items()
        if "{" + name + "}" in route.path
    ]
    parameters.extend(_query_parameter(query) for query in route.operation.query)
    if route.access is not Access.PROBE:
        parameters.append(_LANGUAGE)
    if route.operation.has_tag:
        parameters.append(_IF_NONE_MATCH)
    if "VERSION_MISMATCH" in route.operation.errors:
        parameters.append(_IF_MATCH)
    if route.is_write:
        parameters.append(_IDEMPOTENCY_KEY)
    return parameters


def _query_parameter(query: Query) -> Schema:
    required = {"required": True} if query.is_required else {}
    parameter = {"name": query.name, "in": "query", "description": query.description, "schema": dict(query.schema)}
    return {**parameter, **required}


def _body_schema(body: Body) -> Schema:
    if body.schema is not None:
        return dict(body.schema)
    return message_schema(body.message, body.patterns, is_partial=body.is_partial)
