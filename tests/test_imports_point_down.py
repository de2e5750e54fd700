"""Imports point one way, and nothing in the package hides a module of the standard library or of a dependency."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "fabfile"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)

BASE = {"errors", "config", "templating"}
WORKERS = {"rollout", "aws", "balancers", "locks", "transports", "releases"}
# Who may import whom, beside itself; `CONTRACTS` are for everybody.
ALLOWED = {
    "": {"tasks"},
    "errors": set(),
    "templating": set(),
    "config": {"errors"},
    "permissions": {"errors", "config"},
    "display": {"errors", "config", "rollout"},
    "probe": {"errors", "config"},
    "markers": {"errors", "config"},
    "localcloud": {"errors", "config", "releases"},
    **dict.fromkeys(WORKERS, BASE | WORKERS),
    "rollout": {"errors"},
    "apply": BASE | WORKERS,
    "adoption": BASE | WORKERS | {"apply"},
    "bootstrap": BASE | WORKERS | {"apply"},
    "backups": BASE | WORKERS | {"apply"},
    "tasks": BASE
    | WORKERS
    | {"adoption", "apply", "backups", "bootstrap", "display", "localcloud", "markers", "permissions", "probe"},
}
CONTRACTS = ("contract", "rollout.model", "rollout.steps", "apply.world", "config.environment")
IMPURE = {"boto3", "botocore", "fabric", "invoke", "time", "os", "random", "pathlib", "subprocess", "socket"}


def area(module: Path) -> str:
    """The part of the package that a module belongs to; "" for the package's own `__init__`."""
    first = module.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def inner_imports(module: Path) -> Iterator[tuple[str, int]]:
    """Yield the package's modules that a module imports, e.g. `aws.session`, with the line."""
    here = module.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                yield ".".join((*base, name)), node.lineno


def outer_imports(module: Path) -> Iterator[tuple[str, int]]:
    """Yield what a module imports from elsewhere, by its first name, with the line."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0], node.lineno


def test_imports_point_down() -> None:
    """tasks → apply → {rollout, aws, balancers, locks, transports, releases} → config → errors."""
    wrong = [
        f"{module.relative_to(PACKAGE)}:{line}: {name}"
        for module in MODULES
        for name, line in inner_imports(module)
        if name.split(".")[0] not in {area(module), *ALLOWED[area(module)]} and not name.endswith(CONTRACTS)
    ]
    assert not wrong


def test_every_part_of_the_package_has_a_place_in_the_order() -> None:
    """A new folder has to say what it may import."""
    assert {area(module) for module in MODULES} <= set(ALLOWED)


def test_only_relative_imports_reach_the_package_itself() -> None:
    """It also works installed under another name."""
    wrong = [
        f"{module.relative_to(PACKAGE)}:{line}"
        for module in MODULES
        for name, line in outer_imports(module)
        if name == "fabfile"
    ]
    assert not wrong


def test_decisions_are_pure() -> None:
    """`rollout/` has no clock, no files, no network, no randomness."""
    wrong = [
        f"{module.relative_to(PACKAGE)}:{line}: {name}"
        for module in MODULES
        for name, line in outer_imports(module)
        if area(module) == "rollout" and name in IMPURE
    ]
    assert not wrong


@pytest.mark.parametrize("name", ["ClientError", "BotoCoreError"])
def test_botos_exceptions_stay_in_the_aws_layer(name: str) -> None:
    """Everything above meets the project's own errors."""
    wrong = [
        str(module.relative_to(PACKAGE))
        for module in MODULES
        if area(module) not in {"aws", "localcloud"} and name in module.read_text()
    ]
    assert not wrong


def test_only_the_display_prints() -> None:
    """Programs of their own (on a server, in the background) are no part of the command line."""
    programs = {"display", "localcloud", "probe", "releases"}
    wrong = [
        f"{module.relative_to(PACKAGE)}:{node.lineno}"
        for module in MODULES
        if area(module) not in programs
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


def test_no_module_is_named_like_one_of_the_standard_library_or_of_a_dependency() -> None:
    """Fabric puts this folder first on sys.path while it loads: a `secrets.py` here would replace the real one."""
    ours = {area(module) for module in MODULES} - {""}
    tests_too = {"fabfile", "tests"}
    assert not ours & (set(sys.stdlib_module_names) | (set(packages_distributions()) - tests_too))
