"""Deploy web applications to AWS autoscaling environments without downtime.

    command line ─▶ tasks ─▶ Environment (validated config)
                      │
                      ▼
             apply loop:  observe ─▶ plan ─▶ record ─▶ apply ─▶ observe …   (until converged, or stopped)
                            │         │        │         │
                     aws/ balancers/  │     ledger   aws/ balancers/ transports/
                                      │
                        rollout/  PURE: (observed, intent, policy, now) → next steps, each with a reason

`tasks/` parses, calls and prints. `config/` turns fabulaws-config.yml into one frozen `Environment`.
`apply/` runs the loop. `rollout/` decides. `aws/`, `balancers/`, `locks/`, `transports/` and `releases/`
touch the world. `bootstrap/` makes a whole environment as one stack. `probe/` asks the site while it is
deployed. `localcloud/` is AWS in miniature on loopback. `display/` prints. `templating.py` fills in templates.
`errors.py` is the tree of errors and exit codes.

Fabric finds the tasks in `namespace`. It is made when it is first asked for, so that background processes,
which import this package too, don't load Fabric.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoke.collection import Collection

    ns: Collection
    namespace: Collection

_HERE = str(Path(__file__).resolve().parent)

# Fabric's loader puts this folder first on sys.path: a user's own `import config` would get ours.
sys.path[:] = [entry for entry in sys.path if entry != _HERE]


def __getattr__(name: str) -> object:
    """Build the collection of tasks that Fabric asks for."""
    if name not in {"ns", "namespace"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Fabric turns bytecode files off, and would compile every module of ours at every command.
    sys.dont_write_bytecode = False
    from .tasks.namespace import build  # noqa: PLC0415

    globals()["ns"] = globals()["namespace"] = build()
    return globals()[name]
