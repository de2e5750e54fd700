"""Dependencies are built by pip once, and the same archive holds for every server."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from fabfile.releases.archives import sha256_of
from fabfile.releases.dependencies import DependencyCache
from fabfile.releases.requirements import Requirements
from fabfile.releases.target import this_machine

WHEEL = "greeting-1.0-py3-none-any.whl"
FILES = {
    "greeting.py": "WORD = 'hello'\n",
    "greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
    "greeting-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "greeting-1.0.dist-info/entry_points.txt": "[console_scripts]\ngreet = greeting:WORD\n",
    "greeting-1.0.dist-info/RECORD": "",
}


def a_package(folder: Path) -> Requirements:
    """A package that the application brings with it, so that no index is asked."""
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
    (folder / "requirements.txt").write_text(f"./{WHEEL}\n")
    return Requirements("requirements.txt", (("requirements.txt", f"./{WHEEL}"),), "bundle")


def test_an_archive_has_the_packages_without_scripts_and_compiled_files(tmp_path: Path) -> None:
    cache = DependencyCache(tmp_path / "cache")
    cache.build("identity", a_package(tmp_path), this_machine(), tmp_path)
    with tarfile.open(cache.archive("identity")) as opened:
        names = opened.getnames()
    assert "greeting.py" in names
    assert [name for name in names if name.startswith("bin/") or name.endswith(".pyc")] == []


def test_an_archive_from_the_store_is_taken_in_place_of_a_build(tmp_path: Path) -> None:
    built, taken = DependencyCache(tmp_path / "built"), DependencyCache(tmp_path / "taken")
    built.build("identity", a_package(tmp_path), this_machine(), tmp_path)
    content = built.archive("identity").read_bytes()
    taken.take("identity", content)
    taken.take("identity", content)  # as when two builds of one checkout meet
    assert sha256_of(taken.archive("identity")) == sha256_of(built.archive("identity"))
    asked = "import greeting; print(greeting.WORD)"
    environ = {"PYTHONPATH": str(taken.folder("identity"))}
    done = subprocess.run([sys.executable, "-c", asked], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "hello\n"
