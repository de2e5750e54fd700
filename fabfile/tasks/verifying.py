"""`fab verify`: whether everything that deploys rely on is as the config says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import NotAsConfigured
from .declare import reading

if TYPE_CHECKING:
    from .run import Run


@reading
def verify(run: Run) -> None:
    """Compare the environment with its config: OK, NG with what to do, or SKIP where nobody could say.

    Exit code 0 when nothing is NG, otherwise 4. Nothing is changed, and no secret is read.
    """
    from ..bootstrap.findings import failing, tree  # noqa: PLC0415  (boto3 is slow to import)
    from ..bootstrap.judging import judge  # noqa: PLC0415
    from ..bootstrap.seen import look  # noqa: PLC0415

    environment = run.environment
    found = judge(look(run.aws(), environment, run.clock.now()), environment)
    wrong = failing(found)
    if run.json:
        run.output.json(found)
    else:
        for line in tree(found):
            run.output.result(line)
    if wrong:
        name = f"{environment.deployment} {environment.name}"
        names = ", ".join(f"{finding.part}: {finding.what}" for finding in wrong)
        raise NotAsConfigured(f"rely on {name}", names, "Do what is said of each, then run it again")
