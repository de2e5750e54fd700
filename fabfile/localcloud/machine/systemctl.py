"""The `systemctl` on a machine's PATH: send the arguments to the machine, print what it answers.

Run as a file without the site module, so that it starts in a few milliseconds: standard library only.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any


def ask(folder: str, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to a machine and return its answer; raises OSError when it does not answer."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            # A socket's path has at most 107 bytes; a machine's folder may lie deeper than that.
            connection.connect(f"/proc/self/fd/{descriptor}/control.sock")
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answer:
                line = answer.readline()
    finally:
        os.close(descriptor)
    if not line:
        raise ConnectionError("the machine is going down")
    found: dict[str, Any] = json.loads(line)
    return found


def main() -> int:
    """Ask the machine and pass on what it says."""
    try:
        answer = ask(os.environ["FABSCALE_MACHINE_FOLDER"], {"do": "systemctl", "arguments": sys.argv[1:]})
    except (KeyError, OSError) as error:
        sys.stderr.write(f"systemctl: cannot reach this machine's process: {error!r}\n")
        return 1
    sys.stdout.write(answer["out"])
    sys.stderr.write(answer["err"])
    return int(answer["code"])


if __name__ == "__main__":
    sys.exit(main())
