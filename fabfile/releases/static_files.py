"""Static files, collected when a release is built, in an archive that servers of other releases take, too."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..config.environment import Application
from .archives import pack_folder
from .build_commands import BuildCommand, run_at_build

_FORMAT = 1


@dataclass(frozen=True)
class Collecting:
    """All that collected static files depend on."""

    application: Application
    commit: str
    bundle: str  # SHA-256
    dependencies: str  # hash

    @property
    def identity(self) -> str:
        application = self.application
        settings = (application.static, application.static_root, sorted(application.environ.items()))
        asked = json.dumps([_FORMAT, settings, self.commit, self.bundle, self.dependencies])
        return hashlib.sha256(asked.encode()).hexdigest()


def collect(
    collecting: Collecting, checkout: Callable[[], Path], dependencies: Callable[[], Path], cache: Path
) -> Path | None:
    """Return the archive of a release's static files, or None when it has none.

    The `static` command runs in a checkout, with STATIC_ROOT naming an empty folder; one that ignores it
    is expected to write to `static_root`. `checkout` and `dependencies` are asked for only if something is to do.
    """
    if not collecting.application.static:
        return None
    target = cache / f"{collecting.identity}.tar.gz"
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix="fabscale-static-") as collected:
            folder = checkout()
            _run(collecting, folder, dependencies(), Path(collected))
            own = folder / collecting.application.static_root
            found = own if not any(Path(collected).iterdir()) and own.is_dir() else Path(collected)
            pack_folder(found, target)
    return target


def _run(collecting: Collecting, checkout: Path, dependencies: Path, static_root: Path) -> None:
    run_at_build(
        BuildCommand("static", collecting.application.static, f"collect the static files of {collecting.commit[:7]}"),
        collecting.application,
        checkout,
        {
            "PYTHONPATH": os.pathsep.join((str(checkout), str(dependencies))),
            "STATIC_ROOT": str(static_root),
            "RELEASE_COMMIT": collecting.commit,
        },
    )
