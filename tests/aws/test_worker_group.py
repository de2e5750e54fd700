"""The workers' group is seen by the call that sees the web servers, and changed within the deploy."""

from __future__ import annotations

from pathlib import Path

from fabfile.apply.aws_world import AwsWorld
from fabfile.apply.workers import SeenWorkers, SshWorkers
from fabfile.apply.world import Outcome
from fabfile.aws import ec2
from fabfile.aws.session import Aws
from fabfile.rollout.model import Intent, Worker, WorkerPhase
from fabfile.rollout.steps import InstallRelease, RunMigrations, StartWorker, StopWorker, SwitchWorkerConfig
from fabfile.transports.memory import MemoryTransport
from tests.aws.account import environment
from tests.localcloud.account import open_account


class NoEvidence:
    def gather(self, instances: tuple[str, ...]) -> tuple[str, ...]:
        return ()


class OneWorker:
    def observe(self, release: str) -> SeenWorkers:
        return SeenWorkers((Worker("w-1", WorkerPhase.RUNNING, release),))

    def apply(self, step: StopWorker | InstallRelease | RunMigrations | StartWorker) -> Outcome:
        return Outcome()


def test_workers_that_are_to_be_and_what_they_boot_are_seen_without_another_call(tmp_path: Path) -> None:
    with open_account() as account:
        template = account.template()
        account.group()
        account.group("worker", DesiredCapacity=2)
        aws = Aws(environment(tmp_path), endpoint_url=account.url)
        world = AwsWorld(aws, "web", OneWorker(), NoEvidence(), worker_group="worker")
        observed = world.observe(Intent("d", f"{template}:2", f"{template}:1", release="r2"))
        assert dict(aws.calls) == {"DescribeAutoScalingGroups": 1}
        assert (observed.workers_wanted, observed.worker_config) == (2, f"{template}:1")


def test_one_worker_that_does_not_answer_hides_no_other(tmp_path: Path) -> None:
    with open_account() as account:
        account.template()
        account.group("opendebates-testing-worker", DesiredCapacity=2, Tags=_named("opendebates-testing-worker"))
        settings = environment(tmp_path)
        aws = Aws(settings, endpoint_url=account.url)
        first, second = sorted(
            ec2.instances_tagged(aws, {"Name": "opendebates-testing-worker"}), key=lambda each: each.id
        )
        hosts = {
            first.addresses["private_ip_address"]: lambda argv, given: (0, '{"phase": "old", "release": "r1"}', "")
        }
        seen = SshWorkers(aws, settings, MemoryTransport(hosts), lambda _: {}).observe("r2")
        assert [(worker.id, worker.phase, worker.release) for worker in seen.workers] == [
            (first.id, WorkerPhase.OLD, "r1")
        ]
        assert seen.unseen == ((second.id, "no such host"),)


def _named(name: str) -> list[dict[str, object]]:
    return [{"Key": "Name", "Value": name, "PropagateAtLaunch": True}]


def test_the_switch_of_the_workers_group_leaves_the_web_servers_group_alone(tmp_path: Path) -> None:
    with open_account() as account:
        template = account.template()
        account.group()
        account.group("worker")
        number = account.version(template)
        world = AwsWorld(
            Aws(environment(tmp_path), endpoint_url=account.url),
            "web",
            OneWorker(),
            NoEvidence(),
            worker_group="worker",
        )
        world.apply(SwitchWorkerConfig("workers run it", f"{template}:{number}"))
        assert account.seen("worker")["LaunchTemplate"]["Version"] == number
        assert account.seen("web")["LaunchTemplate"]["Version"] == "1"
