"""What the documentation tells people to type works, in the order in which it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from .project import ROOT, Project, make

# These pages are about other environments than `site`, and have tests of their own: test_your_application.py and
# test_adoption.py.
OTHERS = {ROOT / "docs" / "your-application.md", ROOT / "docs" / "adopting.md"}
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted({*(ROOT / "docs").glob("*.md")} - OTHERS))
_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
ENDS_THE_CLOUD = "local_down"  # others still need the one that it would end


def typed(program: str, pages: Sequence[Path] = PAGES) -> Iterator[tuple[Path, list[str]]]:
    """Yield every line of a code block that begins with a program's name: the page, and the words after it."""
    for page in pages:
        for block in _BLOCK.findall(page.read_text()):
            for line in block.splitlines():
                if line.startswith(f"{program} "):
                    yield page, shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize(("page", "words"), list(typed("make")), ids=lambda value: str(getattr(value, "name", value)))
def test_what_is_to_be_made_can_be_made(page: Path, words: list[str]) -> None:
    ended = subprocess.run(["make", "-n", *words], cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, f"{page.name}: make {' '.join(words)}: {ended.stderr}"


@pytest.mark.cloud
@pytest.mark.rehearsal
def test_every_command_of_the_documentation_ends_well(site: Project, tmp_path: Path) -> None:
    commands = list(typed("fab"))
    assert commands
    apart = make(tmp_path)
    for _, words in commands:
        project = apart if words == [ENDS_THE_CLOUD] else site
        project.fab(*words)
