"""Load the configuration file: all of it valid, or every problem at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError
from .nodes import Node, Problem, read

if TYPE_CHECKING:
    from .environment import Environment
    from .scopes import Scopes


@dataclass(frozen=True)
class Config:
    """Everything in the configuration file, valid.

    `warnings` and `ignored` are lines for people, each with its place in the file.
    """

    path: Path
    scopes: Scopes
    default_deployment: str
    production_environments: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    root: Node = field(default_factory=lambda: read("", lambda problem: None), repr=False)

    @property
    def deployments(self) -> tuple[str, ...]:
        return self.scopes.deployments

    @property
    def environments(self) -> tuple[str, ...]:
        return self.scopes.environments

    def environment(self, deployment: str, environment: str) -> Environment:
        """Return one environment's settings with every default filled in; both names must be known."""
        from .conventions import environment as assemble  # noqa: PLC0415  (`fab --list` needs names only)
        from .scopes import Place  # noqa: PLC0415
        from .values import Values  # noqa: PLC0415

        values = Values(self.root, Place(self.scopes, deployment, environment))
        return assemble(values, self.path.resolve().parent, environment in self.production_environments)


def load(path: Path, reserved: frozenset[str] = frozenset()) -> Config:
    """Read and check the file; `reserved` are names that no environment may have.

    Raises `ConfigError` with every problem found.
    """
    from .consistency import check_environments  # noqa: PLC0415  (`fab --list` needs names only)
    from .validation import Findings, check  # noqa: PLC0415

    findings = Findings()
    root = read(read_text(path), findings.problem)
    if findings.problems and not root.entries:
        raise _wrong(path, findings.problems)
    scopes = check(root, findings, reserved)
    if findings.problems:
        raise _wrong(path, findings.problems)
    config = Config(
        path=path,
        scopes=scopes,
        default_deployment=_text(root, "default_deployment") or scopes.deployments[0],
        production_environments=_production(root, scopes.environments),
        warnings=_lines(path, findings.warnings),
        ignored=_lines(path, findings.ignored),
        root=root,
    )
    check_environments(config, findings)
    if findings.problems:
        raise _wrong(path, findings.problems)
    return config


def environment_names(path: Path) -> tuple[str, ...]:
    """Return the names of the file's environments as far as they can be read: () for a broken file."""
    try:
        root = read(read_text(path), lambda problem: None)
    except ConfigError:
        return ()
    node = root.entry("environments")
    if node is None:
        return ()
    return node.names or tuple(item.written for item in node.items if item.written)


def read_text(path: Path) -> str:
    """Return the file's text; raises `ConfigError` when there is no such file or it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "Write one (the repository's fabulaws-config.yml explains every key) or set FABULAWS_CONFIG"
        raise ConfigError("read the configuration", f"there is no file {path}", hint) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"read {path}", f"it is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        hint = "Make it a file that you may read, or set FABULAWS_CONFIG to another"
        raise ConfigError(f"read {path}", (error.strerror or str(error)).lower(), hint) from None


def _production(root: Node, environments: tuple[str, ...]) -> tuple[str, ...]:
    given = root.entry("production_environments")
    if given is None:
        return tuple(name for name in environments if name == "production")
    return tuple(item.written for item in given.items)


def _text(root: Node, name: str) -> str:
    node = root.entry(name)
    return "" if node is None else node.written


def _lines(path: Path, found: list[Problem]) -> tuple[str, ...]:
    ordered = sorted(found, key=lambda problem: problem.line)
    return tuple(f"{path.name}:{problem.line}: {problem}" for problem in ordered)


def _wrong(path: Path, problems: list[Problem]) -> ConfigError:
    lines = _lines(path, problems)
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return ConfigError(f"use {path}", f"it has {count}", "Mend the file, then run fab check_config", lines)
