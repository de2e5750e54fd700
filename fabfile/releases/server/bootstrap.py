"""What user data carries within itself: enough to fetch the server program and to abandon a launch that fails.

bootstrap fetch  SERVER_JSON TARGET   fetch the program that SERVER_JSON names, verify it, write it to TARGET
bootstrap abandon SERVER_JSON         tell the launch hook that this server will not come
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .calls import Services
from .failures import ServerError
from .lifecycle import LaunchHook
from .metadata import Metadata
from .s3 import fetch


def main(arguments: list[str]) -> int:
    """Do one of the two; the exit code is 1 when it could not be done, with the reason on standard error."""
    verb, document_path, *rest = arguments
    document = json.loads(Path(document_path).read_text())
    metadata = Metadata.from_environ()
    services = Services.from_environ(document["region"], metadata)
    try:
        if verb == "fetch":
            program = document["program"]
            fetch(services, document["bucket"], program["key"], program["sha256"], Path(rest[0]))
        else:
            group, hook = document.get("group", ""), document.get("hook", "")
            said = LaunchHook(services, metadata.get("instance-id"), group, hook).complete("ABANDON")
            sys.stderr.write(f"fabscale: {said}\n")
    except ServerError as error:
        sys.stderr.write(f"fabscale: {error}\n")
        return 1
    return 0
