"""HTTPS listeners really speak TLS, and redirect actions really redirect."""

from __future__ import annotations

import http.client
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.localcloud.authority import LocalAuthority
from fabfile.localcloud.contract import Fixed, Listener, Redirect, Route, Tls
from fabfile.localcloud.dataplane import EnvoyDataPlane
from fabfile.localcloud.envoy_redirect import program
from fabfile.localcloud.envoy_tls import oldest_protocol
from fabfile.localcloud.network import Network, claim_network

from .dataplane_backends import DEADLINE

pytestmark = pytest.mark.cloud
MODERN = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
TO_HTTPS = Redirect(301, protocol="HTTPS", port="8443")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    return LocalAuthority(tmp_path_factory.mktemp("cloud") / "tls")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("network")
    claim = claim_network(folder / "network.json", folder)
    yield claim.network
    claim.release()


@pytest.fixture(scope="module")
def plane(
    tmp_path_factory: pytest.TempPathFactory, front: Network, authority: LocalAuthority
) -> Iterator[EnvoyDataPlane]:
    with EnvoyDataPlane(tmp_path_factory.mktemp("envoy"), front.proxy_admin, authority=authority) as plane:
        yield plane


def address(network: Network) -> str:
    return f"127.{network.x}.255.1"


def secure(network: Network, *names: str, policy: str = MODERN) -> Listener:
    return Listener(address(network), 8443, (Route(Fixed(200, "text/plain", "by TLS")),), Tls(names, policy))


def redirecting(network: Network, action: Redirect) -> Listener:
    return Listener(address(network), 8080, (Route(action),))


def greeting(network: Network, ca: Path, name: str = "", context: ssl.SSLContext | None = None) -> str:
    """What the HTTPS listener answers a client that trusts the authority and nothing else."""
    trusting = context or ssl.create_default_context(cafile=str(ca))
    plain = socket.create_connection((address(network), 8443), timeout=DEADLINE)
    with plain, trusting.wrap_socket(plain, server_hostname=name or address(network)) as encrypted:
        connection = http.client.HTTPConnection(name or address(network))
        connection.sock = encrypted
        connection.request("GET", "/")
        return connection.getresponse().read().decode()


def location(network: Network, path: str, host: str = "site.example:8080") -> tuple[int, str]:
    connection = http.client.HTTPConnection(address(network), 8080, timeout=DEADLINE)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["Location"]
    finally:
        connection.close()


def test_a_client_that_does_not_know_the_authority_is_shown_no_page(
    plane: EnvoyDataPlane, front: Network, authority: LocalAuthority
) -> None:
    plane.apply([secure(front, "site.example")], [])
    with pytest.raises(ssl.SSLCertVerificationError):
        greeting(front, authority.ca, context=ssl.create_default_context())


def test_a_name_that_the_certificate_is_not_for_is_noticed(
    plane: EnvoyDataPlane, front: Network, authority: LocalAuthority
) -> None:
    plane.apply([secure(front, "site.example")], [])
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        greeting(front, authority.ca, "other.example")


@pytest.mark.parametrize("name", ["", "site.example", "www.site.example"])
def test_the_balancers_address_and_every_domain_are_answered_by_tls(
    plane: EnvoyDataPlane, front: Network, authority: LocalAuthority, name: str
) -> None:
    plane.apply([secure(front, "site.example", "*.site.example")], [])
    assert greeting(front, authority.ca, name) == "by TLS"


def test_the_policy_decides_which_protocols_are_spoken(
    plane: EnvoyDataPlane, front: Network, authority: LocalAuthority
) -> None:
    plane.apply([secure(front, "site.example", policy="ELBSecurityPolicy-TLS13-1-3-2021-06")], [])
    old = ssl.create_default_context(cafile=str(authority.ca))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        greeting(front, authority.ca, context=old)
    assert greeting(front, authority.ca) == "by TLS"


@pytest.mark.parametrize(
    ("policy", "oldest"),
    [
        (MODERN, "TLSv1_2"),
        ("ELBSecurityPolicy-TLS13-1-3-PQ-2025-09", "TLSv1_3"),
        ("ELBSecurityPolicy-FS-1-1-2019-08", "TLSv1_1"),
        ("ELBSecurityPolicy-2016-08", "TLSv1_0"),
    ],
)
def test_a_policys_name_tells_its_oldest_protocol(policy: str, oldest: str) -> None:
    assert oldest_protocol(policy) == oldest


def test_private_keys_are_read_by_their_owner_alone_and_certificates_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    files = LocalAuthority(folder).issue(["site.example"], ["127.66.255.1"])
    assert [stat.S_IMODE(path.stat().st_mode) for path in (files.key, folder / "ca.key")] == [0o600, 0o600]
    before = files.certificate.read_bytes()
    assert LocalAuthority(folder).issue(["site.example"], ["127.66.255.1"]) == files
    assert files.certificate.read_bytes() == before


@pytest.mark.parametrize(
    ("action", "asked", "status", "wanted"),
    [
        (TO_HTTPS, "/", 301, "https://site.example:8443/"),
        (TO_HTTPS, "/a/b?c=d&e=%20f", 301, "https://site.example:8443/a/b?c=d&e=%20f"),
        (Redirect(302, host="www.#{host}"), "/x?y=1", 302, "http://www.site.example:8080/x?y=1"),
        (Redirect(301, path="/new/#{path}", query="from=#{path}&#{query}"), "/old?q=1", 301,
         "http://site.example:8080/new/old?from=old&q=1"),
        (Redirect(301, path="/gone", query=""), "/old?q=1", 301, "http://site.example:8080/gone"),
        (Redirect(302, host="x.example", path="/#{host}/#{port}"), "/", 302,
         "http://x.example:8080/site.example/8080"),
        (Redirect(302, path="/100%25/#{nothing}\\\"]]"), "/", 302,
         'http://site.example:8080/100%25/#{nothing}\\"]]'),
    ],
    ids=["root", "path and query", "host", "new path", "no query", "host and port in the path", "odd characters"],
)  # fmt: skip
def test_a_redirect_keeps_what_it_is_told_to_keep(
    plane: EnvoyDataPlane, front: Network, action: Redirect, asked: str, status: int, wanted: str
) -> None:
    plane.apply([redirecting(front, action)], [])
    assert location(front, asked) == (status, wanted)


def test_a_redirect_of_an_https_listener_knows_its_own_protocol_and_port(front: Network) -> None:
    text = program(Redirect(302, path="/#{path}"), secure(front, "site.example"))
    assert "".join(f"\\{byte:03d}" for byte in b"https://") in text
    assert "".join(f"\\{byte:03d}" for byte in b":8443") in text
