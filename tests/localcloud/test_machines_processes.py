"""Machines as process trees: what runs when, and that nothing outlives its machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.errors import UsageError
from fabfile.localcloud.machine.console import LIMIT
from fabfile.localcloud.machine.processes import parents
from fabfile.localcloud.machines import AddressTakenError, ProcessMachines

from .machines_bench import ENDPOINT, addresses, eventually, pid_in, spec

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="machines need Linux"),
]

ESCAPED = "setsid bash -c 'echo $$ > $HOME/escaped; trap \"\" TERM HUP; while :; do sleep 1; done' >/dev/null 2>&1 &"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessMachines]:
    with ProcessMachines(tmp_path_factory.mktemp("cloud"), endpoint_url=ENDPOINT) as machines:
        yield machines


@pytest.fixture
def address() -> str:
    return next(addresses())


def home(cloud: ProcessMachines, machine: str) -> Path:
    return cloud.folder(machine) / "root-home"


def booted(cloud: ProcessMachines, machine: str, times: int = 1) -> None:
    eventually(
        lambda: cloud.console(machine).count("boot finished") >= times, f"{machine} booted:\n{cloud.console(machine)}"
    )


def unit(name: str, command: str, more: str = "") -> str:
    """User data that installs, enables and starts a unit."""
    return (
        f"cat > $FABSCALE_ROOT/etc/systemd/system/{name}.service <<EOF\n"
        f"[Service]\nExecStart=/bin/bash -c '{command}'\nWorkingDirectory=$HOME\n{more}\n"
        f"[Install]\nWantedBy=multi-user.target\nEOF\nsystemctl enable --now {name}\n"
    )


def test_a_machine_is_refused_while_somebody_listens_on_its_address(cloud: ProcessMachines, address: str) -> None:
    with socket.create_server((address, 8000)), pytest.raises(AddressTakenError) as refused:
        cloud.start(spec("i-refused", address))
    assert str(refused.value) == (
        f"cannot start machine i-refused: somebody listens on {address}, port 8000. "
        "End that process, or use another address."
    )
    assert not cloud.running("i-refused")


def test_an_address_beyond_loopback_is_refused(cloud: ProcessMachines) -> None:
    with pytest.raises(UsageError, match=r"10\.0\.0\.1 is not a loopback address"):
        cloud.start(spec("i-beyond", "10.0.0.1"))


def test_a_folder_has_one_cloud(cloud: ProcessMachines) -> None:
    with pytest.raises(UsageError, match="another embedded cloud runs there"):
        ProcessMachines(cloud.state, endpoint_url=ENDPOINT)


def test_failing_user_data_is_told_and_the_machine_runs_on(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-failing", address, "#!/bin/bash\necho trying\nexit 3\n"))
    booted(cloud, "i-failing")
    assert "trying" in cloud.console("i-failing")
    assert "user data failed: status 3" in cloud.console("i-failing")
    assert cloud.running("i-failing")
    cloud.stop("i-failing")


def test_user_data_that_is_no_script_is_not_run(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-cloud-config", address, "#cloud-config\n"))
    booted(cloud, "i-cloud-config")
    assert "user data is not run: it does not start with #!" in cloud.console("i-cloud-config")
    cloud.stop("i-cloud-config")


def test_user_data_runs_once_and_enabled_units_at_every_boot(cloud: ProcessMachines, address: str) -> None:
    script = "#!/bin/bash\necho once >> $HOME/first\n" + unit("app", "echo up >> starts; exec sleep 1000")
    cloud.start(spec("i-reboot", address, script))
    booted(cloud, "i-reboot")
    cloud.reboot("i-reboot")
    assert cloud.running("i-reboot")
    booted(cloud, "i-reboot", 2)
    starts = home(cloud, "i-reboot") / "starts"
    eventually(lambda: starts.read_text() == "up\nup\n", "the unit started at each boot")
    assert (home(cloud, "i-reboot") / "first").read_text() == "once\n"
    cloud.stop("i-reboot")
    assert not cloud.running("i-reboot")


def test_a_service_that_dies_is_started_again_up_to_its_limit(cloud: ProcessMachines, address: str) -> None:
    script = "#!/bin/bash\n" + unit("crash", "echo x >> tries; exit 1", "Restart=on-failure\nRestartSec=10ms")
    cloud.start(spec("i-crash-loop", address, script))
    eventually(lambda: "start request repeated too quickly" in cloud.console("i-crash-loop"), "the limit")
    assert (home(cloud, "i-crash-loop") / "tries").read_text() == "x\n" * 5
    cloud.stop("i-crash-loop")


def test_what_a_dead_service_left_is_ended_before_it_starts_again(cloud: ProcessMachines, address: str) -> None:
    command = (
        "setsid sleep 1000 & echo \\$! >> workers; [ -e twice ] \\&\\& exec sleep 1000; touch twice; sleep 0.2; exit 1"
    )
    command = command.replace("\\&\\&", "&&")
    cloud.start(spec("i-workers", address, "#!/bin/bash\n" + unit("app", command, "Restart=always")))
    workers = home(cloud, "i-workers") / "workers"
    eventually(lambda: workers.exists() and workers.read_text().count("\n") == 2, "the second start")
    first, second = (int(line) for line in workers.read_text().split())
    assert first not in parents()
    assert second in parents()
    cloud.stop("i-workers")
    assert second not in parents()


def test_the_deployers_environment_does_not_reach_a_machine(tmp_path: Path, address: str) -> None:
    code = (
        "import sys; from pathlib import Path; from fabfile.localcloud.machines import ProcessMachines;"
        "from tests.localcloud.machines_bench import *\n"
        f"with ProcessMachines(Path({str(tmp_path)!r}), endpoint_url=ENDPOINT) as cloud:\n"
        f"    cloud.start(spec('i-env', {address!r}, '#!/bin/bash\\nenv\\n'))\n"
        "    eventually(lambda: 'boot finished' in cloud.console('i-env'), 'booted')\n"
        "    print(cloud.console('i-env'))\n"
    )
    leaky = {**os.environ, "AWS_SECRET_ACCESS_KEY": "hidden-key", "VIRTUAL_ENV": "hidden-venv", "PYTHONPATH": "."}
    run = subprocess.run([sys.executable, "-c", code], env=leaky, capture_output=True, text=True, check=True)
    assert f"AWS_EC2_METADATA_SERVICE_ENDPOINT=http://{address}:1338" in run.stdout
    assert "hidden" not in run.stdout
    assert "PYTHONPATH" not in run.stdout


def test_a_process_that_left_its_session_dies_with_its_machine(cloud: ProcessMachines, address: str) -> None:
    listener = (
        "setsid env -i $(which python) -m http.server --bind $FABSCALE_ADDRESS 8000 >/dev/null 2>&1 &\n"
        "until (echo > /dev/tcp/$FABSCALE_ADDRESS/8000) 2>/dev/null; do sleep 0.05; done\n"
    )
    cloud.start(spec("i-escaped", address, f"#!/bin/bash\n{listener}{ESCAPED}\n"))
    escaped = eventually(lambda: pid_in(home(cloud, "i-escaped") / "escaped"), "the escaped process")
    booted(cloud, "i-escaped")
    cloud.stop("i-escaped")
    assert escaped not in parents()
    with socket.create_server((address, 8000)):
        pass


def test_a_crashed_machine_leaves_nothing_running(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-crashed", address, f"#!/bin/bash\n{ESCAPED}\n"))
    escaped = eventually(lambda: pid_in(home(cloud, "i-crashed") / "escaped"), "the escaped process")
    cloud.crash("i-crashed")
    eventually(lambda: not cloud.running("i-crashed"), "the crash")
    eventually(lambda: escaped not in parents(), "the end of what it left")
    cloud.stop("i-crashed")


def test_machines_die_with_the_cloud_that_was_killed(tmp_path: Path, address: str) -> None:
    code = (
        "import signal; from pathlib import Path; from fabfile.localcloud.machines import ProcessMachines;"
        "from tests.localcloud.machines_bench import *\n"
        f"cloud = ProcessMachines(Path({str(tmp_path)!r}), endpoint_url=ENDPOINT)\n"
        f"cloud.start(spec('i-orphan', {address!r}, '''#!/bin/bash\n{ESCAPED}\n'''))\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as daemon:
        pid = eventually(lambda: pid_in(tmp_path / "instances/i-orphan/root-home/escaped"), "the escaped process")
        daemon.kill()
    eventually(lambda: pid not in parents(), "the end of the machine's process")
    eventually(lambda: not _mentions(str(tmp_path)), "the end of the SSH server")
    ProcessMachines(tmp_path, endpoint_url=ENDPOINT).close()
    assert list((tmp_path / "instances").glob("i-*")) == []


def _mentions(text: str) -> bool:
    commands = []
    for pid in parents():
        try:
            commands.append(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            continue
    return any(text.encode() in command and b"localcloud" in command for command in commands)


def test_a_deep_folder_leaves_room_for_sockets_and_no_link_behind(tmp_path: Path) -> None:
    with ProcessMachines(tmp_path / ("deep" * 30), endpoint_url=ENDPOINT) as cloud:
        link = cloud.folder("i-0123456789abcdef0")
        assert len(str(link / "root/srv/app/shared/run/supervisor.sock")) < 107
    assert not link.parent.exists()
    assert not link.parent.is_symlink()


def test_a_crashed_machine_boots_again_when_rebooted(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-revived", address))
    booted(cloud, "i-revived")
    cloud.crash("i-revived")
    cloud.reboot("i-revived")
    booted(cloud, "i-revived", 2)
    assert cloud.running("i-revived")
    cloud.stop("i-revived")


def test_a_stopped_machine_is_not_rebooted(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-stays-down", address))
    cloud.stop("i-stays-down")
    cloud.reboot("i-stays-down")
    assert not cloud.running("i-stays-down")


def test_two_machines_with_sockets_in_their_homes_do_not_meet(cloud: ProcessMachines) -> None:
    free = addresses()
    serve = (
        "import socket,time; s=socket.socket(socket.AF_UNIX); s.bind('app.sock'); open('bound','w'); time.sleep(999)"
    )
    script = f'#!/bin/bash\ncd $HOME\npython -c "{serve}" &\n'
    for name in ("i-twin-a", "i-twin-b"):
        cloud.start(spec(name, next(free), script))
    for name in ("i-twin-a", "i-twin-b"):
        eventually((home(cloud, name) / "bound").exists, f"the socket of {name}")
        cloud.stop(name)


def test_the_console_keeps_the_last_64_kib(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-chatty", address, "#!/bin/bash\nseq 100000\n"))
    booted(cloud, "i-chatty")
    assert len(cloud.console("i-chatty")) <= LIMIT
    assert "100000" in cloud.console("i-chatty")
    assert (cloud.folder("i-chatty") / "console.log").stat().st_size <= 2 * LIMIT
    cloud.stop("i-chatty")


def test_a_stopped_machine_can_be_read_until_it_is_forgotten(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-forgotten", address, "#!/bin/bash\necho last words\n"))
    booted(cloud, "i-forgotten")
    cloud.stop("i-forgotten")
    assert "last words" in cloud.console("i-forgotten")
    folder = cloud.folder("i-forgotten")
    cloud.forget("i-forgotten")
    assert not folder.exists()
    assert cloud.console("i-forgotten") == ""


def test_a_hanging_machine_is_stopped_all_the_same(cloud: ProcessMachines, address: str) -> None:
    cloud.start(spec("i-hangs", address, f"#!/bin/bash\n{ESCAPED}\n"))
    escaped = eventually(lambda: pid_in(home(cloud, "i-hangs") / "escaped"), "the escaped process")
    os.kill(parents()[escaped], signal.SIGSTOP)
    cloud.stop("i-hangs")
    assert escaped not in parents()
