"""Check a file's nodes against the schema and gather everything that is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .kinds import Section, Setting, mismatch
from .naming import closest
from .nodes import Node, Problem, Tag
from .schema import ROLES, SCHEMA
from .scopes import DEFAULT, Scopes

NESTED_CELERY = "celery_application"


@dataclass
class Findings:
    """What was found in one file."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    ignored: list[Problem] = field(default_factory=list)

    def problem(self, problem: Problem) -> None:
        self.problems.append(problem)


def scopes(root: Node) -> Scopes:
    """Return the names that the file's values may be told apart by."""
    environments = root.entry("environments")
    if environments is None:
        names: tuple[str, ...] = ()
    elif environments.tag is Tag.MAP:
        names = environments.names
    else:
        names = tuple(item.written for item in environments.items)
    roles = _texts(root.entry("valid_roles")) or ROLES
    return Scopes(_texts(root.entry("deployments")), names, roles)


def check(root: Node, findings: Findings, reserved: frozenset[str]) -> Scopes:
    """Report every problem of the file that can be seen without putting an environment together.

    `reserved` are names that an environment must not have, since tasks have them.
    """
    known = scopes(root)
    _check_section(root, SCHEMA, "", known, findings)
    environments = root.entry("environments")
    if environments is not None and environments.tag is Tag.MAP:
        _check_overrides(environments, known, findings)
    _check_names(root, known, findings, reserved)
    return known


def _check_section(node: Node, section: Section, path: str, known: Scopes, findings: Findings) -> None:
    for entry in node.entries:
        inner = f"{path}.{entry.name}" if path else entry.name
        setting = section.setting(entry.name)
        if setting is None:
            findings.problem(_unknown_key(entry.name, entry.line, inner, section))
        elif setting.ignored:
            findings.ignored.append(Problem(entry.line, inner, setting.ignored))
        elif entry.value.tag is not Tag.NOTHING:
            _check_setting(entry.value, setting, inner, known, findings)


def _check_setting(node: Node, setting: Setting, path: str, known: Scopes, findings: Findings) -> None:
    for leaf, place in known.leaves(node, setting, path, findings.problem):
        if leaf.tag is Tag.NOTHING:
            continue
        if isinstance(setting.kind, Section):
            if leaf.tag is Tag.MAP:
                _check_section(leaf, setting.kind, place, known, findings)
            else:
                findings.problem(mismatch(setting.kind, leaf, place))
        else:
            setting.kind.read(leaf, place, findings.problem)
    if setting.name == "celery_workers" and node.entry(NESTED_CELERY) is not None:
        text = "read, though it stands inside celery_workers; move it to the top level"
        findings.warnings.append(Problem(node.line, f"{path}.{NESTED_CELERY}", text))


def _check_overrides(environments: Node, known: Scopes, findings: Findings) -> None:
    for entry in environments.entries:
        path = f"environments.{entry.name}"
        if entry.value.tag is Tag.MAP:
            inner = Section(tuple(setting for setting in SCHEMA.settings if setting.scoped))
            _check_section(entry.value, inner, path, known, findings)
        elif entry.value.tag is not Tag.NOTHING:
            findings.problem(mismatch(SCHEMA, entry.value, path))


def _check_names(root: Node, known: Scopes, findings: Findings, reserved: frozenset[str]) -> None:
    for name, kind in (("deployments", known.deployments), ("environments", known.environments)):
        if not kind and not any(problem.path.startswith(name) for problem in findings.problems):
            text = "expected at least one name, got none"
            findings.problem(Problem(root.line, name, text))
    line = _line(root, "environments")
    for name in known.environments:
        if name.replace("-", "_") in reserved:
            text = f"an environment cannot be named like the task {name}; give it another name"
            findings.problem(Problem(line, f"environments.{name}", text))
        if name in known.roles or name in known.deployments or name == DEFAULT:
            text = f"{name} is the name of a deployment or role as well; give it another name"
            findings.problem(Problem(line, f"environments.{name}", text))
    _check_members(root, "production_environments", known.environments, "environments", findings)
    default = root.entry("default_deployment")
    if default is not None and known.deployments and default.written not in known.deployments:
        findings.problem(_no_member(default, "default_deployment", known.deployments, "deployments"))


def _check_members(root: Node, key: str, names: tuple[str, ...], among: str, findings: Findings) -> None:
    node = root.entry(key)
    for at, item in enumerate(node.items if node is not None else ()):
        if item.tag is Tag.TEXT and item.written not in names:
            findings.problem(_no_member(item, f"{key}[{at}]", names, among))


def _no_member(node: Node, path: str, names: tuple[str, ...], among: str) -> Problem:
    best = closest(node.written, names)
    meant = f"; did you mean {best!r}?" if best else ""
    text = f"expected one of {among} ({', '.join(names)}), got the text {node.written!r}{meant}"
    return Problem(node.line, path, text)


def _unknown_key(name: str, line: int, path: str, section: Section) -> Problem:
    best = closest(name, section.names)
    meant = f"did you mean {best!r}?" if best else "your own settings go under extra:"
    return Problem(line, path, f"unknown key; {meant}")


def _line(root: Node, name: str) -> int:
    return next((entry.line for entry in root.entries if entry.name == name), root.line)


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(item.written for item in node.items if item.tag is Tag.TEXT) if node is not None else ()
