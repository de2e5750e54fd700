"""What the embedded cloud's control plane is like: its network, its zones and how fast its time runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CloudSettings:
    """Describe the account and its pace; times are seconds.

    AWS's slow clocks are capped, so that a rehearsal takes seconds: health checks (AWS: 5 s at least) by `probe_cap`,
    drains by `drain_cap`. What is asked for is still what Describe calls answer.
    """

    network: str = "127.66"  # the default VPC is 127.66.0.0/16
    region: str = "us-east-1"
    zones: tuple[tuple[str, int], ...] = (("us-east-1a", 1), ("us-east-1b", 2))  # zone, third octet
    account: str = "123456789012"
    boot_seconds: float = 1.0
    pending_seconds: float = 0.2
    probe_cap: float = 0.5
    drain_cap: float = 30.0
    launch_retry: float = 2.0
    terminated_visible: float = 3600.0
    tick: float = 0.1

    @property
    def zone_names(self) -> tuple[str, ...]:
        """The zones' names in order."""
        return tuple(name for name, _ in self.zones)

    def subnet(self, octet: int) -> str:
        """The CIDR block of the subnet with this third octet."""
        return f"{self.network}.{octet}.0/24"
