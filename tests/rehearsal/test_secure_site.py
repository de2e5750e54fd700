"""An environment with HTTPS, a cache, log groups and alarms: made, deployed, verified, and broken."""

from __future__ import annotations

import json
import shutil
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import SETTINGS
from .project import PATIENCE, Project, make

pytestmark = [pytest.mark.cloud, pytest.mark.rehearsal, pytest.mark.long]
PLACE = "opendebates,local"


class _Stay(urllib.request.HTTPRedirectHandler):
    """A client that says where it is sent instead of going there."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


@pytest.fixture(scope="module")
def secure() -> Iterator[Project]:
    """A project whose environment `local` serves by HTTPS with one web server."""
    folder = Path(tempfile.mkdtemp(prefix="fabscale-rehearsal-"))
    settings = {
        **SETTINGS,
        "server_counts": {"web": 1, "worker": 0, "db-primary": 1, "cache": 1},
        "minimum": 1,
        "site_domains_map": ["debates.example.org"],
        "certificate": "request",
        "logs": {"retention": 30},
        "alarms": {"email": "operators@example.org"},
    }
    project = make(folder, environments={"local": settings}, production_environments=[])
    try:
        project.fab(f"create_environment:{PLACE}")
        yield project
    finally:
        project.fab("local_down", code=None)
        shutil.rmtree(folder, ignore_errors=True)


def trusting(project: Project) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(project.folder / ".fab" / "local" / "tls" / "ca.pem"))


def verified(project: Project, code: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(project.fab(f"verify:{PLACE}", "--json", code=code).out)
    return found


def wrong(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["part"], one["what"]) for one in found if one["verdict"] == "NG"]


def test_https_is_answered_and_http_is_sent_there(secure: Project) -> None:
    site = secure.describe()["site"]
    assert site.startswith("https://")
    with urllib.request.urlopen(site, timeout=PATIENCE, context=trusting(secure)) as answer:
        assert answer.status == 200
    plain = site.replace("https:", "http:").replace(":8443", ":8080") + "release/?a=b"
    with pytest.raises(urllib.error.HTTPError) as sent:
        urllib.request.build_opener(_Stay).open(plain, timeout=PATIENCE)
    assert sent.value.code == 301
    assert sent.value.headers["Location"] == f"{site}release/?a=b"
    sent.value.close()


def test_a_deploy_is_watched_by_https_and_no_request_fails(secure: Project) -> None:
    secure.commit("One more")
    secure.fab(f"deploy_serial:{PLACE}")
    probe = secure.history()[0]["probe"]
    assert probe["total"] > 0
    assert probe["failed"] == 0, probe


def test_describe_shows_listeners_cache_and_alarms_that_are_on(secure: Project) -> None:
    secure.client("cloudwatch").set_alarm_state(
        AlarmName="opendebates-local-server-errors", StateValue="ALARM", StateReason="7 % of requests"
    )
    shown = secure.fab(f"describe:{PLACE}").out
    assert "HTTP 8080: redirects to HTTPS:8443" in shown
    assert "HTTPS 8443: forward, certificate ISSUED until " in shown
    assert "for debates.example.org" in shown
    assert ": available, 1 of cache.t3.small at " in shown
    assert "ALARM opendebates-local-server-errors: 7 % of requests" in shown
    assert "opendebates-local-no-healthy-server" not in shown


def test_servers_are_told_where_the_cache_is(secure: Project) -> None:
    template = secure.client("ec2").describe_launch_template_versions(
        LaunchTemplateName="opendebates-local-web", Versions=["$Latest"]
    )
    told = json.dumps(template["LaunchTemplateVersions"][0]["LaunchTemplateData"])
    assert "UserData" in told
    cache = secure.describe()["around"]["cache"]
    assert cache["address"].endswith(":6379")


def test_what_was_made_holds_in_every_part_until_somebody_changes_it(secure: Project) -> None:
    assert wrong(verified(secure)) == []
    autoscaling = secure.client("autoscaling")
    group = secure.group()["AutoScalingGroupName"]
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=group, HealthCheckGracePeriod=0)
    assert wrong(verified(secure, code=4)) == [(f"group {group}", "grace period")]
    ended = secure.fab(f"verify:{PLACE}", code=4)
    assert (
        "  NG    grace period: 0 s, and the config says 300 s. Run `fab create_environment:opendebates,local`"
        in ended.out
    )
    assert f"cannot rely on opendebates local: group {group}: grace period." in ended.err
    autoscaling.update_auto_scaling_group(AutoScalingGroupName=group, HealthCheckGracePeriod=300)
    assert wrong(verified(secure)) == []
