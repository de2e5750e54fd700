"""EC2 instances whose insides are machines: addresses, states and the machine behind each."""

from __future__ import annotations

import base64
import ipaddress
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from .contract import Machines, MachineSpec
from .faults import LAUNCH, Faults
from .metadata import key_id_of
from .refusal import Refusal
from .settings import CloudSettings

log = logging.getLogger(__name__)
Background = Callable[[Callable[[], None]], None]

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
FIRST_HOST, KEPT = 4, 5  # AWS keeps the first four addresses of a subnet and the last


class Addresses:
    """Give out addresses round a subnet, and none again before its last owner's machine is gone."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._taken: set[str] = set()

    def take(self, cidr: str) -> str:
        """The next free address; Refusal when the subnet is full."""
        network = ipaddress.ip_network(cidr)
        hosts = network.num_addresses - KEPT  # 251 in a /24
        start = self._next.get(cidr, 0)
        for offset in range(hosts):
            position = (start + offset) % hosts
            address = str(network[FIRST_HOST + position])
            if address not in self._taken:
                self._next[cidr] = position + 1
                self._taken.add(address)
                return address
        raise Refusal("InsufficientFreeAddressesInSubnet", f"There are not enough free addresses in subnet '{cidr}'.")

    def hold(self, address: str) -> None:
        """Mark an address that was asked for by name as taken."""
        self._taken.add(address)

    def release(self, address: str) -> None:
        """Let an address be given out again."""
        self._taken.discard(address)


@dataclass
class Run:
    """The life of one instance; `instance` is moto's record of it."""

    instance: Any
    address: str
    since: float
    region: str
    role: str = ""
    halted: bool = False  # stopped, not terminated


