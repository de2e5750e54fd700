"""Checks that need several settings of one environment together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .nodes import Problem
from .scopes import Place
from .validation import Findings
from .values import Values

if TYPE_CHECKING:
    from .environment import Environment
    from .loading import Config

LONGEST_BALANCER = 32  # of load balancers and target groups, says the Elastic Load Balancing API


def check_environments(config: Config, findings: Findings) -> None:
    """Report what is wrong with an environment as a whole, once for each line and text."""
    seen: set[tuple[int, str, str]] = set()
    for deployment in config.deployments:
        for name in config.environments:
            values = Values(config.root, Place(config.scopes, deployment, name))
            for problem in _problems(config.environment(deployment, name), values):
                key = (problem.line, problem.path.partition(" ")[0], problem.text)
                if key not in seen:
                    seen.add(key)
                    findings.problem(problem)


def _problems(environment: Environment, values: Values) -> list[Problem]:
    found: list[Problem] = []
    web = values.for_role("web")
    if environment.minimum > environment.desired:
        text = f"expected at most {environment.desired} (server_counts), got {environment.minimum}"
        found.append(Problem(values.line("minimum"), f"minimum ({environment.name})", text))
    if environment.maximum < environment.desired:
        text = f"expected at least {environment.desired} (server_counts), got {environment.maximum}"
        line = values.line("maximum") if values.node("maximum") else web.line("server_counts")
        found.append(Problem(line, f"maximum ({environment.name})", text))
    for path, name in (
        ("names.target_group", environment.names.target_group),
        *(("load_balancers", balancer) for balancer in environment.names.load_balancers),
    ):
        if len(name) > LONGEST_BALANCER:
            text = f"expected at most {LONGEST_BALANCER} characters, got {len(name)} in {name!r}"
            found.append(Problem(values.line(path), f"{path} ({environment.name})", text))
    shared = set(environment.application.environ) & set(environment.application.secrets)
    for variable in sorted(shared):
        text = f"{variable} is given under environ as well; give it once"
        found.append(Problem(values.line("application.secrets"), "application.secrets", text))
    return found
