"""A server from boot to service, with a real supervisord, and every way in which it does not get there."""

from __future__ import annotations

import os
import signal
import socket
import sys
import urllib.request
from pathlib import Path

from .cloud import Cloud
from .machine import Machine, archive, wait_for

NEW = "20261121T0114Z-1a2b3c4"
OLD = "20261120T0900Z-0a0b0c0"


def page(machine: Machine) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{machine.port}/", timeout=10) as answer:
        content: bytes = answer.read()
        return content.decode()


def test_an_application_that_dies_while_it_is_watched_never_joins(machine: Machine, cloud: Cloud) -> None:
    machine.launch_with(machine.document(NEW, {"LIVES": "1.5"}, min_healthy_time=20))
    assert machine.boot().wait(60) == 3
    assert cloud.results == ["ABANDON"]
    assert "this server will not come into service" in machine.console


def test_an_application_that_never_becomes_healthy_is_abandoned_with_the_reason(machine: Machine, cloud: Cloud) -> None:
    machine.launch_with(machine.document(NEW, {"STATUS": "500"}, gate_timeout=10))
    assert machine.boot().wait(60) == 3
    assert cloud.results == ["ABANDON"]
    assert "/healthcheck.html answered 500, not 200" in machine.console


def test_an_application_that_listens_on_another_port_is_abandoned_with_the_port_that_nobody_listens_on(
    machine: Machine, cloud: Cloud
) -> None:
    machine.launch_with(machine.document(NEW, gate_timeout=2, commands={"start": ["sleep", "1000"]}))
    assert machine.boot().wait(60) == 3
    assert cloud.results == ["ABANDON"]
    assert f"not ready after 2 s: nothing listens on port {machine.port} of 127.0.0.1" in machine.console


def test_a_start_command_that_is_not_in_the_release_is_named(machine: Machine, cloud: Cloud) -> None:
    machine.launch_with(machine.document(NEW, commands={"start": ["./server", "{port}"]}))
    assert machine.boot().wait(60) == 3
    assert "cannot start web: there is no ./server on this server. Check `application.start`" in machine.console


def test_a_program_that_is_not_python_learns_where_to_listen_from_its_environment(
    machine: Machine, cloud: Cloud
) -> None:
    """PORT and HOST, as on other platforms, and whatever success codes the config names."""
    start = ["sh", "-c", f'exec "{sys.executable}" -m http.server --bind "$HOST" "$PORT"']
    health = {"path": "/", "success": "200-399"}
    machine.launch_with(machine.document(NEW, commands={"start": start}, health=health))
    machine.boot()
    wait_for(lambda: cloud.results == ["CONTINUE"], "it joins")


def test_a_command_that_fails_at_once_is_abandoned_with_its_output_on_the_console(
    machine: Machine, cloud: Cloud
) -> None:
    machine.launch_with(machine.document(NEW, commands={"start": ["{python}", "missing.py"]}))
    assert machine.boot().wait(60) == 3
    assert cloud.results == ["ABANDON"]
    assert "missing.py" in machine.console


def test_a_bundle_with_another_checksum_is_refused_and_the_launch_abandoned(machine: Machine, cloud: Cloud) -> None:
    document = machine.document(NEW)
    cloud.objects[document["release"]["key"]] += b"tampered"
    machine.launch_with(document)
    assert machine.boot().wait(60) == 3
    assert cloud.results == ["ABANDON"]
    assert "its SHA-256 is" in machine.console
    assert not list((machine.app / "releases").iterdir())


def test_large_files_that_are_not_what_was_built_are_refused_with_the_whole_release(
    machine: Machine, cloud: Cloud
) -> None:
    document = machine.document(NEW)
    large = cloud.put("bundles/large.tar.gz", archive({"pictures/one.svg": "a picture"}))
    cloud.objects[large["key"]] += b"tampered"
    machine.launch_with({**document, "release": {**document["release"], "large": large}})
    assert machine.boot().wait(60) == 3
    assert cloud.results == ["ABANDON"]
    assert not list((machine.app / "releases").iterdir())


def test_large_files_come_from_an_archive_of_their_own_into_the_releases_folder(machine: Machine, cloud: Cloud) -> None:
    document = machine.document(NEW)
    large = cloud.put("bundles/large.tar.gz", archive({"pictures/one.svg": "a picture"}))
    machine.launch_with({**document, "release": {**document["release"], "large": large}})
    machine.boot()
    wait_for(lambda: cloud.results == ["CONTINUE"], "it serves")
    release = machine.app / "releases" / NEW
    assert (release / "pictures" / "one.svg").read_text() == "a picture"
    assert (release / "site.txt").read_text() == NEW


