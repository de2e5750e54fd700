"""A freshly built wheel, installed into a folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pyproject.toml", "setup.py", "requirements.txt", "requirements-local.txt", "README.md", "LICENSE")


def install_wheel(folders: pytest.TempPathFactory) -> Path:
    """Return the folder that the wheel was installed into, without its dependencies: they are here."""
    source, wheels, target = (folders.mktemp(name) for name in ("source", "wheels", "target"))
    for name in ("fabfile", "templates"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    alone = ("--no-deps", "--no-index", "--disable-pip-version-check", "--quiet")
    pip = (sys.executable, "-m", "pip")
    subprocess.run([*pip, "wheel", *alone, "--no-build-isolation", "-w", wheels, source], check=True)
    subprocess.run([*pip, "install", *alone, "--target", target, *wheels.glob("*.whl")], check=True)
    return target