class Instances:
    """Keep every EC2 instance and its machine in step. The control plane's lock guards every method."""

    def __init__(
        self,
        settings: CloudSettings,
        machines: Machines,
        faults: Faults,
        clock: Callable[[], float],
        background: Background,
    ) -> None:
        self.addresses = Addresses()
        self._settings = settings
        self._machines = machines
        self._faults = faults
        self._clock = clock
        self._background = background
        self._runs: dict[str, Run] = {}
        self._stuck: set[str] = set()
        self._gone: SimpleQueue[tuple[str, bool]] = SimpleQueue()
        self.finish: Callable[[Any], None] = lambda instance: None
        self.purge: Callable[[str], None] = lambda identifier: None

    def admit(self) -> None:
        """Refuse a launch when a fault was ordered."""
        error = self._faults.due(LAUNCH)
        if error:
            raise Refusal(
                error,
                "We currently do not have sufficient capacity in the Availability Zone you requested. "
                "Our system will be working on provisioning additional capacity.",
            )

    def begin(self, instance: Any, role: str) -> None:
        """Start the machine of a new instance, which is pending from now on."""
        self._state(instance, "pending")
        self.addresses.hold(instance.private_ip)
        self._runs[instance.id] = Run(instance, instance.private_ip, self._clock(), self._settings.region, role)
        try:
            self._machines.start(self._spec(instance, role))
        except (OSError, ValueError) as failure:
            # Its address stays taken: something else is there.
            del self._runs[instance.id]
            self.finish(instance)
            self._state(instance, "terminated")
            raise Refusal("InternalError", f"The machine of {instance.id} did not start: {failure}") from failure

    def role_of_key(self, key_id: str) -> tuple[str, str]:
        """Return the machine that got an access key from its metadata service, and its role; "" for other keys."""
        for identifier, run in self._runs.items():
            if key_id_of(identifier) == key_id:
                return identifier, run.role
        return "", ""

    def _spec(self, instance: Any, role: str) -> MachineSpec:
        boot = self._faults.boot_seconds
        return MachineSpec(
            id=instance.id,
            address=instance.private_ip,
            user_data=base64.b64decode(str(instance.user_data or "")),
            region=self._settings.region,
            zone=instance.placement.zone,
            role=role,
            tags=tags_of(instance),
            tags_in_metadata=instance.metadata_options.instance_metadata_tags == "enabled",
            boot_seconds=self._settings.boot_seconds if boot is None else boot,
            ami=instance.image_id or "",
            instance_type=instance.instance_type or "",
        )

    def end(self, instance: Any) -> None:
        """Shut an instance down; it is terminated once nothing of its machine is left."""
        if instance.state in ("shutting-down", "terminated"):
            return
        self._state(instance, "shutting-down")
        self._stop_machine(instance.id, halt=False)

    def halt(self, instance: Any) -> None:
        """Stop an instance without terminating it; it keeps its address."""
        if instance.state in ("pending", "running"):
            self._state(instance, "stopping")
            self._stop_machine(instance.id, halt=True)

    def resume(self, instance: Any, role: str) -> None:
        """Start a stopped instance again."""
        if instance.state == "stopped":
            self.begin(instance, role)

    def _stop_machine(self, identifier: str, *, halt: bool) -> None:
        def stop() -> None:
            try:
                self._machines.stop(identifier)
            except OSError:
                log.exception("the machine of %s did not stop; its address is not used again", identifier)
                self._stuck.add(identifier)
            self._gone.put((identifier, halt))

        self._background(stop)

    def reboot(self, instance: Any) -> None:
        """Reboot a running instance's machine."""
        if instance.id in self._runs and instance.state == "running":
            self._machines.reboot(instance.id)

    def retag(self, identifiers: list[str]) -> None:
        """Tell the machines of these instances their tags."""
        for identifier in identifiers:
            run = self._runs.get(identifier)
            if run and run.instance.state in ("pending", "running"):
                self._machines.retag(identifier, tags_of(run.instance))

    def tick(self) -> None:
        """Move states along: pending to running, shutting down to terminated, terminated to forgotten."""
        now = self._clock()
        while not self._gone.empty():
            identifier, halted = self._gone.get()
            self._stopped(identifier, halted, now)
        for identifier, run in list(self._runs.items()):
            age = now - run.since
            if run.instance.state == "pending" and age >= self._settings.pending_seconds:
                self._state(run.instance, "running")
            elif run.instance.state == "terminated" and age >= self._settings.terminated_visible:
                del self._runs[identifier]
                self._machines.forget(identifier)
                self.purge(identifier)

    def _stopped(self, identifier: str, halted: bool, now: float) -> None:
        run = self._runs[identifier]
        run.since = now
        if halted:
            self._state(run.instance, "stopped")
            return
        self.finish(run.instance)
        self._state(run.instance, "terminated")
        if identifier not in self._stuck:
            self.addresses.release(run.address)

    def end_all(self) -> None:
        """End every machine that still runs."""
        for identifier in self.live():
            self._machines.stop(identifier)

    def get(self, identifier: str) -> Any | None:
        """The record of an instance, or None for one that never was or is forgotten."""
        run = self._runs.get(identifier)
        return run.instance if run else None

    def address(self, identifier: str) -> str | None:
        """The address of an instance that still owns it."""
        run = self._runs.get(identifier)
        return run.address if run and run.instance.state != "terminated" else None

    def state(self, identifier: str) -> str:
        """EC2's name of the instance's state; `terminated` for one that is forgotten."""
        run = self._runs.get(identifier)
        return str(run.instance.state) if run else "terminated"

    def alive(self, identifier: str) -> bool:
        """Whether a running instance passes its status checks: its machine's own process lives."""
        return self.state(identifier) == "running" and self._machines.running(identifier)

    def console(self, identifier: str) -> str:
        """What the machine wrote to its console."""
        return self._machines.console(identifier) if identifier in self._runs else ""

    def live(self) -> tuple[str, ...]:
        """Ids of the instances that still have a machine."""
        return tuple(identifier for identifier, run in self._runs.items() if run.instance.state != "terminated")

    @staticmethod
    def _state(instance: Any, name: str) -> None:
        instance._state.name = name
        instance._state.code = CODES[name]


def tags_of(instance: Any) -> Mapping[str, str]:
    """The tags of one of moto's instances as a mapping."""
    return {tag["key"]: tag["value"] for tag in instance.get_tags()}
