"""The probe's own process: `python -m <package>.probe.run`, the plan as one JSON line on standard input.

Writes a report as a JSON line five times a second and a last one at its end, which is when standard input is
closed: so it ends with whoever started it, however that happens.
"""

from __future__ import annotations

import json
import sys
import threading

from .report import Tally
from .steady import Plan, SteadyLoad

REPORT_SECONDS = 0.2


def main() -> int:
    plan = Plan(**json.loads(sys.stdin.readline()))
    tally = Tally()
    stop = threading.Event()
    load = threading.Thread(target=SteadyLoad(plan, tally).run, args=(stop,))
    threading.Thread(target=_stop_with_starter, args=(stop,), daemon=True).start()
    load.start()
    while load.is_alive():
        load.join(REPORT_SECONDS)
        try:
            print(json.dumps(tally.report().as_json()), flush=True)  # noqa: T201  (its output is its purpose)
        except BrokenPipeError:
            stop.set()
    return 0


def _stop_with_starter(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    raise SystemExit(main())
