"""Programs that a machine has on its PATH in place of the host's."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

_SUDO = r"""#!/bin/sh
# Commands run as the user that the embedded cloud runs as: there is nobody else on this machine.
while [ $# -gt 0 ]; do
  case "$1" in
    --) shift; break ;;
    -[ugpCTRDhrt]) shift; [ $# -gt 0 ] && shift ;;
    -*) shift ;;
    [A-Za-z_]*=*) export "$1"; shift ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || exec /bin/bash
exec "$@"
"""


def install(programs: Path) -> None:
    """Write `systemctl` and `sudo` into the machine's folder of programs."""
    script = Path(__file__).with_name("systemctl.py")
    systemctl = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S {shlex.quote(str(script))} "$@"\n'
    for name, text in (("systemctl", systemctl), ("sudo", _SUDO)):
        program = programs / name
        program.write_text(text)
        program.chmod(0o755)
