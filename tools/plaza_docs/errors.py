"""docs/api/errors.md, from the gateway's catalogue of texts and its routes."""

from collections.abc import Mapping

from gateway.catalogue import Code, load_catalogue
from gateway.openapi import codes_of
from gateway.routes import ROUTES

INTRODUCTION = """\
# Errors

Generated from the gateway's catalogue and routes by `make docs`; do not edit.

Every error is a problem document (RFC 9457). Clients branch on `code`, which has one `status` each; `detail` and
`error` carry the text, Chinese or English by `Accept-Language`. `{name}` is filled in. A code is a public contract: it
may be added, and never changes its meaning.
"""
MAX_ROUTES = 12


def catalogue() -> str:
    """Return docs/api/errors.md."""
    texts = load_catalogue()
    routes = routes_by_code()
    parts = [INTRODUCTION, "| code | status | English | 中文 | routes |", "| --- | --- | --- | --- | --- |"]
    for code in sorted(texts.codes.values(), key=lambda code: (code.status, code.name)):
        where = routes.get(code.name, "where a service gives no code of its own")
        parts.append(f"| `{code.name}` | {code.status} | {_texts(code, 'en')} | {_texts(code, 'zh')} | {where} |")
    parts += ["", "## Broken fields", ""]
    parts += ["The `code` of an entry in `errors`:", "", "| code | English | 中文 |", "| --- | --- | --- |"]
    for name, texts_of in texts.violations.items():
        parts.append(f"| `{name}` | {_violation(texts_of, 'en')} | {_violation(texts_of, 'zh')} |")
    return "\n".join(parts) + "\n"


def routes_by_code() -> dict[str, str]:
    """Return for each code where it may come from, in words: routes, or a rule that describes them."""
    documented = [route for route in ROUTES if route.operation.is_documented]
    names = {route: f"`{route.method} {route.path}`" for route in documented}
    found: dict[str, list[str]] = {}
    for route in documented:
        for code in codes_of(route):
            found.setdefault(code, []).append(names[route])
    rules = {
        tuple(names.values()): "every route",
        tuple(names[route] for route in documented if route.access.value != "probe"): "every route",
        tuple(names[route] for route in documented if route.access.value == "user"): "every route that wants a token",
        tuple(names[route] for route in documented if route.body is not None): "every route with a body",
        tuple(names[route] for route in documented if route.is_write): "every write",
    }
    return {code: rules.get(tuple(where)) or _listed(where) for code, where in found.items()}


def _listed(routes: list[str]) -> str:
    return ", ".join(routes) if len(routes) <= MAX_ROUTES else f"{len(routes)} routes ([openapi.json](openapi.json))"


def _texts(code: Code, language: str) -> str:
    text = dict(code.texts)[language]
    others = [f"`{prefix}…`: {texts[language]}" for prefix, texts in code.route_texts.items() if language in texts]
    return "<br>".join([_cell(text), *map(_cell, others)])


def _violation(texts: Mapping[str, str], language: str) -> str:
    limit = texts.get(f"limit_{language}")
    return "<br>".join(_cell(text) for text in (texts[language], limit) if text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
