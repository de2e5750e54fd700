"""What a release consists of: written once when it is built, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..errors import UsageError

FORMAT = 1


@dataclass(frozen=True)
class Archive:
    """An object in the bundle store; a server refuses it unless its SHA-256 is this one."""

    key: str
    sha256: str
    size: int  # bytes


@dataclass(frozen=True)
class Manifest:
    """One release; times are seconds since the epoch."""

    id: str  # "<UTC YYYYMMDDTHHMMZ>-<commit, 7>"
    deployment: str
    environment: str
    commit: str
    author: str
    committed: int
    subject: str  # the first line of the commit's message
    changeset: str  # what was asked for: a branch, a tag, a commit
    built: int
    tool: str  # Fabscale's version
    python: str  # "3.11"
    platform: str  # "manylinux_x86_64", or of this machine for the embedded cloud
    bundle: Archive
    dependencies: tuple[Archive, ...]  # the application's, then the server software's
    dependency_hash: str  # of all that the application's dependencies were built from
    program: Archive  # the server program
    static: Archive | None = None
    large: Archive | None = None  # files of the commit that are large, and unchanged in most releases

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read a manifest; raises `UsageError` when it is none, or one of a newer Fabscale."""
        what = "read a release's manifest"
        try:
            found: Any = json.loads(text)
            written = found.pop("format")
            if written != FORMAT:
                raise UsageError(what, f"it has format {written}, this Fabscale reads {FORMAT}", "Update Fabscale")
            static, large = found["static"], found.get("large")
            values = {
                **found,
                "bundle": Archive(**found["bundle"]),
                "program": Archive(**found["program"]),
                "dependencies": tuple(Archive(**archive) for archive in found["dependencies"]),
                "static": Archive(**static) if static else None,
                "large": Archive(**large) if large else None,
            }
            return cls(**{field.name: values[field.name] for field in fields(cls)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(what, f"it is damaged ({type(error).__name__}: {error})") from error

    def same_content(self, other: Manifest) -> bool:
        """Tell whether both would put the same on a server, whoever built them and when."""
        return _content(self) == _content(other)


def _content(manifest: Manifest) -> Mapping[str, object]:
    told = {"id", "built", "changeset"}
    return {field.name: getattr(manifest, field.name) for field in fields(manifest) if field.name not in told}
