"""Pure: a target group's health check as Envoy makes it."""

from __future__ import annotations

from .contract import Probe


def health_check(probe: Probe) -> dict[str, object]:
    """Return how Envoy is to check the targets of a group."""
    interval = f"{probe.interval:.3f}s"
    own_host = host_header(probe)
    headers = {"User-Agent": "ELB-HealthChecker/2.0", **probe.headers}
    check: dict[str, object] = {
        "path": probe.path,
        "expected_statuses": success_ranges(probe.success),
        # Without this a wrong status counts as many failures at once and the threshold is ignored.
        "retriable_statuses": [{"start": 100, "end": 600}],
        "request_headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in headers.items()
            if key.lower() != "host"
        ],
    }
    if own_host:
        check["host"] = own_host
    return {
        "interval": interval,
        "no_traffic_interval": interval,
        "no_traffic_healthy_interval": interval,
        "timeout": f"{probe.timeout:.3f}s",
        "healthy_threshold": probe.healthy_threshold,
        "unhealthy_threshold": probe.unhealthy_threshold,
        "reuse_connection": False,
        "http_health_check": check,
    }


def host_header(probe: Probe) -> str:
    """Return the Host header that a check is given; "" for Envoy's own choice."""
    return next((value for key, value in probe.headers.items() if key.lower() == "host"), "")


def success_ranges(matcher: str) -> list[dict[str, object]]:
    """Turn an ALB matcher ("200", "200,301", "200-299") into half-open ranges.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Matcher.html
    """
    ranges: list[dict[str, object]] = []
    for part in matcher.split(","):
        first, _, last = part.strip().partition("-")
        ranges.append({"start": int(first), "end": int(last or first) + 1})
    return ranges
