"""A release is all of one commit, and once built it never changes."""

from __future__ import annotations

import io
import json
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from fabfile.config.environment import Environment
from fabfile.errors import UsageError
from fabfile.releases.building import build_release
from fabfile.releases.catalogue import list_releases, load_manifest
from fabfile.releases.manifest import Archive, Manifest
from fabfile.releases.store import MemoryStore
from tests.releases.repository import Checkout

NOW = 1795248000.0  # 2026-11-21 08:00 UTC


def build(environment: Environment, store: MemoryStore, said: list[str] | None = None, now: float = NOW) -> Manifest:
    return build_release(environment, "", store, (said if said is not None else []).append, lambda: now)


def names(store: MemoryStore, archive: Archive | None) -> set[str]:
    assert archive is not None
    with tarfile.open(fileobj=io.BytesIO(store.get(archive.key))) as opened:
        return set(opened.getnames())


def test_a_static_command_that_fails_shows_its_last_words(environment: Environment) -> None:
    broken = replace(environment.application, static=("{python}", "-c", "raise SystemExit('no such setting')"))
    with pytest.raises(UsageError, match="ended with 1: no such setting"):
        build(replace(environment, application=broken), MemoryStore())


def test_a_static_command_that_is_not_there_is_named(environment: Environment) -> None:
    broken = replace(environment.application, static=("no-such-program",))
    with pytest.raises(UsageError, match="there is no program 'no-such-program'"):
        build(replace(environment, application=broken), MemoryStore())


def test_requirements_that_are_not_committed_are_an_error(checkout: Checkout, environment: Environment) -> None:
    checkout.write({"app/other.txt": ""})
    other = replace(environment.application, requirements="other.txt")
    with pytest.raises(UsageError, match=r"cannot read app/other.txt of .*: it is not in that commit\. Commit it, or"):
        build(replace(environment, application=other), MemoryStore())


def test_a_release_without_a_script_that_its_commands_run_is_refused_before_anything_is_built(
    environment: Environment,
) -> None:
    manage = ("{python}", "manage.py")
    django = replace(environment.application, migrate=(*manage, "migrate"), static=(*manage, "collectstatic"))
    with pytest.raises(UsageError) as raised:
        build(replace(environment, application=django), MemoryStore())
    assert re.sub("release [0-9a-f]{7}", "release COMMIT", str(raised.value)) == (
        "cannot release COMMIT: it has no manage.py, which application.migrate, application.static would run. Commit "
        "it, or say what the application has instead (manage: none if it is not Django's)."
    )


def test_an_application_without_python_packages_and_static_files_has_a_release(environment: Environment) -> None:
    """A binary, say: what servers run besides it is Python all the same."""
    binary = replace(environment.application, start=("./server",), static=(), requirements="")
    store = MemoryStore()
    manifest = build(replace(environment, application=binary), store)
    assert manifest.static is None
    assert names(store, manifest.dependencies[0]) == set()
    assert "supervisor/supervisord.py" in names(store, manifest.dependencies[1])


def test_what_the_build_command_makes_is_in_the_release_and_made_once(environment: Environment, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    build_it = ("sh", "-c", f'echo "$RELEASE_COMMIT" >> {runs}; printf "#!/bin/sh\\n" > server; chmod +x server')
    built = replace(environment.application, build=build_it, start=("./server",))
    store, said = MemoryStore(), list[str]()
    first = build(replace(environment, application=built), store, said)
    again = build(replace(environment, application=built), store)
    assert {"server", "main.py"} <= names(store, first.bundle)
    with tarfile.open(fileobj=io.BytesIO(store.get(first.bundle.key))) as opened:
        assert opened.getmember("server").mode == 0o755
    assert (again.bundle, runs.read_text().split()) == (first.bundle, [first.commit])


def test_a_build_that_fails_shows_its_last_words(environment: Environment) -> None:
    broken = replace(environment.application, build=("sh", "-c", "echo no compiler; exit 3"))
    with pytest.raises(UsageError) as raised:
        build(replace(environment, application=broken), MemoryStore())
    assert re.sub("build [0-9a-f]{7}", "build COMMIT", str(raised.value)) == (
        "cannot build COMMIT: `sh -c echo no compiler; exit 3` ended with 3: no compiler. Try it in a fresh clone of "
        "the commit."
    )


def test_a_package_that_does_not_exist_is_told_in_pips_words(checkout: Checkout, environment: Environment) -> None:
    checkout.commit({"app/requirements.txt": "./missing-package\n"})
    with pytest.raises(UsageError, match=r"cannot install requirements.txt for Python .*: pip said: .*missing-package"):
        build(environment, MemoryStore())


def test_a_release_that_was_never_built_comes_with_the_newest(environment: Environment) -> None:
    store = MemoryStore()
    with pytest.raises(UsageError, match="None was built yet"):
        load_manifest(environment, store, "20261121T0800Z-1234567")
    there = build(environment, store)
    with pytest.raises(UsageError, match=f"The newest are: {there.id}"):
        load_manifest(environment, store, "20261121T0800Z-1234567")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 1}', "null"])
