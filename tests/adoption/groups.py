"""Groups made by hand, as values and in an account of the embedded cloud."""

from __future__ import annotations

from typing import Any

from fabfile.adoption.model import Balancer, Expected, Launches, Seen
from fabfile.aws.group_settings import GroupSettings, Launched, Source
from fabfile.aws.launch_configurations import LaunchConfiguration

CONFIGURATION = LaunchConfiguration("site-2019", "ami-1", "m5.large", "IyEvYmluL3NoCg==", profile="servers")
EXPECTED = Expected("site,staging", ("site",), 80, "x86_64", "arn:aws:s3:::releases/site/*", "fabscale-ready", 10.0)
BALANCER = Balancer("site", "classic", "site.example", (80,), "HTTP:8000/", 30.0)


def group(**changes: Any) -> GroupSettings:
    """A group of two servers on a launch configuration, behind a classic balancer."""
    given: dict[str, Any] = {
        "name": "site-web",
        "source": Source(configuration="site-2019"),
        "minimum": 2,
        "maximum": 4,
        "desired": 2,
        "zones": ("us-east-1a", "us-east-1b"),
        "subnets": ("subnet-1", "subnet-2"),
        "suspended": (),
        "health_check": "ELB",
        "grace": 300.0,
        "cooldown": 300.0,
        "termination_policies": ("Default",),
        "protects_new": False,
        "classic_balancers": ("site",),
        "target_groups": (),
        "servers": tuple(
            Launched(f"i-{number}", "us-east-1a", "InService", True, "launch configuration site-2019")
            for number in (1, 2)
        ),
    }
    return GroupSettings(**{**given, **changes})


def seen(**changes: Any) -> Seen:
    """A group on a launch configuration that can be adopted; `source` and the like replace the group's."""
    of_group = {key: changes.pop(key) for key in list(changes) if key in GroupSettings.__dataclass_fields__}
    given: dict[str, Any] = {
        "role": "web",
        "group": group(**of_group),
        "launches": Launches("ami-1", "m5.large", "", "servers", True, 10),
        "configuration": CONFIGURATION,
        "balancers": (BALANCER,),
        "reads_releases": True,
    }
    return Seen(**{**given, **changes})


def on_template(version: str, **changes: Any) -> Seen:
    """A group on a launch template's version, which is number 7 now."""
    server = Launched("i-1", "us-east-1a", "InService", True, "lt-1:7")
    given = {"source": Source(template="lt-1", version=version), "servers": (server,), "configuration": None}
    return seen(live="7", **{**given, **changes})