def test_a_store_that_is_out_of_reach_is_told_when_nothing_is_on_the_disk(machine: Machine, cloud: Cloud) -> None:
    machine.launch_with(machine.document(NEW))
    cloud.silent = True
    assert machine.boot().wait(60) == 3
    assert "S3 answered 503" in machine.console
    assert cloud.results == ["ABANDON"]


def test_a_port_that_somebody_else_answers_on_is_refused(machine: Machine, cloud: Cloud) -> None:
    with socket.create_server(("127.0.0.1", machine.port)):
        machine.launch_with(machine.document(NEW))
        assert machine.boot().wait(60) == 3
    assert cloud.results == ["ABANDON"]
    assert "listens on" in machine.console


def test_with_the_store_out_of_reach_the_release_on_the_disk_serves_and_the_console_says_so(
    machine: Machine, cloud: Cloud
) -> None:
    machine.launch_with(machine.document(OLD))
    first = machine.boot()
    wait_for(lambda: cloud.results == ["CONTINUE"], "the first boot is ready")
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    machine.launch_with(machine.document(NEW))
    (machine.app / "server.json").unlink()  # a machine image made from this server: user data removes it
    cloud.silent = True
    machine.boot()
    wait_for(lambda: machine.console.count("is ready") == 2, "the second boot is ready")
    assert f"Starting release {OLD}, which is on the disk (wanted: {NEW})" in machine.console
    assert page(machine) == OLD


def test_a_server_joins_once_it_was_healthy_long_enough_and_serves_its_release(machine: Machine, cloud: Cloud) -> None:
    cloud.hook_begins_after = 1  # the machine is faster than its group
    machine.launch_with(machine.document(NEW))
    process = machine.boot()
    wait_for(lambda: cloud.results == ["CONTINUE"], "the hook is completed")
    assert page(machine) == NEW
    status = machine.ask("status")
    assert status["release"] == NEW
    assert status["programs"]["web"]["state"] == "RUNNING"
    assert (machine.app / "current").resolve() == (machine.app / "releases" / NEW).resolve()
    assert [path.name for path in (machine.app / "shared/static").iterdir()] == ["site.1a2b3c4.css"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", machine.port)) != 0


def test_a_reboot_fetches_nothing_and_tells_the_group_nothing(machine: Machine, cloud: Cloud) -> None:
    machine.launch_with(machine.document(NEW))
    first = machine.boot()
    wait_for(lambda: "is ready" in machine.console and cloud.results, "ready")
    first.send_signal(signal.SIGTERM)
    first.wait(60)
    cloud.objects.clear()
    machine.boot()
    wait_for(lambda: "it was in service before" in machine.console, "ready again")
    assert cloud.results == ["CONTINUE"]


def test_the_application_dies_with_a_supervisord_that_was_killed(machine: Machine, cloud: Cloud) -> None:
    machine.launch_with(machine.document(NEW))
    process = machine.boot()
    wait_for(lambda: cloud.results == ["CONTINUE"], "ready")
    pid = int((machine.app / "shared/run/supervisord.pid").read_text())
    application = machine.ask("status")["programs"]["web"]["pid"]
    os.kill(pid, signal.SIGKILL)
    assert process.wait(60) == 1
    wait_for(lambda: not Path(f"/proc/{application}").exists(), "the application is gone")


def test_secrets_stand_in_one_file_of_its_owner_and_nowhere_else(machine: Machine, cloud: Cloud) -> None:
    cloud.parameters["/opendebates/password"] = "swordfish-7731"
    cloud.secrets["arn:aws:secretsmanager:us-east-1:1:secret:db"] = '{"password": "halibut-5518"}'
    secrets = {
        "PASSWORD": "ssm:/opendebates/password",
        "DATABASE_PASSWORD": "secretsmanager:arn:aws:secretsmanager:us-east-1:1:secret:db#password",
    }
    machine.launch_with(machine.document(NEW, {"LIVES": "2.5"}, secrets=secrets, min_healthy_time=30))
    process = machine.boot()
    log = machine.app / "shared/log/web.log"
    wait_for(lambda: log.exists() and "swordfish-7731" in log.read_text(), "the application got its secret")
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"swordfish" not in path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    assert process.wait(60) == 3
    assert "the site starts with [secret]" in machine.console
    holders = {
        path
        for path in machine.root.rglob("*")
        if path.is_file() and any(word in path.read_bytes() for word in (b"swordfish-7731", b"halibut-5518"))
    }
    kept = machine.app / "shared/env" / f"{NEW}.json"
    assert holders == {kept, log}  # the log is the application's own doing
    assert kept.stat().st_mode & 0o777 == 0o600
