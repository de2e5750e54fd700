"""Put a release on this server, beside the one that runs; switch to it; forget old ones."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .appenv import keep_secrets
from .calls import Services
from .document import Document, Stored
from .layout import RECORD, Layout, point, write
from .s3 import fetch
from .unpack import unpack


@dataclass(frozen=True)
class Installer:
    """Brings releases from the bundle store; everything that it does may be repeated."""

    layout: Layout
    services: Services

    def install(self, document: Document) -> None:
        """Put a release in place, complete or not at all; the running one goes on."""
        self.layout.make()
        for archive in document.dependencies:
            self._place(document.bucket, archive, self.layout.dependencies / archive.sha256)
        self.add_static(document.bucket, document.static)
        keep_secrets(self.layout, document, self.services)
        target = self.layout.release(document.release)
        self._place(document.bucket, document.bundle, target, lambda folder: self._complete(document, folder))
        write(target / RECORD, json.dumps(document.raw))
        _link_config(self.layout.config, target)

    def add_static(self, bucket: str, archives: Iterable[Stored]) -> int:
        """Add archives' files to the shared ones and return how many archives were new; a file that is there stays.

        Names carry a hash of their content, so two releases' files differ in name wherever they differ.
        """
        added = 0
        for archive in archives:
            done = self.layout.run / f"static-{archive.sha256}"
            if done.exists():
                continue
            with tempfile.TemporaryDirectory(dir=self.layout.shared) as temporary:
                folder = Path(temporary) / "unpacked"
                self._place(bucket, archive, folder)
                _merge(folder, self.layout.static)
            done.touch()
            added += 1
        return added

    def _place(
        self, bucket: str, archive: Stored, target: Path, complete: Callable[[Path], None] = lambda _: None
    ) -> None:
        """Unpack an archive where nothing is yet; of two at the same time one is first and the other gives way."""
        if target.is_dir():
            return
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as temporary:
            packed, folder = Path(temporary) / "archive.tar.gz", Path(temporary) / "unpacked"
            fetch(self.services, bucket, archive.key, archive.sha256, packed)
            unpack(packed, folder)
            complete(folder)
            try:
                folder.rename(target)
            except OSError:
                if not target.is_dir():
                    raise

    def _complete(self, release: Document, folder: Path) -> None:
        """Add to a release's folder what its first archive does not hold."""
        if release.large:
            with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
                large = Path(temporary) / "unpacked"
                self._place(release.bucket, release.large, large)
                _merge(large, folder)
        write(folder / RECORD, json.dumps(release.raw))


def switch(layout: Layout, document: Document) -> None:
    """Let `current` point to an installed release, at this and at every later boot."""
    before = layout.linked(layout.current)
    if before != document.release:
        if before:
            point(layout.previous, layout.release(before))
        point(layout.current, layout.release(document.release))
    write(layout.switched_to, json.dumps(document.raw))


def prune(layout: Layout, keep: int) -> tuple[str, ...]:
    """Remove all but the newest releases, the current and the previous one; return the names of what went."""
    installed = layout.installed()
    kept = {*installed[-keep:], layout.linked(layout.current), layout.linked(layout.previous)}
    gone = tuple(release for release in installed if release not in kept)
    used = {archive.sha256 for name in installed if name in kept for archive in layout.record(name).dependencies}
    for release in gone:
        shutil.rmtree(layout.release(release), ignore_errors=True)
        (layout.env / f"{release}.json").unlink(missing_ok=True)
    if layout.cache:  # others may need what this server does not
        return gone
    for folder in layout.dependencies.iterdir() if gone else ():
        if folder.name not in used and not folder.name.startswith("."):
            shutil.rmtree(folder, ignore_errors=True)
    return gone


def _merge(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        goal = target / path.relative_to(source)
        if path.is_dir() and not path.is_symlink():
            goal.mkdir(parents=True, exist_ok=True)
        elif path.is_file() and not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            path.replace(goal)


def _link_config(config: Path, release: Path) -> None:
    for path in config.iterdir():
        link = release / path.name
        if not link.exists() and not link.is_symlink():
            link.symlink_to(os.path.relpath(path, release))
