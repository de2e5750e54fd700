"""The proxy under traffic: what it promises about requests while its configuration changes."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabfile.localcloud.contract import Forward, Listener, Route
from fabfile.localcloud.dataplane import EnvoyDataPlane
from fabfile.localcloud.network import Network, claim_network

from .dataplane_backends import Backend, Load, ask, everything_to, pool, until

pytestmark = pytest.mark.cloud
Start = Callable[..., Backend]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    claim = claim_network(tmp_path / "network.json", tmp_path)
    yield claim.network
    claim.release()


@pytest.fixture
def front(network: Network) -> str:
    return f"127.{network.x}.255.1"


@pytest.fixture
def plane(tmp_path: Path, network: Network) -> Iterator[EnvoyDataPlane]:
    with EnvoyDataPlane(tmp_path / "envoy", network.proxy_admin) as plane:
        yield plane


@pytest.fixture
def start(network: Network) -> Iterator[Start]:
    started: list[Backend] = []

    def one(name: str, port: int = 8000) -> Backend:
        started.append(Backend(name, f"127.{network.x}.1.{len(started) + 4}", port))
        return started[-1]

    yield one
    for backend in started:
        backend.stop()


def healthy(plane: EnvoyDataPlane, *backends: Backend, name: str = "web") -> Callable[[], bool]:
    def seen() -> bool:
        sights = plane.observe()
        keys = [(name, backend.address, backend.port) for backend in backends]
        return all(key in sights and sights[key].healthy for key in keys)

    return seen


def test_a_target_that_was_killed_without_draining_costs_requests(
    plane: EnvoyDataPlane, front: str, start: Start
) -> None:
    """The proxy hides no bad deploy: it retries as little as an ALB, and answers 502."""
    old, new = start("old"), start("new")
    web = pool("web", old.endpoint(), new.endpoint(), interval=60.0)
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, old, new), "both healthy")
    old.stop()
    assert {ask(front)[0] for _ in range(20)} == {200, 502}


def test_a_target_that_breaks_off_is_a_502(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    web = pool("web", start("a").endpoint())
    plane.apply([everything_to(front, web)], [web])
    assert ask(front, "/break")[0] == 502


def test_an_unhealthy_target_gets_no_request(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    good, bad = start("good"), start("bad")
    bad.health = 500
    web = pool("web", good.endpoint(), bad.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, good), "the good one healthy")
    until(lambda: plane.observe()["web", bad.address, 8000].checked, "the bad one checked")
    assert {ask(front)[1] for _ in range(40)} == {"good"}
    assert bad.served == 0


def test_a_target_that_turns_bad_is_left_and_taken_back(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    first, second = start("first"), start("second")
    web = pool("web", first.endpoint(), second.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, first, second), "both healthy")
    second.health = 503
    until(lambda: not healthy(plane, second)(), "the second one unhealthy")
    assert plane.observe()["web", second.address, 8000].reason == "Target.FailedHealthChecks"
    assert {ask(front)[1] for _ in range(20)} == {"first"}
    second.health = 200
    until(healthy(plane, second), "the second one healthy again")
    assert {ask(front)[1] for _ in range(20)} == {"first", "second"}


def test_with_no_healthy_target_all_but_the_draining_ones_are_asked(
    plane: EnvoyDataPlane, front: str, start: Start
) -> None:
    """An ALB fails open, but a draining target is none of its any more."""
    bad, worse, leaving = start("bad"), start("worse"), start("leaving")
    bad.health = worse.health = 500
    web = pool("web", bad.endpoint(), worse.endpoint(), leaving.endpoint(draining=True))
    plane.apply([everything_to(front, web)], [web])
    until(lambda: all(sight.checked for sight in plane.observe().values()), "all checked")
    assert {ask(front) for _ in range(40)} == {(200, "bad"), (200, "worse")}


def test_a_pool_without_targets_is_a_503(plane: EnvoyDataPlane, front: str) -> None:
    web = pool("web")
    plane.apply([everything_to(front, web)], [web])
    assert ask(front)[0] == 503


def test_only_draining_targets_are_a_503(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    web = pool("web", start("leaving").endpoint(draining=True))
    plane.apply([everything_to(front, web)], [web])
    assert ask(front)[0] == 503


def test_a_new_target_is_unchecked_until_its_first_answer(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    old, slow = start("old"), start("slow")
    web = pool("web", old.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, old), "the old one healthy")
    both = pool("web", old.endpoint(), slow.endpoint(), path="/health")
    slow.stop()
    plane.apply([everything_to(front, both)], [both])
    sight = plane.observe()["web", slow.address, 8000]
    assert not sight.healthy
    assert {ask(front)[1] for _ in range(10)} == {"old"}


def test_a_request_under_way_ends_on_a_draining_target_and_no_new_one_begins(
    plane: EnvoyDataPlane, front: str, start: Start
) -> None:
    old, new = start("old"), start("new")
    web = pool("web", old.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, old), "the old one healthy")
    answers: list[tuple[int, str]] = []
    under_way = threading.Thread(target=lambda: answers.append(ask(front, "/hang")))
    under_way.start()
    until(lambda: plane.observe()["web", old.address, 8000].active == 1, "the request under way")

    swapped = pool("web", old.endpoint(draining=True), new.endpoint())
    plane.apply([everything_to(front, swapped)], [swapped])
    until(healthy(plane, new), "the new one healthy")
    served = old.served
    assert {ask(front)[1] for _ in range(20)} == {"new"}
    assert old.served == served
    assert plane.observe()["web", old.address, 8000].active == 1

    gone = pool("web", new.endpoint())
    plane.apply([everything_to(front, gone)], [gone])
    old.release.set()
    under_way.join()
    assert answers == [(200, "old")]


def test_twelve_swaps_with_draining_lose_no_request(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    """Each swap: launch, wait for health, drain, wait for the last request, stop the old server."""
    old = start("server 0")
    web = pool("web", old.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, old), "the first one healthy")
    with Load(front) as load:
        for number in range(1, 13):
            new = start(f"server {number}")
            both = pool("web", old.endpoint(), new.endpoint())
            plane.apply([everything_to(front, both)], [both])
            until(healthy(plane, new), "the new one healthy")
            load.go_on()
            draining = pool("web", old.endpoint(draining=True), new.endpoint())
            plane.apply([everything_to(front, draining)], [draining])
            key = ("web", old.address, 8000)
            until(lambda key=key: plane.observe()[key].active == 0, "drained")  # type: ignore[misc]
            alone = pool("web", new.endpoint())
            plane.apply([everything_to(front, alone)], [alone])
            old.stop()
            load.go_on()
            old = new
    assert load.failures == []
    assert len(load.answers) == 13
    assert load.connections == 4, "clients' connections are kept over all changes"


def test_weights_move_traffic_without_losing_a_request(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    blue, green = start("blue"), start("green")
    pools = [pool("blue", blue.endpoint()), pool("green", green.endpoint())]

    def weigh(left: int, right: int) -> None:
        forward = Forward((("blue", left), ("green", right)))
        plane.apply([Listener(front, 8080, (Route(forward),))], pools)

    weigh(100, 0)
    until(healthy(plane, blue, name="blue"), "blue healthy")
    until(healthy(plane, green, name="green"), "green healthy")
    with Load(front) as load:
        load.go_on()
        assert set(load.answers) == {"blue"}
        for right in (10, 50, 100):
            weigh(100 - right, right)
            load.go_on(100)
        after = load.answers["blue"]
        load.go_on(100)
        assert load.answers["blue"] - after <= 4, "only requests that were under way"
    assert load.failures == []
    assert load.answers["green"] > 0


def test_a_changed_health_check_and_a_new_rule_lose_no_request(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    server, other = start("server"), start("other")
    web = pool("web", server.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, server), "healthy")
    with Load(front) as load:
        load.go_on()
        web = pool("web", server.endpoint(), path="/other-health", success="200-299")
        plane.apply([everything_to(front, web)], [web])
        until(lambda: server.asked["/other-health"] > 2, "the new health check")
        api = pool("api", other.endpoint())
        rules = (Route(Forward((("api", 1),)), paths=("/api/*",)), *everything_to(front, web).routes)
        plane.apply([Listener(front, 8080, rules)], [web, api])
        until(healthy(plane, other, name="api"), "the other pool healthy")
        load.go_on()
    assert load.failures == []
    assert ask(front, "/api/1")[1] == "other"


def test_an_idle_connection_of_a_client_survives_changes(plane: EnvoyDataPlane, front: str, start: Start) -> None:
    first, second = start("first"), start("second")
    web = pool("web", first.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, first), "healthy")
    connection = http.client.HTTPConnection(front, 8080, timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"first"
    socket = connection.sock
    web = pool("web", second.endpoint())
    plane.apply([everything_to(front, web)], [web])
    until(healthy(plane, second), "the second one healthy")
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"second"
    assert connection.sock is socket
    connection.close()
