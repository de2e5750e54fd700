"""Be the SSH server of all machines: `python -m fabfile.localcloud.ssh STATE_FOLDER`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path

from .endpoints import Endpoints
from .keys import SshFiles


async def serve(state: Path) -> None:
    """Add and remove machines as standard input says; its end is the end of the embedded cloud."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    endpoints = Endpoints(SshFiles(state))
    while line := await lines.readline():
        order = json.loads(line)
        if order["do"] == "add":
            endpoints.add(Path(order["folder"]))
        else:
            endpoints.remove(Path(order["folder"]))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(Path(sys.argv[1])))
    os._exit(0)  # sessions still open end with their machines; nothing is left to tidy up