def test_a_damaged_manifest_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="it is damaged"):
        Manifest.from_json(text)


def test_a_manifest_of_a_newer_fabscale_is_an_error(environment: Environment) -> None:
    text = build(environment, MemoryStore()).to_json().replace('"format": 1', '"format": 2')
    with pytest.raises(UsageError, match="it has format 2, this Fabscale reads 1"):
        Manifest.from_json(text)


def test_a_release_tells_what_it_is(checkout: Checkout, environment: Environment) -> None:
    store = MemoryStore()
    manifest = build(environment, store)
    assert manifest.id == f"20261121T0800Z-{checkout.git('rev-parse', 'HEAD')[:7]}"
    assert (manifest.subject, manifest.changeset, manifest.environment) == ("First: ünïcode", "main", "testing")
    assert names(store, manifest.bundle) == {"main.py", "requirements.txt", "assets/site.css"}
    assert names(store, manifest.static) == {"site.css"}
    assert "supervisor/supervisord.py" in names(store, manifest.dependencies[1])
    assert load_manifest(environment, store, manifest.id) == manifest
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert json.loads(manifest.to_json())["platform"] == manifest.platform


def test_every_key_begins_with_the_deployment_below_which_servers_may_read(environment: Environment) -> None:
    store = MemoryStore()
    build(environment, store)
    assert all(key.startswith("opendebates/") for key in store.list(""))


def test_two_builds_of_a_commit_on_two_machines_are_one_release(environment: Environment, tmp_path: Path) -> None:
    store = MemoryStore()
    elsewhere = replace(environment, state=tmp_path / "elsewhere")
    assert build(environment, store) == build(elsewhere, store)
    assert len(list_releases(environment, store)) == 1


def test_what_was_built_before_is_neither_built_nor_sent_again(environment: Environment) -> None:
    store, said = MemoryStore(), list[str]()
    build(environment, store)
    build(environment, store, said, NOW + 60)
    assert [line for line in said if line.startswith(("upload", "install", "collect"))] == []


def test_two_builds_with_other_content_in_one_minute_are_two_releases(environment: Environment) -> None:
    store = MemoryStore()
    first = build(environment, store)
    without = replace(environment, application=replace(environment.application, static=()))
    second = build(without, store)
    assert second.id == f"{first.id}-2"
    assert second.static is None


def test_releases_are_listed_with_the_newest_first(checkout: Checkout, environment: Environment) -> None:
    store = MemoryStore()
    first = build(environment, store)
    checkout.commit({"app/main.py": "print(2)\n"})
    second = build(environment, store, now=NOW + 120)
    assert list_releases(environment, store) == (second, first)
    assert list_releases(environment, store, limit=1) == (second,)
    assert second.dependencies == first.dependencies
    assert second.static == first.static


def test_uncommitted_changes_are_told(checkout: Checkout, environment: Environment) -> None:
    checkout.write({"app/main.py": "changed\n", "app/new.py": "", "README.md": "not of the application\n"})
    said = list[str]()
    build(environment, MemoryStore(), said)
    assert "warning: 2 uncommitted changes are not in the release: app/main.py, app/new.py" in said


def test_a_submodule_is_told(checkout: Checkout, environment: Environment, tmp_path: Path) -> None:
    checkout.git("clone", "--quiet", str(checkout.path), str(tmp_path / "library"))
    allowed = ("-c", "protocol.file.allow=always")
    checkout.git(*allowed, "submodule", "--quiet", "add", str(tmp_path / "library"), "app/library")
    checkout.commit()
    said = list[str]()
    build(environment, MemoryStore(), said)
    assert "warning: the submodule app/library is not in the release: git archives none of its files" in said


def test_the_static_command_sees_no_secret_and_nothing_of_the_deployers_environment(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "the-developers-own")
    write = "import os; open(os.environ['STATIC_ROOT'] + '/seen', 'w').write(repr(sorted(os.environ.items())))"
    application = replace(
        environment.application,
        static=("{python}", "-c", write),
        secrets={"API_KEY": "ssm:/opendebates/testing/api-key"},
        environ={"MODE": "release"},
    )
    store = MemoryStore()
    manifest = build(replace(environment, application=application), store)
    assert manifest.static is not None
    with tarfile.open(fileobj=io.BytesIO(store.get(manifest.static.key))) as opened:
        content = opened.extractfile("seen")
        assert content is not None
        seen = content.read().decode()
    assert "the-developers-own" not in seen
    assert "ssm:/" not in seen
    assert "('API_KEY', 'not-known-while-building')" in seen
    assert "('SECRET_KEY', 'not-known-while-building')" in seen
    assert "('MODE', 'release')" in seen
    assert manifest.commit in seen
