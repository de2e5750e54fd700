"""What the tests make is taken away again, whatever becomes of them, and nothing else is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fabfile.errors import Unreachable
from tests.conformance.__main__ import main
from tests.conformance.account import Account
from tests.conformance.cloud import RealCloud
from tests.conformance.kinds import CLASSIC, KINDS, STACK, VPC
from tests.conformance.network import build
from tests.conformance.sweep import made, remove
from tests.conformance.test_stacks import Stack
from tests.conformance.test_stacks import template as stack_template
from tests.conformance.test_storage import bucket, table
from tests.harness.inventory import everything

ROOT = Path(__file__).resolve().parents[2]
LABEL = "20261121T1100Z.0.nowhere/test_x"


def make_all(account: Account) -> None:
    """Make one of each kind, with an instance behind a balancer."""
    account.group(TargetGroupARNs=[account.target_group(delay=0)])
    account.instance(account.template("alone"))
    account.client("s3").put_object(Bucket=bucket(account), Key="a", Body=b"content")
    table(account)
    stack = Stack(account)
    body = stack_template(account).replace(f'"{account.named()}"', f'"{account.named("stacks")}"')
    stack.change(body, "CREATE")
    account.uses(CLASSIC)
    account.client("elb").create_load_balancer(
        LoadBalancerName=account.named("old"),
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8000}],
        Subnets=list(account.network.subnets),
        SecurityGroups=[account.network.security_group],
        Tags=account.tags,
    )


@contextmanager
def account_in(cloud: RealCloud, label: str = LABEL) -> Iterator[Account]:
    yield Account(cloud, build(cloud, label), label)


def ours(label: str) -> bool:
    return label == LABEL


def test_one_of_every_kind_is_found_by_its_tag_and_removed_in_order(endpoint: str, cloud: RealCloud) -> None:
    before = everything(endpoint)
    with account_in(cloud) as account:
        make_all(account)
    assert {one.kind for one in made(cloud, ours)} == set(KINDS)
    removed = remove(cloud, ours, within=60)
    assert {one.kind for one in removed} == set(KINDS)
    assert everything(endpoint) == before


def test_what_has_no_tag_or_anothers_is_left_alone(endpoint: str, cloud: RealCloud) -> None:
    ec2 = cloud.client("ec2")
    bare = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    with account_in(cloud, "20261121T1100Z.0.nowhere/another") as account:
        account.template()
    before = everything(endpoint)
    assert remove(cloud, ours, within=60) == ()
    assert everything(endpoint) == before
    ec2.delete_vpc(VpcId=bare)
    remove(cloud, lambda label: label.endswith("/another"), within=60)


@contextmanager
def refusing(endpoint: str, action: str) -> Iterator[None]:
    """Let the cloud refuse an action for as long as this lasts."""
    faults = f"{endpoint}/_fabscale/faults"
    order = {"action": action, "times": 1000, "error": "DependencyViolation"}
    with urllib.request.urlopen(faults, json.dumps(order).encode()):
        pass
    try:
        yield
    finally:
        with urllib.request.urlopen(urllib.request.Request(faults, method="DELETE")):
            pass


def test_what_stays_is_named_with_awss_refusal(endpoint: str, cloud: RealCloud) -> None:
    with account_in(cloud) as account:
        pass
    with refusing(endpoint, "DeleteVpc"):
        remove(cloud, ours, set(KINDS) - {VPC}, within=60)
        with pytest.raises(Unreachable) as left:
            remove(cloud, ours, within=0.1)
    assert str(left.value).startswith(
        f"cannot remove what the conformance tests made: still there: VPC {account.network.vpc} (DependencyViolation: "
    )
    remove(cloud, ours, within=60)


def test_a_test_that_fails_in_the_middle_leaves_nothing(endpoint: str, cloud: RealCloud) -> None:
    with account_in(cloud) as account:
        before = everything(endpoint)
        with pytest.raises(AssertionError, match="not seen within"):
            _fail(account)
        account.clean()
        assert everything(endpoint) == before
    remove(cloud, ours, within=60)


def _fail(account: Account) -> None:
    account.group(minimum=2)
    Stack(account).propose(stack_template(account), "CREATE")
    account.eventually(lambda: False, "what never comes", within=0.2)


MAKES_AND_WAITS = """
import sys, time
from datetime import UTC, datetime
import os, socket
from tests.conformance.cloud import entered
from tests.conformance.run import Run
from tests.conformance.target import Real
from tests.harness.test_sweeping import account_in, make_all
from tests.harness.inventory import SESSION

run = Run(datetime.now(UTC), os.getpid(), socket.gethostname())
with entered(Real("123456789012", "us-east-1", sys.argv[1]), SESSION) as cloud:
    with account_in(cloud, f"{run}/x") as account:
        make_all(account)
        print(run, flush=True)
        time.sleep(600)
"""


def test_the_next_run_sweeps_what_a_killed_one_left_and_not_before(
    endpoint: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, variables[name])
    before = everything(endpoint)
    running = subprocess.Popen([sys.executable, "-c", MAKES_AND_WAITS, endpoint], cwd=ROOT, stdout=subprocess.PIPE)
    assert running.stdout
    run = running.stdout.readline().decode().strip()
    full = everything(endpoint)
    assert main(["sweep"], variables) == 0
    assert main(["sweep", "another"], variables) == 0
    assert everything(endpoint) == full, "it still runs, and has another name"
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    assert main(["sweep"], variables) == 0
    assert everything(endpoint) == before
    told = capsys.readouterr().err
    assert f"removed {STACK} fsc-" in told
    assert f" of {run}/x\n" in told
