"""A name means one commit, or an error that helps; no name is ever run."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.errors import UsageError
from fabfile.releases.source import Repository
from tests.releases.repository import Checkout, new_repository

HOSTILE = ("$(touch x)", ";touch x", "`touch x`", "main;touch x", "main | touch x", "a b", "main\ttouch", "../../etc")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_with_shell_characters_is_an_unknown_name(checkout: Checkout, name: str) -> None:
    with pytest.raises(UsageError, match="has no such branch, tag or commit"):
        Repository(checkout.path).resolve(name)
    assert not (checkout.path / "x").exists()


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "-h", "--", "-"])
def test_a_name_that_begins_with_a_dash_is_refused(checkout: Checkout, name: str) -> None:
    with pytest.raises(UsageError, match="it begins with a dash"):
        Repository(checkout.path).resolve(name)


@pytest.mark.parametrize("name", ["", "a\0b", "main\nmain"])
def test_what_no_name_can_hold_is_refused(checkout: Checkout, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a commit"):
        Repository(checkout.path).resolve(name)


def test_an_unknown_name_comes_with_the_nearest_ones(checkout: Checkout) -> None:
    checkout.git("branch", "feature/votes")
    with pytest.raises(UsageError) as refused:
        Repository(checkout.path).resolve("feature/vote")
    assert str(refused.value) == (
        f"cannot release 'feature/vote': {checkout.path} has no such branch, tag or commit. "
        "Nearest: feature/votes; or fetch it if it is new."
    )


def test_a_folder_that_is_no_repository_says_what_git_says(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git repository"):
        Repository(tmp_path).resolve("main")


def test_a_repository_without_a_commit_says_that_nothing_is_committed(tmp_path: Path) -> None:
    """Not that HEAD is no name: a newcomer has typed `git init` and no more."""
    fresh = Checkout(tmp_path)
    fresh.git("init", "--quiet")
    with pytest.raises(UsageError) as refused:
        Repository(tmp_path).resolve("HEAD")
    assert str(refused.value) == (
        f"cannot release 'HEAD': nothing is committed in {tmp_path}. Run git add --all and git commit: a release is "
        "made of a commit."
    )


def test_a_tree_or_a_file_is_no_release(checkout: Checkout) -> None:
    with pytest.raises(UsageError, match="no such branch"):
        Repository(checkout.path).resolve("HEAD:README.md")


@pytest.mark.parametrize("branch", ["$(touch${IFS}x)", ";rm", "añadir-votos", "a'b\"c", "&&true"])
def test_a_branch_may_be_named_as_git_allows(checkout: Checkout, branch: str) -> None:
    checkout.git("branch", branch)
    assert Repository(checkout.path).resolve(branch).sha == checkout.git("rev-parse", "main")
    assert not (checkout.path / "x").exists()


def test_branch_tag_and_short_sha_mean_the_commit(checkout: Checkout) -> None:
    sha = checkout.git("rev-parse", "HEAD")
    checkout.git("tag", "--annotate", "v1.0", "--message", "One")
    commits = {Repository(checkout.path).resolve(name) for name in ("main", "v1.0", sha, sha[:8], "HEAD")}
    assert len(commits) == 1
    commit = commits.pop()
    assert (commit.sha, commit.author, commit.subject) == (sha, "Ada Łove <ada@example.com>", "First: ünïcode")


def test_a_branch_that_only_origin_has_is_found(tmp_path: Path, checkout: Checkout) -> None:
    checkout.git("branch", "theirs")
    clone = tmp_path / "clone"
    checkout.git("clone", "--quiet", str(checkout.path), str(clone))
    assert Repository(clone).resolve("theirs").sha == checkout.git("rev-parse", "theirs")


def test_a_branch_that_differs_from_origin_is_told(tmp_path: Path, checkout: Checkout) -> None:
    clone = Checkout(tmp_path / "clone")
    checkout.git("clone", "--quiet", str(checkout.path), str(clone.path))
    repository = Repository(clone.path)
    assert repository.unpushed("main") == ""
    clone.commit(message="Not pushed")
    assert repository.unpushed("main") == "main is 1 ahead of origin/main as last fetched"


def test_the_environment_of_a_git_hook_changes_nothing(
    checkout: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_repository(tmp_path / "other")
    other.commit(message="Other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    found = Repository(checkout.path).resolve("main")
    monkeypatch.delenv("GIT_DIR")
    assert found.sha == checkout.git("rev-parse", "main")
