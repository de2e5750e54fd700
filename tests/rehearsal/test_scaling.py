"""Sizes that an operator sets, under real traffic: with a deploy under way, and without."""

from __future__ import annotations

import pytest

from .project import Project, finish, kill, lines, until
from .test_deploys import DEPLOY, QUICK, assert_clean, serving

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal]
SCALE = "scale:opendebates,local"


def sizes(project: Project) -> tuple[int, int, int]:
    group = project.group()
    return group["MinSize"], group["DesiredCapacity"], group["MaxSize"]


def surge_is_there(project: Project) -> bool:
    return len(project.group()["Instances"]) > 2


def test_a_size_given_in_mid_deploy_is_what_the_new_release_ends_with(site: Project) -> None:
    """Both of the surge are there and desired capacity reads 4 when 4 is asked for; no request fails."""
    deploy = site.start(DEPLOY, "--no-worker", "--batch", "2")
    until("the surge", lambda: surge_is_there(site))
    scaled = site.fab(f"{SCALE},4,2,6")
    assert "set by the deploy" in scaled.out
    ended = finish(deploy)
    assert ended.code == 0, ended
    assert lines(ended.err, "set sizes", "asked for 4 servers, 2 more while the surge is there")
    assert sizes(site) == (2, 4, 6)
    until("four servers in service", lambda: serving(site) == 4)
    assert_clean(site, servers=4)
    back = site.fab(f"{SCALE},2,2,8")
    assert back.out.splitlines()[-1] == "2 servers in service; opendebates-local-web: desired 2 (between 2 and 8)"
    assert sizes(site) == (2, 2, 8)


def test_a_dry_run_of_scale_shows_the_sizes_and_changes_nothing(site: Project) -> None:
    before = site.group()
    ended = site.fab(f"{SCALE},3", "--dry-run")
    assert lines(ended.out, "desired", "2", "3")
    assert ended.out.splitlines()[-1] == "would be set by this task"
    assert site.group() == before


def test_sizes_above_the_maximum_are_refused_and_nothing_is_changed(site: Project) -> None:
    before = site.group()
    ended = site.fab(f"{SCALE},9", code=2)
    assert "9 servers are above the maximum 8" in ended.err
    assert site.group() == before


@pytest.mark.long
def test_past_a_deployer_that_died_the_size_is_set_and_resume_ends_with_it(site: Project) -> None:
    """Its surge stays on top until the deploy has been taken to its end."""
    deploy = site.start(*QUICK)
    until("the surge", lambda: surge_is_there(site))
    kill(deploy)
    finish(deploy)
    site.fab(f"{SCALE},3")
    site.fab("resume:opendebates,local")
    assert sizes(site) == (2, 3, 8)
    until("three servers in service", lambda: serving(site) == 3)
    site.fab(f"{SCALE},2")
    until("two servers", lambda: len(site.group()["Instances"]) == 2)
    assert site.describe()["unfinished"] == []
