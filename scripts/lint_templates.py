"""Lint what the templates render to, for every environment of the repository's own config: cfn-lint and shellcheck."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fabfile.bootstrap.template import render  # noqa: E402
from fabfile.config.loading import load  # noqa: E402


def main() -> int:
    config = load(ROOT / "fabulaws-config.yml")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for deployment in config.deployments:
            for name in config.environments:
                template = Path(folder) / f"{deployment}-{name}.yaml"
                template.write_text(render(config.environment(deployment, name), "fabscale-000000000000"))
                failed |= subprocess.run([Path(sys.executable).with_name("cfn-lint"), template], check=False).returncode
    shell = [
        path
        for path in (*ROOT.glob("scripts/*"), *ROOT.glob(".ci/*"))
        if path.is_file() and path.read_bytes().startswith(b"#!/usr/bin/env bash")
    ]
    failed |= subprocess.run([Path(sys.executable).with_name("shellcheck"), *shell], check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
