"""Python packages in one folder, built once for each set of requirements, Python and platform.

A server puts the folder on PYTHONPATH; it installs nothing and asks no package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ..errors import UsageError
from .archives import pack_folder, unpack
from .requirements import Requirements
from .target import Target

_TAIL = 6  # lines of pip's complaint that are shown


class DependencyCache:
    """Dependencies as folders and archives below one folder of this checkout, named by their hash."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, identity: str) -> Path:
        return self._root / identity

    def archive(self, identity: str) -> Path:
        """Return the archive of a folder that is there, packed now unless it was before.

        Scripts stay out: their first line names the Python of the machine that built them.
        """
        packed = self._root / f"{identity}.tar.gz"
        if not packed.exists():
            pack_folder(self.folder(identity), packed, leave_out=lambda name: name.startswith("bin/"))
        return packed

    def has(self, identity: str) -> bool:
        return self.folder(identity).is_dir()

    def take(self, identity: str, content: bytes) -> None:
        """Unpack an archive that somebody else built."""
        with tempfile.TemporaryDirectory(dir=self._prepared()) as workplace:
            packed, folder = Path(workplace, "archive"), Path(workplace, "folder")
            packed.write_bytes(content)
            unpack(packed, folder)
            _move(folder, self.folder(identity))

    def build(self, identity: str, requirements: Requirements, target: Target, checkout: Path) -> None:
        """Let pip fill the folder; raises `UsageError` with pip's words when it cannot."""
        with tempfile.TemporaryDirectory(dir=self._prepared()) as workplace:
            folder = Path(workplace, "folder")
            folder.mkdir()
            if requirements.files:
                _install(requirements, target, checkout, folder)
            _move(folder, self.folder(identity))

    def _prepared(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        return self._root


def _move(folder: Path, to: Path) -> None:
    try:
        folder.rename(to)
    except OSError:  # another process built the same meanwhile
        if not to.is_dir():
            raise
        shutil.rmtree(folder)


def _install(requirements: Requirements, target: Target, checkout: Path, folder: Path) -> None:
    quiet = ("--disable-pip-version-check", "--no-input", "--no-compile", "--quiet", "--no-warn-conflicts")
    command = (sys.executable, "-m", "pip", "install", *quiet, *target.pip_options)
    asked = ("--target", str(folder), "--requirement", requirements.name)
    what = f"install {requirements.name} for Python {target.python} on {target.platform}"
    environ = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PIP_TARGET"}}
    done = subprocess.run(
        [*command, *asked],
        cwd=checkout,
        env=environ,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    if "No module named pip" in done.stderr:
        raise UsageError(what, f"{sys.executable} has no pip", f"Run `{sys.executable} -m ensurepip`")
    said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    next_step = "Correct the requirements, commit them and run it again"
    if not target.native:
        next_step += "; a package without a wheel for that platform has to be built and hosted as one"
    raise UsageError(what, f"pip said: {' / '.join(said[-_TAIL:]) or 'nothing'}", next_step)
