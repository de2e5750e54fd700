"""A short name for a deep folder: the path of a UNIX socket, such as supervisor's, has at most 107 bytes (unix(7))."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

# What programs put below the folder of all machines: `/i-0123456789abcdef0/root/srv/app/shared/run/supervisor.sock`.
LONGEST = 107 - 67


def shorten(folder: Path) -> Path:
    """Return the folder, or a link to it in the temporary folder when its own path leaves no room for sockets.

    The same folder gets the same link. One that somebody else put there is not followed: the long path it is then.
    """
    if len(os.fsencode(folder)) <= LONGEST:
        return folder
    link = Path(tempfile.gettempdir()) / f"fab-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
    try:
        link.symlink_to(folder)
    except FileExistsError:
        status = link.lstat()
        if status.st_uid != os.getuid() or not link.is_symlink() or link.readlink() != folder:
            return folder
    return link


def release(path: Path) -> None:
    """Remove the link if it is one."""
    if path.is_symlink():
        path.unlink()
