"""The schema of fabulaws-config.yml as JSON Schema, for editors: made from `SCHEMA`, never written by hand.

It tells less than `fab check_config`: what depends on several settings, and how a value was written, it cannot.
https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import json
from functools import singledispatch
from typing import Any, cast

import yaml

from .entries import Entries
from .kinds import (
    NONE,
    Anything,
    Choice,
    Command,
    Either,
    Flag,
    Kind,
    Listing,
    Mapped,
    Number,
    OrNone,
    Section,
    Setting,
    Share,
    Text,
    Whole,
)
from .reference import described
from .schedules import Cron, Moment, TimeZone
from .schema import SCHEMA

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


def json_schema() -> Json:
    """Return the schema of the whole file.

    Every key's values are a definition named by its path, which refers to itself where a value may be told apart by
    deployment, environment and role.
    """
    definitions = {each.path: _values(each.path, each.setting) for each in described()}
    within = [setting for setting in SCHEMA.settings if setting.scoped]
    overrides = {"type": ["object", "null"], "properties": _properties("", within), "additionalProperties": False}
    names = definitions["environments"]["anyOf"]
    definitions["environments"]["anyOf"] = [
        {"type": "object", "additionalProperties": overrides},
        *(each for each in names if each.get("type") != "object"),
    ]
    return {
        "$schema": DIALECT,
        "title": "fabulaws-config.yml",
        "type": "object",
        "properties": _properties("", list(SCHEMA.settings)),
        "additionalProperties": False,
        "$defs": definitions,
    }


def _properties(outer: str, settings: list[Setting]) -> Json:
    return {setting.name: _property(f"{outer}{setting.name}", setting) for setting in settings}


def _property(path: str, setting: Setting) -> Json:
    told: Json = {"description": setting.about}
    if setting.default:
        told["default"] = yaml.safe_load(setting.default)
    if setting.ignored:
        told["deprecated"] = True
    return {**told, "$ref": f"#/$defs/{path}"}


def _values(path: str, setting: Setting) -> Json:
    """Return what a key may hold: a value, nothing, or values by deployment, environment and role."""
    if setting.ignored:
        return {}
    if isinstance(setting.kind, Section):
        own = _section(path, setting.kind)
        choice: Json = {"propertyNames": {"not": {"enum": list(setting.kind.names)}}}
    else:
        own, choice = _of(setting.kind), {}
    allowed = own.get("anyOf", [own]) if set(own) == {"anyOf"} else [own]
    values = [*allowed, {"type": "null"}]
    if setting.scoped:
        again = {"$ref": f"#/$defs/{path}"}
        values.append({"type": "object", "minProperties": 1, **choice, "additionalProperties": again})
    return {"anyOf": values}


def _section(path: str, section: Section) -> Json:
    properties = _properties(f"{path}.", list(section.settings))
    return {"type": "object", "properties": properties, "additionalProperties": False}


@singledispatch
def _of(kind: Kind) -> Json:
    """Return the schema of one value of a kind."""
    raise TypeError(f"there is no JSON Schema of {type(kind).__name__}")


@_of.register
def _(kind: Text) -> Json:
    return {"type": "string", "pattern": f"^(?:{kind.pattern})$"} if kind.pattern else {"type": "string"}


@_of.register
def _(kind: Whole) -> Json:
    most = {} if kind.most is None else {"maximum": kind.most}
    return {"type": "integer", "minimum": kind.least, **most}


@_of.register
def _(kind: Number) -> Json:
    most = {"maximum": kind.most} if kind.most < float("inf") else {}
    return {"type": "number", "minimum": kind.least, **most}


@_of.register
def _(kind: Entries) -> Json:
    properties = {each.name: {"description": each.about, **_of(cast("Kind", each.kind))} for each in kind.of.settings}
    entry = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"type": "object", "propertyNames": _of(kind.name), "additionalProperties": entry}


@_of.register
def _(kind: Cron | TimeZone | Moment) -> Json:
    return {"type": "string"}


@_of.register
def _(kind: Flag) -> Json:
    return {"type": "boolean"}


@_of.register
def _(kind: Choice) -> Json:
    return {"enum": list(kind.words)}


@_of.register
def _(kind: Share) -> Json:
    return {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": "^(?:[1-9][0-9]*|[1-9][0-9]?%|100%)$"},
        ]
    }


@_of.register
def _(kind: Command) -> Json:
    line = {"type": "string", "pattern": "\\S"}
    return {"anyOf": [line, {"type": "array", "items": {"type": "string"}}]}


@_of.register
def _(kind: OrNone) -> Json:
    return {"anyOf": [{"const": NONE}, _of(kind.of)]}


@_of.register
def _(kind: Listing) -> Json:
    items = {"type": "array", "items": _of(kind.of)}
    return {"anyOf": [items, _of(kind.of)]} if kind.single else items


@_of.register
def _(kind: Mapped) -> Json:
    return {"type": "object", "additionalProperties": _of(kind.of)}


@_of.register
def _(kind: Either) -> Json:
    return {"anyOf": [_of(kind.mapping), _of(kind.listing)]}


@_of.register
def _(kind: Anything) -> Json:
    return {}


def json_schema_text() -> str:
    """Return the schema as it stands in fabulaws-config.schema.json: a line for each key, for readable differences."""
    parts = (f'"{name}": {_entries(value)}' for name, value in json_schema().items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _entries(value: object) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    lines = (f'  "{name}": {json.dumps(inner, ensure_ascii=False)}' for name, inner in value.items())
    return "{\n" + ",\n".join(lines) + "\n}"
