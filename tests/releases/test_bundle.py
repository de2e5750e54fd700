"""A bundle is one commit's files, the same bytes each time, and nothing that lands outside of its folder."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from fabfile.errors import UsageError
from fabfile.releases.archives import sha256_of
from fabfile.releases.bundle import Bundle, check_member, make_bundle
from fabfile.releases.large_files import LARGE
from fabfile.releases.source import Repository
from tests.releases.repository import Checkout


def bundle(checkout: Checkout, cache: Path, source: str = "app", exclude: tuple[str, ...] = ()) -> Path:
    return both(checkout, cache, source, exclude).files


def both(checkout: Checkout, cache: Path, source: str = "app", exclude: tuple[str, ...] = ()) -> Bundle:
    repository = Repository(checkout.path)
    return make_bundle(repository, repository.resolve("HEAD"), source, exclude, cache)


def names(path: Path) -> list[str]:
    with tarfile.open(path) as opened:
        return opened.getnames()


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../evil", "..\\evil"])
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="leads out of the release"):
        check_member(tarfile.TarInfo(name), name)


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "deeper/../../../outside"])
def test_a_link_out_of_the_release_is_refused(checkout: Checkout, tmp_path: Path, target: str) -> None:
    (checkout.path / "app" / "link").symlink_to(target)
    checkout.commit()
    with pytest.raises(UsageError, match="outside of the release"):
        bundle(checkout, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("source", ["../elsewhere", "/etc", "app/../.."])
def test_a_source_outside_of_the_repository_is_refused(checkout: Checkout, tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageError, match="outside of the repository"):
        bundle(checkout, tmp_path, source)


@pytest.mark.parametrize("source", ["nothing", "$(touch x)", ":(glob)**", "--output=x"])
def test_a_source_that_is_not_there_is_refused(checkout: Checkout, tmp_path: Path, source: str) -> None:
    with pytest.raises(UsageError, match="git said: fatal: pathspec"):
        bundle(checkout, tmp_path / "cache", source)
    assert not (checkout.path / "x").exists()


def test_a_source_without_files_is_refused(checkout: Checkout, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it has no files"):
        bundle(checkout, tmp_path, exclude=("*",))


def test_only_the_source_folder_is_bundled(checkout: Checkout, tmp_path: Path) -> None:
    assert names(bundle(checkout, tmp_path)) == ["assets/site.css", "main.py", "requirements.txt"]
    assert names(bundle(checkout, tmp_path, ".")) == [
        "README.md", "app/assets/site.css", "app/main.py", "app/requirements.txt",
    ]  # fmt: skip


def test_excluded_files_and_folders_stay_out(checkout: Checkout, tmp_path: Path) -> None:
    assert names(bundle(checkout, tmp_path, exclude=("assets/", "*.txt"))) == ["main.py"]


def test_uncommitted_changes_are_never_bundled(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write({"app/main.py": "changed\n", "app/new.py": "new\n", "app/staged.py": "staged\n"})
    checkout.git("add", "app/staged.py")
    with tarfile.open(bundle(checkout, tmp_path)) as opened:
        content = opened.extractfile("main.py")
        assert content is not None
        assert content.read() == b"print('hello')\n"
        assert "new.py" not in opened.getnames()
        assert "staged.py" not in opened.getnames()


def test_the_same_commit_gives_the_same_bytes_in_another_clone(checkout: Checkout, tmp_path: Path) -> None:
    clone = Checkout(tmp_path / "clone")
    checkout.git("clone", "--quiet", str(checkout.path), str(clone.path))
    clone.git("config", "tar.umask", "0077")
    assert sha256_of(bundle(checkout, tmp_path / "1")) == sha256_of(bundle(clone, tmp_path / "2"))


def test_names_of_all_kinds_links_and_modes_are_kept(checkout: Checkout, tmp_path: Path) -> None:
    long = "/".join(["folder" * 8] * 5) + "/file"
    checkout.write({"app/a b;$(x)": "1", "app/größe.txt": "2", f"app/{long}": "3", "app/run": "#!/bin/sh\n"})
    os.chmod(checkout.path / "app/run", 0o755)
    (checkout.path / "app/link").symlink_to("main.py")
    checkout.commit()
    with tarfile.open(bundle(checkout, tmp_path)) as opened:
        assert {"a b;$(x)", "größe.txt", long} <= set(opened.getnames())
        assert opened.getmember("run").mode == 0o755
        assert opened.getmember("main.py").mode == 0o644
        assert opened.getmember("link").linkname == "main.py"
        assert {member.uid for member in opened} == {0}


def test_a_bundle_that_was_made_before_is_found(checkout: Checkout, tmp_path: Path) -> None:
    first = bundle(checkout, tmp_path).stat()
    assert bundle(checkout, tmp_path).stat().st_mtime_ns == first.st_mtime_ns


def with_a_picture(checkout: Checkout, content: str = "x") -> None:
    checkout.write({"app/picture.svg": content * LARGE})
    checkout.commit()


def test_a_large_file_is_packed_again_only_when_it_changes(checkout: Checkout, tmp_path: Path) -> None:
    with_a_picture(checkout)
    first = both(checkout, tmp_path / "one")
    checkout.write({"app/main.py": "changed\n"})
    checkout.commit()
    second = both(checkout, tmp_path / "other")
    assert first.large is not None
    assert second.large is not None
    assert (names(first.large), "picture.svg" in names(first.files)) == (["picture.svg"], False)
    assert sha256_of(first.large) == sha256_of(second.large)
    assert first.large.name == second.large.name
    assert sha256_of(first.files) != sha256_of(second.files)
    with_a_picture(checkout, "y")
    third = both(checkout, tmp_path / "other")
    assert third.large is not None
    assert third.large.name != second.large.name


def test_a_large_file_that_is_excluded_is_in_no_archive(checkout: Checkout, tmp_path: Path) -> None:
    with_a_picture(checkout)
    assert both(checkout, tmp_path, exclude=("*.svg",)).large is None


def test_a_source_of_nothing_but_large_files_is_bundled(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write({"pictures/one.svg": "x" * LARGE})
    checkout.commit()
    made = both(checkout, tmp_path, "pictures")
    assert made.large is not None
    assert (names(made.files), names(made.large)) == ([], ["one.svg"])


def test_large_files_stay_with_the_others_where_git_writes_commits_into_files(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.write({".gitattributes": "*.svg export-subst\n"})
    with_a_picture(checkout)
    made = both(checkout, tmp_path)
    assert (made.large, "picture.svg" in names(made.files)) == (None, True)
