"""Be a machine: `python -m fabfile.localcloud.machine FOLDER`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from .boot import Machine
from .folder import Folder
from .processes import adopt_orphans


def main(folder: Path) -> None:
    """Boot the machine of a folder and live until told to stop, or until standard input ends."""
    os.chdir(folder)
    adopt_orphans()
    asyncio.run(Machine(Folder(folder)).live())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
