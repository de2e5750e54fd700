"""Dependencies that several servers share."""

from __future__ import annotations

import json
from pathlib import Path

from fabfile.releases.server.install import prune
from fabfile.releases.server.layout import RECORD, Layout

from .machine import Machine


def test_a_cache_of_dependencies_is_used_in_place_of_the_servers_own_folder(tmp_path: Path) -> None:
    environ = {"FABSCALE_ROOT": str(tmp_path / "a"), "FABSCALE_DEPENDENCIES": str(tmp_path / "cache")}
    assert Layout.from_environ(environ).dependencies == tmp_path / "cache"
    assert (
        Layout.from_environ({**environ, "FABSCALE_DEPENDENCIES": ""}).dependencies
        == tmp_path / "a/srv/app/dependencies"
    )


def test_pruning_releases_leaves_a_shared_cache_alone(tmp_path: Path, machine: Machine) -> None:
    layout = Layout(tmp_path / "a", tmp_path / "cache")
    layout.make()
    (layout.dependencies / "of-another-server").mkdir()
    for release in ("20261121T0100Z-aaaaaaa", "20261121T0200Z-bbbbbbb"):
        layout.release(release).mkdir()
        (layout.release(release) / RECORD).write_text(json.dumps(machine.document(release)))
    assert prune(layout, keep=1) == ("20261121T0100Z-aaaaaaa",)
    assert (layout.dependencies / "of-another-server").is_dir()
