"""Ask the application on this server's own address, as a balancer would."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass

from .document import Health
from .transfer import BROKEN


@dataclass(frozen=True)
class Answer:
    """What the application answered; `reason` says what was wrong."""

    healthy: bool
    reason: str = ""


def ask(address: str, port: int, health: Health) -> Answer:
    """Request the health check's page once."""
    connection = http.client.HTTPConnection(address, port, timeout=health.timeout)
    try:
        connection.request("GET", health.path, headers=dict(health.headers))
        status = connection.getresponse().status
    except ConnectionRefusedError:
        return Answer(False, f"nothing listens on port {port} of {address}")
    except BROKEN as error:
        return Answer(False, f"{health.path} did not answer ({error or type(error).__name__})")
    finally:
        connection.close()
    if matches(health.success, status):
        return Answer(True)
    return Answer(False, f"{health.path} answered {status}, not {health.success}")


def matches(success: str, status: int) -> bool:
    """Tell whether a status is one of an ALB matcher's: "200", "200,301" or "200-299"."""
    for part in success.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


def taken(address: str, port: int) -> bool:
    """Tell whether somebody listens there already; its answers would pass for the application's."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((address, port)) == 0
