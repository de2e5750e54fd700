"""Static files of a new release on servers that run: who could not fetch them is named."""

from __future__ import annotations

from fabfile.apply.workers import fetch_static
from fabfile.transports.memory import MemoryTransport


def test_a_server_that_could_not_fetch_them_is_named_with_the_reason_and_one_without_an_address_is_not_asked() -> None:
    transport = MemoryTransport(
        {
            "10.0.0.1": lambda argv, given: (0, "{}", ""),
            "10.0.0.2": lambda argv, given: (127, "", "python3: can't open file '/opt/fabscale/server.py'"),
        }
    )
    servers = {"i-1": "10.0.0.1", "i-2": "10.0.0.2", "i-3": ""}
    assert fetch_static(transport, servers, {"static": []}) == {
        "i-2": "python3: can't open file '/opt/fabscale/server.py'",
        "i-3": "it has no address",
    }
