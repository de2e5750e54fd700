"""Listener rules and everything else in which the proxy is to be like an Application Load Balancer."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.errors import Unreachable
from fabfile.localcloud.contract import Fixed, Forward, Listener, Route
from fabfile.localcloud.dataplane import EnvoyDataPlane
from fabfile.localcloud.envoy_config import pattern_regex
from fabfile.localcloud.envoy_health import success_ranges
from fabfile.localcloud.network import Network, claim_network

from .dataplane_backends import Backend, ask, everything_to, pool, until

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("network")
    claim = claim_network(folder / "network.json", folder)
    yield claim.network
    claim.release()


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory, network: Network) -> Iterator[EnvoyDataPlane]:
    with EnvoyDataPlane(tmp_path_factory.mktemp("envoy"), network.proxy_admin) as plane:
        yield plane


@pytest.fixture
def front(network: Network) -> str:
    return f"127.{network.x}.255.1"


@pytest.fixture
def backend(network: Network) -> Iterator[Backend]:
    backend = Backend("server", f"127.{network.x}.1.4")
    yield backend
    backend.stop()


def says(text: str, **conditions: object) -> Route:
    return Route(Fixed(200, "text/plain", text), **conditions)  # type: ignore[arg-type]


def test_a_configuration_that_envoy_refuses_is_said_and_other_listeners_serve_on(
    plane: EnvoyDataPlane, front: str
) -> None:
    plane.apply([Listener(front, 8080, (says("before"),))], [])
    bad = Listener("127.0.0.1.example", 8080, (says("after"),))
    with pytest.raises(Unreachable, match=r"Envoy did not accept .*malformed IP address"):
        plane.apply([Listener(front, 8080, (says("before"),)), bad], [])
    assert ask(front) == (200, "before")
    plane.apply([Listener(front, 8080, (says("later"),))], [])
    assert ask(front) == (200, "later")


def test_an_envoy_that_dies_is_started_again_with_what_it_had(
    plane: EnvoyDataPlane, front: str, backend: Backend
) -> None:
    web = pool("web", backend.endpoint())
    plane.apply([everything_to(front, web)], [web])
    first = plane.pid
    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        try:
            return plane.pid != first and ask(front) == (200, "server")
        except OSError:
            return False

    until(again, "the proxy again")
    plane.apply([Listener(front, 8080, (says("changed"),))], [])
    assert ask(front) == (200, "changed")


def test_a_rule_with_no_target_group_that_weighs_anything_is_a_503(plane: EnvoyDataPlane, front: str) -> None:
    web = pool("web")
    plane.apply([Listener(front, 8080, (Route(Forward((("web", 0),))),))], [web])
    assert ask(front)[0] == 503


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/img/*", "/img/a/b.png", True),
        ("/img/*", "/img", False),
        ("/img/*", "/IMG/a", False),
        ("/a?c", "/abc", True),
        ("/a?c", "/ac", False),
        ("/a.c", "/abc", False),
        ("*.php", "/x/y.php?z=1", True),
        ("/$-_.~\"'@:+&()", "/$-_.~\"'@:+&()", True),
    ],
)
def test_path_patterns_are_an_albs(plane: EnvoyDataPlane, front: str, pattern: str, path: str, matches: bool) -> None:
    """Case matters, * and ? are the only wild characters, and the query is no part of it."""
    plane.apply([Listener(front, 8080, (says("rule", paths=("/other", pattern)), says("default")))], [])
    assert ask(front, path) == (200, "rule" if matches else "default")


@pytest.mark.parametrize(
    ("host", "matches"),
    [
        ("www.example.com", True),
        ("WWW.Example.com", True),
        ("www.example.com:8080", True),
        ("example.com", False),
        ("wwwxexample.com", False),
        ("www.example.com.evil", False),
    ],
)
def test_hosts_match_without_case_and_port(plane: EnvoyDataPlane, front: str, host: str, matches: bool) -> None:
    plane.apply([Listener(front, 8080, (says("rule", hosts=("*.example.com",)), says("default")))], [])
    assert ask(front, headers={"Host": host}) == (200, "rule" if matches else "default")


def test_every_condition_of_a_rule_must_hold_and_the_first_rule_wins(plane: EnvoyDataPlane, front: str) -> None:
    rules = (
        says("both", paths=("/beta/*",), headers=(("X-Tester", ("yes", "maybe*")),)),
        says("path", paths=("/beta/*",)),
        says("default"),
    )
    plane.apply([Listener(front, 8080, rules)], [])
    assert ask(front, "/beta/1", {"X-Tester": "MAYBE not"})[1] == "both"
    assert ask(front, "/beta/1", {"X-Tester": "no"})[1] == "path"
    assert ask(front, "/", {"X-Tester": "yes"})[1] == "default"


def test_a_fixed_response_has_its_status_and_text(plane: EnvoyDataPlane, front: str) -> None:
    plane.apply([Listener(front, 8080, (Route(Fixed(503, "text/html", "<p>soon</p>")),))], [])
    assert ask(front) == (503, "<p>soon</p>")


def test_a_target_learns_who_asked_and_how(plane: EnvoyDataPlane, front: str, backend: Backend) -> None:
    web = pool("web", backend.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(lambda: ask(front)[1] == "server", "the target's answer")
    ask(front, headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Host": "shop.example"})
    seen = {name.lower(): value for name, value in backend.last_headers.items()}
    assert seen["x-forwarded-for"] == "203.0.113.9,127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-port"] == "8080"
    assert seen["host"] == "shop.example"
    assert not [name for name in seen if name.startswith("x-envoy") or name == "x-request-id"]


def test_a_health_check_sends_its_headers_and_the_targets_own_address(
    plane: EnvoyDataPlane, front: str, backend: Backend
) -> None:
    web = pool("web", backend.endpoint(), headers={"X-Forwarded-Proto": "https"})
    plane.apply([everything_to(front, web)], [web])
    wanted = {"x-forwarded-proto": "https", "host": f"{backend.address}:8000", "user-agent": "ELB-HealthChecker/2.0"}

    def seen() -> bool:
        headers = {name.lower(): value for name, value in backend.health_headers.items()}
        return wanted.items() <= headers.items()

    until(seen, "the health check with its headers")
    named = pool("web", backend.endpoint(), headers={"Host": "shop.example"})
    plane.apply([everything_to(front, named)], [named])
    until(lambda: backend.health_headers.get("host") == "shop.example", "the health check with a host of its own")


@pytest.mark.parametrize(
    ("matcher", "healthy"), [("200", False), ("200,301", True), ("200-299", False), ("300-399", True)]
)
def test_success_codes_decide_what_is_healthy(
    plane: EnvoyDataPlane, front: str, backend: Backend, matcher: str, healthy: bool
) -> None:
    backend.health = 301
    web = pool(f"web-{matcher}", backend.endpoint(), success=matcher)
    plane.apply([everything_to(front, web)], [web])
    key = (web.name, backend.address, 8000)
    until(lambda: key in plane.observe() and plane.observe()[key].checked, "the first check")
    assert plane.observe()[key].healthy is healthy


def test_one_target_with_two_ports_is_two_endpoints(plane: EnvoyDataPlane, front: str, backend: Backend) -> None:
    second = Backend("second", backend.address, 8001)
    web = pool("web-two", backend.endpoint(), second.endpoint(), port=0)
    plane.apply([everything_to(front, web)], [web])
    until(lambda: sum(sight.healthy for sight in plane.observe().values()) == 2, "both healthy")
    assert {ask(front)[1] for _ in range(20)} == {"server", "second"}
    second.stop()


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
def test_a_pattern_without_wild_characters_matches_only_itself(text: str) -> None:
    pattern = text.replace("*", "x").replace("?", "x")
    assert re.fullmatch(pattern_regex(pattern), pattern)
    assert not re.fullmatch(pattern_regex(pattern), pattern + "x")


def test_matchers_become_half_open_ranges() -> None:
    assert success_ranges("200") == [{"start": 200, "end": 201}]
    assert success_ranges("200-299, 301") == [{"start": 200, "end": 300}, {"start": 301, "end": 302}]
