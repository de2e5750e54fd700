"""Make the least policy for what is called: pure, from rules and names to IAM's documents."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..config.environment import Environment
from .rights import Rule

Statement = Mapping[str, Any]
Document = Mapping[str, Any]

# Characters of a managed policy, white space not counted.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MOST_CHARACTERS = 6144
_VERSION = "2012-10-17"
_BRACES = re.compile(r"{(\w+)}")


def names_of(environment: Environment, account: str, bucket: str) -> Mapping[str, tuple[str, ...]]:
    """Return what the rules' braces stand for; a name that stands for several is repeated for each."""
    region, names = environment.region, environment.names
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    single = {
        "partition": partition,
        "region": region,
        "account": account,
        "deployment": environment.deployment,
        "environment": environment.name,
        "stack": names.stack,
        "worker": names.worker,
        "target_group": names.target_group,
        "table": names.table,
        "bucket": bucket,
        "hosted_zone": environment.hosted_zone,
    }
    several = {"group": names.auto_scaling_groups, "load_balancer": names.load_balancers}
    return {**{name: (value,) for name, value in single.items()}, **several}


def statements(
    rules: Iterable[Rule], calls: Collection[str], types: Collection[str], names: Mapping[str, tuple[str, ...]]
) -> tuple[Statement, ...]:
    """Return what allows these calls, and a stack with resources of these types, and nothing else."""
    found = []
    for rule in rules:
        actions = rule.wanted(frozenset(calls), frozenset(types))
        if not actions:
            continue
        resources = sorted({each for one in rule.resources for each in _filled(one, names)})
        statement: dict[str, Any] = {"Sid": rule.sid, "Effect": "Allow", "Action": list(actions), "Resource": resources}
        if rule.conditions:
            statement["Condition"] = _conditions(rule.conditions, names)
        found.append(statement)
    return tuple(found)


def documents(allowed: Sequence[Statement]) -> tuple[Document, ...]:
    """Return the statements as policies of at most 6,144 characters each, in their order."""
    found: list[list[Statement]] = [[]]
    for statement in allowed:
        if found[-1] and size(_document([*found[-1], statement])) > MOST_CHARACTERS:
            found.append([])
        found[-1].append(statement)
    return tuple(map(_document, found))


def size(document: Document) -> int:
    """Return how many characters of a policy IAM counts."""
    return len(re.sub(r"\s", "", json.dumps(document, ensure_ascii=False)))


def _document(allowed: Sequence[Statement]) -> Document:
    return {"Version": _VERSION, "Statement": list(allowed)}


def _conditions(conditions: Mapping[str, Mapping[str, object]], names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        operator: {key: _value(value, names) for key, value in keys.items()} for operator, keys in conditions.items()
    }


def _value(value: object, names: Mapping[str, tuple[str, ...]]) -> object:
    if isinstance(value, list):
        return [each for one in value for each in _filled(str(one), names)]
    return _filled(str(value), names)[0]


def _filled(text: str, names: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Fill the braces in, once for each value of a name that has several."""
    used = sorted(set(_BRACES.findall(text)))
    found = []
    for values in itertools.product(*(names[name] for name in used)):
        chosen = dict(zip(used, values, strict=True))
        found.append(_BRACES.sub(lambda match, chosen=chosen: chosen[match[1]], text))  # type: ignore[misc]
    return found
