"""Which API calls the package's source names: read from it and from botocore's models, without a call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore import xform_name

PACKAGE = Path(__file__).resolve().parents[2] / "fabfile"
IAM_NAMES = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}


def named_operations() -> frozenset[str]:
    """Return every operation that the AWS layer has a client call, page through or wait for, as service:Operation."""
    return frozenset(
        operation
        for module in (PACKAGE / "aws").glob("*.py")
        if module.name not in {"session.py", "credentials.py"}
        for operation in _of_module(ast.parse(module.read_text()))
    )


def _of_module(tree: ast.Module) -> Iterator[str]:
    services = set(_first_arguments(tree, "client"))
    for service in services:
        model = botocore.session.get_session().get_service_model(service)
        by_name = {xform_name(name): name for name in model.operation_names}
        called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        called |= set(_first_arguments(tree, "get_paginator"))
        called |= set(_waited(tree, service))
        yield from (f"{IAM_NAMES.get(service, service)}:{by_name[name]}" for name in called & set(by_name))


def _waited(tree: ast.Module, service: str) -> Iterator[str]:
    waiters = set(_first_arguments(tree, "get_waiter"))
    if waiters:
        model = botocore.session.get_session().get_waiter_model(service)
        yield from (
            xform_name(model.get_waiter(name).operation) for name in model.waiter_names if xform_name(name) in waiters
        )


def _first_arguments(tree: ast.Module, method: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)
