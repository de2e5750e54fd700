"""Checks that need several settings of one environment together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import markers, scaling
from .conventions import MANAGE
from .nodes import Problem
from .scopes import Place
from .validation import Findings
from .values import Values

if TYPE_CHECKING:
    from .environment import Environment
    from .loading import Config

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
MOST_CACHE_NODES = 6  # a primary and five replicas, says the ElastiCache API
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


def _groups(environment: Environment, values: Values) -> list[Problem]:
    """Each group is deployed once, and workers are no web servers."""
    names = environment.names.auto_scaling_groups
    texts = [f"expected each group once, got {name!r} again" for name in sorted(set(names)) if names.count(name) > 1]
    if environment.names.worker in names:
        texts.append(f"expected groups of web servers, got {environment.names.worker!r}, which names.worker is")
    if values.node("auto_scaling_groups") is not None and not values.listing("auto_scaling_groups"):
        texts.append("expected at least one group, got none")
    line = values.line("auto_scaling_groups")
    return [Problem(line, f"auto_scaling_groups ({environment.name})", text) for text in texts]


def _problems(environment: Environment, values: Values) -> list[Problem]:
    found: list[Problem] = list(scaling.problems(environment.scaling, values, environment.name))
    found += markers.problems(environment.markers, values, environment.name)
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
    found += _surroundings(environment, values)
    found += _groups(environment, values)
    if environment.role_arn and environment.account_id not in {"", environment.role_arn.split(":")[4]}:
        text = f"expected a role in the account {environment.account_id} (account_id), got {environment.role_arn}"
        found.append(Problem(values.line("role_arn"), f"role_arn ({environment.name})", text))
    found += _commands(environment, values)
    shared = set(environment.application.environ) & set(environment.application.secrets)
    for variable in sorted(shared):
        text = f"{variable} is given under environ as well; give it once"
        found.append(Problem(values.line("application.secrets"), "application.secrets", text))
    return found


def _surroundings(environment: Environment, values: Values) -> list[Problem]:
    """What is wrong around the servers: the certificate, log groups, alarms, the cache."""
    name, wrong = environment.name, []
    https, alarms = environment.https, environment.alarms
    if https and all(domain.startswith("*") for domain in environment.domains):
        wrong.append(("certificate", "expected site_domains_map to name the site's domains, got none"))
    region = "" if https is None or https.requested else https.certificate.split(":")[3]
    if region and region != environment.region:
        wrong.append(("certificate", f"expected a certificate in {environment.region} (region), got one in {region}"))
    if https and https.port == environment.listener_port:
        wrong.append(("https_port", f"expected another port than listener_port, got {https.port}"))
    if alarms and bool(alarms.email) == bool(alarms.topic):
        wrong.append(("alarms", f"expected email or topic, got {'both' if alarms.email else 'neither'}"))
    if environment.log_retention and environment.log_retention not in RETENTIONS:
        days = ", ".join(map(str, RETENTIONS))
        wrong.append(("logs.retention", f"expected one of {days}, got {environment.log_retention}"))
    found = [Problem(values.line(path), f"{path} ({name})", text) for path, text in wrong]
    cache = environment.roles.get("cache")
    if cache and cache.count > MOST_CACHE_NODES:
        text = f"expected at most {MOST_CACHE_NODES} servers of the role cache, got {cache.count}"
        found.append(Problem(values.for_role("cache").line("server_counts"), f"server_counts ({name})", text))
    return found


def _commands(environment: Environment, values: Values) -> list[Problem]:
    """Report commands that are missing what they rest on."""
    found: list[Problem] = []
    application = environment.application
    for name in ("start", "worker", "migrate", "post_migrate", "static", "build"):
        path = f"application.{name}"
        given = values.node(path) is not None and MANAGE in values.listing(path)
        if given and not application.manage:
            text = f"it uses {MANAGE}, and application.manage is none"
            found.append(Problem(values.line(path), path, text))
    workers = environment.roles.get("worker")
    if workers and workers.count and not application.works:
        text = f"there is nothing for {workers.count} workers to run; give application.worker, or worker: 0"
        found.append(
            Problem(values.for_role("worker").line("server_counts"), f"server_counts ({environment.name})", text)
        )
    return found
