"""Dependencies are identified by all that they are built from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.errors import UsageError
from fabfile.releases.requirements import Requirements, read_requirements
from fabfile.releases.target import this_machine


def read(files: dict[str, str], name: str = "requirements.txt") -> Requirements:
    return read_requirements(name, "bundle", files.__getitem__)


@pytest.mark.parametrize("line", ["-r ../base.txt", "-c /etc/constraints.txt", "--requirement=../x"])
def test_a_file_outside_of_the_application_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="outside of the application"):
        read({"requirements.txt": line})


def test_an_editable_package_is_refused() -> None:
    with pytest.raises(UsageError, match="no editable packages"):
        read({"requirements.txt": "-e ."})


def test_included_files_and_constraints_are_read_once_each() -> None:
    files = {
        "requirements/app.txt": "-r base.txt\n--constraint ../pins.txt\n",
        "requirements/base.txt": "Django\n-r app.txt\n",
        "pins.txt": "Django==5.2\n",
    }
    found = read(files, "requirements/app.txt")
    assert [name for name, _ in found.files] == ["pins.txt", "requirements/app.txt", "requirements/base.txt"]


def test_other_text_python_or_platform_is_another_hash() -> None:
    here = this_machine()
    first = read({"requirements.txt": "Django==5.2\n"})
    other = read({"requirements.txt": "Django==5.1\n"})
    hashes = {
        first.hash_for(here),
        other.hash_for(here),
        first.hash_for(replace(here, python="3.99")),
        first.hash_for(replace(here, platform="else")),
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(("line", "depends"), [(".", True), ("./vendor/x", True), ("Django", False)])
def test_a_package_of_the_application_itself_changes_with_every_bundle(line: str, depends: bool) -> None:
    assert bool(read({"requirements.txt": line}).bundle) is depends
