"""What the documentation says is tested is tested, and where it points there is something."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
BEHAVIOUR = ROOT / "docs" / "aws-behaviour.md"
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")
_ROW = re.compile(r"^\| (?!behaviour \||-)(.+) \| (.+) \| (`tests/.+) \| (.+) \|$", re.MULTILINE)
_REASON = re.compile(r"^\| (no: \w+) \| .+ \|$", re.MULTILINE)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text()) if path.exists() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = _TEST.findall(page.read_text())
    assert [f"{path}::{name}" for path, name in named if name not in functions_of(ROOT / path)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_points_to_exists(page: Path) -> None:
    targets = [target for target in _LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_behaviour_of_aws_has_its_page_and_its_test() -> None:
    rows = _ROW.findall(BEHAVIOUR.read_text())
    assert len(rows) > 100
    for behaviour, page, test, _ in rows:
        assert "](https://docs.aws.amazon.com/" in page, behaviour
        assert _TEST.fullmatch(test), behaviour


def test_every_behaviour_can_be_run_against_an_account_or_says_why_not() -> None:
    reasons = set(_REASON.findall(BEHAVIOUR.read_text()))
    for behaviour, _, test, conformance in _ROW.findall(BEHAVIOUR.read_text()):
        assert conformance in ({"yes"} if "tests/conformance/" in test else reasons), behaviour


def test_no_row_of_the_table_lacks_a_column() -> None:
    rows = [line for line in BEHAVIOUR.read_text().splitlines() if line.startswith("|") and "`tests/" in line]
    assert [line for line in rows if not _ROW.fullmatch(line)] == []


@pytest.mark.parametrize("tests", ["conformance/test_*.py", "localcloud/test_control_plane_*.py"])
def test_every_page_of_aws_that_tests_of_the_cloud_rest_on_is_listed(tests: str) -> None:
    """A new behaviour gets its line."""
    listed = set(_TEST.findall(BEHAVIOUR.read_text()))
    missing = [
        f"{path.name}::{node.name}"
        for path in sorted((ROOT / "tests").glob(tests))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and ("https://docs.aws.amazon.com/" in (ast.get_docstring(node) or "") or path.parent.name == "conformance")
        and (str(path.relative_to(ROOT)), node.name) not in listed
    ]
    assert missing == []
