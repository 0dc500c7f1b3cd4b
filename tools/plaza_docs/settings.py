"""docs/settings.md and .env.example, from the settings classes of the deployables."""

import importlib
import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic import IPvAnyNetwork, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from plaza_kit.settings import ProcessSettings
from plaza_stack.deployables import find_deployables

INTRODUCTION = """\
# Settings

Generated from the settings classes by `make docs`; do not edit.

Every process is configured by environment variables, `PLAZA_<PROCESS>_<FIELD>`, read once at its start. A file of that
name in `PLAZA_SECRETS_DIR` (`/run/secrets`) counts as a variable, for passwords; the environment wins. A name that
means nothing or a value that does not fit ends the process with one line and exit status 2; `python -m gateway
check-config` and its like show what is in force. Durations are seconds (`0.5`) or ISO 8601 (`PT15M`); lists are
separated by commas. `OTEL_EXPORTER_OTLP_ENDPOINT` switches tracing on in any process.
"""
ENV_INTRODUCTION = """\
# Every setting with its default. Generated from the settings classes by `make docs`; do not edit. What each one means
# is in docs/settings.md; `make run` sets what it needs by itself.
"""
TYPES: Mapping[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret text",
    timedelta: "duration",
    IPv4Network: "network",
    IPv6Network: "network",
    IPvAnyNetwork: "network",
}
BOUNDS: Sequence[tuple[type, str, str]] = (
    (annotated_types.Ge, "ge", "≥"),
    (annotated_types.Gt, "gt", ">"),
    (annotated_types.Le, "le", "≤"),
    (annotated_types.Lt, "lt", "<"),
)


@dataclass(frozen=True)
class Setting:
    """One row: the variable, what may be in it, what is in force without it ("" is nothing), and what it does."""

    variable: str
    type: str
    default: str
    meaning: str


def settings_of(deployable: str) -> Iterator[Setting]:
    """Yield the settings of one deployable, from the class in its module `settings`."""
    module = importlib.import_module(f"{deployable}.settings")
    for _, found in inspect.getmembers(module, inspect.isclass):
        if issubclass(found, ProcessSettings) and found.__module__ == module.__name__:
            prefix = found.model_config.get("env_prefix", "")
            for name, field in found.model_fields.items():
                yield Setting(f"{prefix}{name}".upper(), _type(field), _default(field), field.description or "")


def table() -> str:
    """Return docs/settings.md."""
    gateway, services = find_deployables()
    parts = [INTRODUCTION]
    for deployable in (gateway, *services):
        parts.append(f"## {deployable.name}\n\n| variable | value | default | meaning |\n| --- | --- | --- | --- |")
        for setting in settings_of(deployable.name):
            default = f"`{setting.default}`" if setting.default else ""
            meaning = setting.meaning.replace("|", "\\|")
            parts.append(f"| `{setting.variable}` | {setting.type} | {default} | {meaning} |")
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def env_example() -> str:
    """Return .env.example: every variable, commented out."""
    gateway, services = find_deployables()
    parts = [ENV_INTRODUCTION]
    for deployable in (gateway, *services):
        parts.append(f"# --- {deployable.name}")
        parts += [f"# {setting.variable}={setting.default}" for setting in settings_of(deployable.name)]
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def _type(field: FieldInfo) -> str:
    text = _type_name(field.annotation)
    bounds = [
        f"{sign} {_shown(getattr(item, name))}"
        for kind, name, sign in BOUNDS
        for item in field.metadata
        if isinstance(item, kind)
    ]
    return ", ".join([text, *bounds])


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_name(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is tuple:
        return f"{_type_name(arguments[0])}, any number"
    if origin in (typing.Union, types.UnionType):
        names = [_type_name(argument) for argument in arguments if argument is not type(None)]
        return " or ".join(dict.fromkeys(names))
    return TYPES.get(annotation, str(annotation))


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "" if value is PydanticUndefined or value is None else _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value)
    return str(value)


def _duration(value: timedelta) -> str:
    """Return ISO 8601 in the largest unit that is whole."""
    seconds = value.total_seconds()
    if seconds and seconds % 86_400 == 0:
        return f"P{seconds / 86_400:g}D"
    if seconds and seconds % 60 == 0:
        return f"PT{seconds / 60:g}M"
    return f"PT{seconds:g}S"
