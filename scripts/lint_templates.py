"""Lint what the templates render to, and shell scripts.

The stack is rendered for every environment of the repository's own config, and for all roles combined with all options.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fabfile.bootstrap.template import render  # noqa: E402
from fabfile.config.environment import Alarms, Environment, Https  # noqa: E402
from fabfile.config.loading import load  # noqa: E402
from fabfile.releases.user_data import render_user_data  # noqa: E402


def main() -> int:
    config = load(ROOT / "fabulaws-config.yml")
    environments = [
        config.environment(deployment, name) for deployment in config.deployments for name in config.environments
    ]
    scripts = [path for folder in ("scripts", ".ci") for path in (ROOT / folder).iterdir() if is_shell(path)]
    with tempfile.TemporaryDirectory() as folder:
        stacks = [write(Path(folder), f"{env.names.stack}.yaml", render(env, "a-bucket")) for env in environments]
        stacks += [
            write(Path(folder), f"{number}.yaml", render(env, "a-bucket"))
            for number, env in enumerate(combinations(environments[-1]))
        ]
        user_data = [
            write(Path(folder), f"{env.names.stack}-{role}.sh", render_user_data(document(env, role), ROOT))
            for env in environments
            for role in ("web", "worker")
        ]
        found = [run("cfn-lint", stacks), run("shellcheck", [*scripts, *user_data])]
    return 1 if any(found) else 0


def combinations(environment: Environment) -> Iterator[Environment]:
    """Yield the environment with every combination of roles, each with every option."""
    requested = Https("request", 443, "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09")
    imported = replace(requested, certificate="arn:aws:acm:us-east-1:123456789012:certificate/1a2b")
    mailed = Alarms(email="operators@example.org")
    told = Alarms(topic="arn:aws:sns:us-east-1:123456789012:operators")
    # What refers to other parts is combined with each of them; these six are so with the roles, not with one another.
    options = (
        (None, "", None, 0),
        (None, "Z0123456789ABC", mailed, 30),
        (requested, "", told, 0),
        (requested, "Z0123456789ABC", None, 30),
        (imported, "", mailed, 0),
        (imported, "Z0123456789ABC", told, 30),
    )
    for *roles, (https, zone, alarms, logged) in product(*[(0, 1)] * 3, options):
        counts = dict(zip(("worker", "db-primary", "cache"), roles, strict=True))
        yield replace(
            environment,
            roles={name: replace(role, count=counts.get(name, 1)) for name, role in environment.roles.items()},
            domains=("example.org", "*.example.org"),
            https=https,
            hosted_zone=zone,
            alarms=alarms,
            log_retention=logged,
            access_logs="a-bucket-of-logs" if logged else "",
        )


def document(environment: Environment, role: str) -> dict[str, object]:
    """Return as much of a server.json as user data is made of."""
    return {
        "deployment": environment.deployment,
        "environment": environment.name,
        "role": role,
        "packages": ["libpq5", "libjpeg62-turbo"],
    }


def is_shell(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash")


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def run(program: str, files: list[Path]) -> int:
    return subprocess.run([Path(sys.executable).with_name(program), *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
