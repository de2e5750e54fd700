"""Who is registered where, what the proxy saw of it, and how it drains: target groups and classic balancers alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .contract import Endpoint, Sight
from .instances import Instances

CALM_LOOKS = 2  # a drain ends early once this many looks in a row saw no request under way
REASONS = ("Target.ResponseCodeMismatch", "Target.Timeout", "Target.FailedHealthChecks")


@dataclass(frozen=True)
class Health:
    """A target's state in ELBv2's words."""

    state: str
    reason: str | None = None
    description: str | None = None


@dataclass
class Target:
    """One registration: a port of an instance in a pool."""

    instance: str
    port: int
    address: str
    until: float | None = None  # when its drain ends at the latest; None: it is registered
    told: bool = False  # the proxy was told that it drains
    calm: int = 0

    @property
    def draining(self) -> bool:
        """Whether it gets no new requests."""
        return self.until is not None


@dataclass
class Targets:
    """Registrations by pool. The control plane's lock guards every method."""

    instances: Instances
    clock: Callable[[], float]
    drain_cap: float
    _pools: dict[str, dict[tuple[str, int], Target]] = field(default_factory=dict)
    _sights: Mapping[tuple[str, str, int], Sight] = field(default_factory=dict)

    def register(self, pool: str, instance: str, port: int) -> None:
        """Register an instance's port, also one that drains."""
        address = self.instances.address(instance) or instance
        self._pools.setdefault(pool, {})[instance, port] = Target(instance, port, address)

    def deregister(self, pool: str, instance: str, port: int, delay: float) -> bool:
        """Let a registration drain for at most `delay` seconds; False when there is none."""
        target = self._pools.get(pool, {}).get((instance, port))
        if target is None:
            return False
        if target.until is None:
            target.until = self.clock() + min(delay, self.drain_cap)
            target.told, target.calm = False, 0
        return True

    def told(self) -> None:
        """Note that the proxy has the present configuration: from now on its looks count for drains."""
        for pool in self._pools.values():
            for target in pool.values():
                target.told = target.draining

    def drop_pool(self, pool: str) -> None:
        """Forget a pool that was deleted."""
        self._pools.pop(pool, None)

    def members(self, pool: str) -> tuple[Target, ...]:
        """The registrations of a pool, draining ones too."""
        return tuple(self._pools.get(pool, {}).values())

    def find(self, pool: str, instance: str, port: int) -> Target | None:
        """The registration of an instance's port."""
        return self._pools.get(pool, {}).get((instance, port))

    def anywhere(self, instance: str) -> bool:
        """Whether an instance is registered or draining in any pool."""
        return any(target.instance == instance for pool in self._pools.values() for target in pool.values())

    def draining(self, instance: str) -> bool:
        """Whether an instance still drains in any pool."""
        return any(
            target.instance == instance and target.draining for pool in self._pools.values() for target in pool.values()
        )

    def endpoints(self, pool: str) -> tuple[Endpoint, ...]:
        """What the proxy is to know of a pool: only addresses that their instances still own."""
        return tuple(
            Endpoint(target.address, target.port, target.draining)
            for target in self.members(pool)
            if self._owned(target)
        )

    def _owned(self, target: Target) -> bool:
        return self.instances.address(target.instance) == target.address and self.instances.state(target.instance) in (
            "pending",
            "running",
            "shutting-down",
        )

    def see(self, sights: Mapping[tuple[str, str, int], Sight]) -> None:
        """Take in what the proxy saw; drop registrations whose drain or whose instance has ended."""
        self._sights = sights
        now = self.clock()
        for name, pool in self._pools.items():
            for key, target in list(pool.items()):
                if self._ended(name, target, now):
                    del pool[key]

    def _ended(self, pool: str, target: Target, now: float) -> bool:
        if target.until is None:
            return self.instances.state(target.instance) == "terminated"
        sight = self._sights.get((pool, target.address, target.port))
        quiet = target.told and not (sight is not None and sight.active)
        target.calm = target.calm + 1 if quiet else 0
        dead = not self.instances.alive(target.instance)
        return dead or target.calm >= CALM_LOOKS or now >= target.until

    def health(self, pool: str, instance: str, port: int, *, in_use: bool) -> Health:
        """A registration's health as DescribeTargetHealth answers it.

        See https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
        """
        target = self.find(pool, instance, port)
        if target is None:
            return Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
        if target.draining:
            return Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
        if not in_use:
            return Health(
                "unused",
                "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer",
            )
        state = self.instances.state(instance)
        if state not in ("pending", "running"):
            return Health("unused", "Target.InvalidState", f"Target is in the {state} state")
        return self._seen(pool, target)

    def _seen(self, pool: str, target: Target) -> Health:
        sight = self._sights.get((pool, target.address, target.port))
        if sight is None:
            return Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
        if not sight.checked:
            return Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
        if sight.healthy and self.instances.alive(target.instance) and self._owned(target):
            return Health("healthy")
        reason = next((known for known in REASONS if known in sight.reason), None) or _reason(sight.reason)
        return Health("unhealthy", reason, sight.reason or "Health checks failed")


def _reason(text: str) -> str:
    """Tell which of AWS's reasons the proxy's words mean."""
    lowered = text.lower()
    if "timeout" in lowered or "timed out" in lowered:
        return "Target.Timeout"
    if any(word.isdigit() and len(word) == 3 for word in lowered.replace(":", " ").split()):
        return "Target.ResponseCodeMismatch"
    return "Target.FailedHealthChecks"
