"""Show a deploy: an environment on the embedded cloud, then every web server replaced under traffic."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAB = Path(sys.executable).with_name("fab")
WHERE = "opendebates,local"


def fab(*words: str) -> int:
    """Run a task as a user would, shown as it is typed; return its exit code."""
    print(f"\n$ fab {' '.join(words)}", flush=True)
    return subprocess.run([FAB, *words], cwd=ROOT, check=False).returncode


def described() -> dict[str, object] | None:
    """Return what `fab describe` sees, or None where there is no such environment yet."""
    seen = subprocess.run([FAB, f"describe:{WHERE}", "--json"], cwd=ROOT, check=False, capture_output=True, text=True)
    if seen.returncode != 0:
        return None
    parsed: dict[str, object] = json.loads(seen.stdout)
    return parsed


def main() -> int:
    started = time.monotonic()
    code = fab("local_up")
    if code == 0 and described() is None:
        code = fab(f"create_environment:{WHERE}")
    if code == 0:
        code = fab(f"deploy_serial:{WHERE}")
    if code != 0:
        return code
    seen = described()
    print(f"\nThe site runs at {seen['site'] if seen else '?'} ({time.monotonic() - started:.0f} s in all).")
    print("Look at it, then: fab describe:opendebates,local · fab history:opendebates,local · fab local_down")
    return 0


if __name__ == "__main__":
    sys.exit(main())
