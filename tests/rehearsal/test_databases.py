"""Backups of a real database by the environment's own servers, and restores while the site serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .project import Project, kill, lines, until
from .test_deploys import QUICK

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
PLACE = "opendebates,local"


@pytest.fixture
def production(site: Project) -> Iterator[Project]:
    """The site's environment as a production environment for the time of a test."""
    site.config["production_environments"] = ["local"]
    site.write_config()
    yield site
    site.config["production_environments"] = []
    site.write_config()


def test_a_backup_is_listed_written_to_a_file_and_restored(site: Project, tmp_path: Path) -> None:
    file = tmp_path / "site.dump"
    assert lines(
        site.fab(f"dbbackup:{PLACE}", "--dry-run").out, "would dump the database to opendebates/backups/local/"
    )
    made = site.fab(f"dbbackup:{PLACE}", "--file", str(file))
    key = made.out.strip()
    assert file.read_bytes().startswith(b"PGDMP")
    assert file.stat().st_mode & 0o777 == 0o600
    newest = json.loads(site.fab(f"dbbackups:{PLACE}", "--json").out)[0]
    assert f"opendebates/backups/local/{newest['id']}.dump" == key
    restored = site.fab(f"dbrestore:{PLACE},{newest['id']}")
    assert restored.out.startswith(f"the database of {PLACE} is as in {key}; what was there is opendebates/backups/")
    by_file = site.fab(f"dbrestore:{PLACE},{file}", "--no-backup")
    assert by_file.out.startswith(f"the database of {PLACE} is as in opendebates/backups/local/")
    assert not list((site.folder / ".fab" / "local").rglob("*.dump"))
    site.fab(*QUICK)


def test_what_is_no_backup_is_refused_before_anything_changes(site: Project, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("select 1")
    ended = site.fab(f"dbrestore:{PLACE},{tmp_path / 'text'}", code=2)
    assert "it is no dump in PostgreSQL's custom format. Make one by pg_dump --format=custom." in ended.err
    ended = site.fab(f"dbrestore:{PLACE},20200101T000000Z-000000", code=2)
    assert "opendebates,local has none of that name, nor is it a file" in ended.err
    ended = site.fab(f"dbrestore:{PLACE},opendebates/backups/staging/x.dump", code=2)
    assert "it is neither a file here nor a backup of opendebates,local" in ended.err
    assert "it was not said what" in site.fab(f"dbrestore:{PLACE}", code=2).err


def test_a_dump_whose_deployer_died_before_its_manifest_is_no_backup(site: Project) -> None:
    bucket = next(each["Name"] for each in site.client("s3").list_buckets()["Buckets"])
    site.client("s3").put_object(
        Bucket=bucket, Key="opendebates/backups/local/20990101T000000Z-cut.dump", Body=b"PGDMP"
    )
    listed = json.loads(site.fab(f"dbbackups:{PLACE}", "--json").out)
    assert all(each["id"] != "20990101T000000Z-cut" for each in listed)
    ended = site.fab(f"dbrestore:{PLACE},20990101T000000Z-cut", code=2)
    assert "it was never finished" in ended.err


def test_nothing_is_loaded_into_a_production_environment(production: Project) -> None:
    ended = production.fab(f"reload_production_db:{PLACE}", "--yes", code=2)
    assert ended.err.startswith(
        "cannot load production's database into opendebates,local: it is a production environment"
    )


@pytest.mark.long
def test_another_environments_backup_is_loaded_after_its_name_or_a_yes(site: Project) -> None:
    assert "there is no production environment" in site.fab(f"reload_production_db:{PLACE}", code=2).err
    site.fab(f"dbbackup:{PLACE}")
    ended = site.fab(f"reload_production_db:{PLACE}", "--source", "local", code=2)
    assert ended.err.startswith("cannot replace the database of opendebates,local: nobody is there to ask")
    loaded = site.fab(f"reload_production_db:{PLACE}", "--source", "local", "--yes", "--no-backup")
    assert loaded.out.startswith("the database of opendebates,local is as in opendebates/backups/local/")


@pytest.mark.long
def test_a_restore_does_not_run_beside_a_deploy_nor_after_one_that_died(site: Project) -> None:
    site.fab(f"dbbackup:{PLACE}")
    newest = json.loads(site.fab(f"dbbackups:{PLACE}", "--json").out)[0]["id"]
    deploy = site.start(*QUICK)
    until("the surge", lambda: len(site.group()["Instances"]) > 2)
    site.fab(f"dbrestore:{PLACE},{newest}", "--wait", "0", code=3)
    kill(deploy)
    deploy.communicate()
    ended = site.fab(f"dbrestore:{PLACE},{newest}", code=6)
    assert "did not end. Run fab resume:opendebates,local or fab repair:opendebates,local first." in ended.err
    site.fab(f"resume:{PLACE}")
