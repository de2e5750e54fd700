"""What a marker is told, and how texts of the config take it up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ..config.markers import PLACEHOLDER

_MOST_CHARACTERS = 2000  # of one fact: a reason may quote a log, and an environment variable has an end


@dataclass(frozen=True)
class Occasion:
    """What happened to which deploy; `status` is start, success or failure, `reason` is why it failed."""

    status: str
    deployment: str
    environment: str
    task: str = ""
    deploy_id: str = ""
    commit: str = ""
    launch_config: str = ""
    reason: str = ""

    @property
    def facts(self) -> Mapping[str, str]:
        """Each fact by its name, as what is told of it."""
        # NUL ends a variable of a process's environment.
        return {name: str(value).replace("\0", "")[:_MOST_CHARACTERS] for name, value in asdict(self).items()}


class UnsetVariableError(Exception):
    """A text of the config names a variable that the deployer's environment has not."""


def filled(text: str, facts: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Return a text with {commit} and ${NAME} filled in, once: what is filled in is not looked at again.

    Raises `UnsetVariableError` with the variable's name.
    """
    parts, end = [], 0
    for found in PLACEHOLDER.finditer(text):
        parts.append(text[end : found.start()])
        parts.append(facts[found["fact"]] if found["fact"] else _variable(found["variable"], environ))
        end = found.end()
    return "".join((*parts, text[end:]))


def filled_in(value: object, facts: Mapping[str, str], environ: Mapping[str, str]) -> object:
    """Return plain data with every text in it filled in; names of mappings stay."""
    if isinstance(value, str):
        return filled(value, facts, environ)
    if isinstance(value, Mapping):
        return {name: filled_in(inner, facts, environ) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled_in(inner, facts, environ) for inner in value]
    return value


def _variable(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise UnsetVariableError(name)
    return value
