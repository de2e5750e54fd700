"""Pure: what Envoy must be told so that it serves listeners and pools as an Application Load Balancer would.

In: the contract's listeners and pools. Out: xDS resources as JSON values, one document for each file that
Envoy watches, each with the hash of its content as its version, so that Envoy can be asked whether it runs
it. Never: files, processes, network.

Envoy's words: a pool is a *cluster*, its targets are the cluster's *endpoints* (EDS), a load balancer's port
is a *listener* (LDS) and its rules are the listener's *routes* (RDS).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .authority import CertificateFiles
from .contract import Endpoint, Fixed, Forward, Listener, Pool, Probe, Redirect, Route
from .envoy_health import health_check, host_header
from .envoy_redirect import lua_filter, redirect
from .envoy_tls import transport_socket

TYPE = "type.googleapis.com/envoy"

Json = dict[str, object]

# Rounded to whole percents by Envoy: of up to 100 targets one healthy one is enough to be the only one asked.
PANIC_PERCENT = 1
# An ALB's idle timeout, towards clients and targets alike.
IDLE = "60s"
# An ALB gives a target this long to accept a connection before it answers 504.
CONNECT = "10s"
UNLIMITED = 1_000_000


@dataclass(frozen=True)
class Document:
    """One watched file; `stat` names the version that Envoy reports for it."""

    file: str
    stat: str
    resources: tuple[Json, ...]

    @property
    def refusals(self) -> str:
        """The statistic that counts how often Envoy refused this document."""
        return self.stat.replace("version_text", "update_rejected")

    @property
    def version(self) -> str:
        """The hash of the content: the same configuration always has the same version."""
        return hashlib.sha256(json.dumps(self.resources, sort_keys=True).encode()).hexdigest()[:16]

    def text(self) -> str:
        return json.dumps({"version_info": self.version, "resources": self.resources})


def short(name: str) -> str:
    """A name for files and statistics: pools are named by ARNs, whose colons and slashes fit neither."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def bootstrap(folder: Path, admin: str) -> Json:
    """What Envoy is started with: where its files are; the admin port is chosen by the kernel."""
    return {
        "node": {"id": "fabscale", "cluster": "fabscale"},
        "admin": {"address": _socket(admin, 0)},
        "dynamic_resources": {
            "cds_config": _file(folder / "clusters.json"),
            "lds_config": _file(folder / "listeners.json"),
        },
    }


def clusters(pools: Iterable[Pool], folder: Path) -> Document:
    resources = tuple(_cluster(pool, folder) for pool in pools)
    return Document("clusters.json", "cluster_manager.cds.version_text", resources)


def endpoints(pool: Pool, members: Sequence[Endpoint]) -> Document:
    """The targets of a pool; `members` may be none of them yet while the pool is new."""
    resource: Json = {
        "@type": f"{TYPE}.config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": pool.name,
        "endpoints": [{"lb_endpoints": [_endpoint(member, pool.probe) for member in members]}],
    }
    key = short(pool.name)
    return Document(f"endpoints-{key}.json", f"cluster.{key}.version_text", (resource,))


def listeners(
    wanted: Iterable[Listener], folder: Path, certificates: Mapping[Listener, CertificateFiles] | None = None
) -> Document:
    """The ports; `certificates` has files for every listener that speaks TLS."""
    resources = tuple(_listener(listener, folder, (certificates or {}).get(listener)) for listener in wanted)
    return Document("listeners.json", "listener_manager.lds.version_text", resources)


def routes(listener: Listener, pools: Mapping[str, Pool]) -> Document:
    key = short(listener_name(listener))
    resource: Json = {
        "@type": f"{TYPE}.config.route.v3.RouteConfiguration",
        "name": key,
        "virtual_hosts": [
            {
                "name": "all",
                "domains": ["*"],
                "routes": [_route(route, listener, pools) for route in listener.routes],
            }
        ],
        "request_headers_to_remove": ["x-envoy-external-address"],
        "request_headers_to_add": [
            {
                "header": {"key": "X-Forwarded-Port", "value": str(listener.port)},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            },
            {
                "header": {
                    "key": "X-Forwarded-For",
                    "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
                },
                "append_action": "APPEND_IF_EXISTS_OR_ADD",
            },
        ],
    }
    return Document(f"routes-{key}.json", f"http.{key}.rds.{key}.version_text", (resource,))


def listener_name(listener: Listener) -> str:
    return f"{listener.address}:{listener.port}"


def _socket(address: str, port: int) -> Json:
    return {"socket_address": {"address": address, "port_value": port}}


def _file(path: Path) -> Json:
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}


def _cluster(pool: Pool, folder: Path) -> Json:
    key = short(pool.name)
    return {
        "@type": f"{TYPE}.config.cluster.v3.Cluster",
        "name": pool.name,
        "alt_stat_name": key,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": _file(folder / f"endpoints-{key}.json")},
        "connect_timeout": CONNECT,
        # A target that leaves is gone at once, whatever its health; its requests under way still end.
        "ignore_health_on_host_removal": True,
        "common_lb_config": {
            "healthy_panic_threshold": {"value": PANIC_PERCENT},
            "ignore_new_hosts_until_first_hc": True,
            # By default Envoy collects changes of health for a second, in which it still asks a sick target.
            "update_merge_window": "0s",
        },
        # Draining targets are outside the subset, so that failing open never includes them.
        "lb_subset_config": {
            "fallback_policy": "NO_FALLBACK",
            "subset_selectors": [{"keys": ["serving"], "fallback_policy": "NO_FALLBACK"}],
        },
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": UNLIMITED,
                    "max_pending_requests": UNLIMITED,
                    "max_requests": UNLIMITED,
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": IDLE},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
        "health_checks": [health_check(pool.probe)],
    }


def _endpoint(endpoint: Endpoint, probe: Probe) -> Json:
    port = probe.port or endpoint.port
    check: Json = {}
    if not host_header(probe):
        check["hostname"] = f"{endpoint.address}:{port}"
    if port != endpoint.port:
        check["port_value"] = port
    return {
        "endpoint": {"address": _socket(endpoint.address, endpoint.port), "health_check_config": check},
        "health_status": "DRAINING" if endpoint.draining else "HEALTHY",
        "metadata": _serving("no" if endpoint.draining else "yes"),
    }


def _serving(value: str) -> Json:
    return {"filter_metadata": {"envoy.lb": {"serving": value}}}


def _listener(listener: Listener, folder: Path, certificate: CertificateFiles | None) -> Json:
    key = short(listener_name(listener))
    connection_manager: Json = {
        "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": key,
        "rds": {"route_config_name": key, "config_source": _file(folder / f"routes-{key}.json")},
        # Sets X-Forwarded-Proto. The routes add to X-Forwarded-For, for Envoy itself would put the machine's
        # public address in place of a client on loopback.
        "use_remote_address": True,
        "skip_xff_append": True,
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "http_protocol_options": {"accept_http_10": True},
        "common_http_protocol_options": {"idle_timeout": IDLE},
        "stream_idle_timeout": IDLE,
        "local_reply_config": {
            "mappers": [
                {  # a target that refuses or resets: an ALB answers 502, Envoy by itself 503
                    "filter": {"response_flag_filter": {"flags": ["UF", "UC", "UR", "UPE"]}},
                    "status_code": 502,
                }
            ]
        },
        "http_filters": [
            lua_filter(),
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": f"{TYPE}.extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            },
        ],
    }
    chain: Json = {
        "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": connection_manager}]
    }
    if listener.tls and certificate:
        chain["transport_socket"] = transport_socket(certificate, listener.tls.policy)
    return {
        "@type": f"{TYPE}.config.listener.v3.Listener",
        "name": listener_name(listener),
        "address": _socket(listener.address, listener.port),
        # With port reuse a second process could take half of the connections without anybody noticing.
        "enable_reuse_port": False,
        "filter_chains": [chain],
    }


def _route(route: Route, listener: Listener, pools: Mapping[str, Pool]) -> Json:
    if isinstance(route.action, Redirect):
        return {"match": _match(route), **redirect(route.action, listener)}
    return {"match": _match(route), **_action(route.action, pools)}


def _match(route: Route) -> Json:
    match: Json = {"prefix": "/"}
    if route.paths:
        match = {"safe_regex": {"regex": _any_of(route.paths)}}
    conditions: list[Json] = []
    if route.hosts:  # host names compare without case and without the port
        conditions.append(_header(":authority", f"(?i){_any_of(route.hosts)}(:[0-9]+)?"))
    conditions.extend(_header(name, f"(?i){_any_of(values)}") for name, values in route.headers)
    return {**match, "headers": conditions} if conditions else match


def _header(name: str, regex: str) -> Json:
    return {"name": name, "string_match": {"safe_regex": {"regex": regex}}}


def _any_of(patterns: Iterable[str]) -> str:
    return "(" + "|".join(pattern_regex(pattern) for pattern in patterns) + ")"


def pattern_regex(pattern: str) -> str:
    """Turn an ALB pattern into RE2's syntax: * is any number of characters, ? is exactly one.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
    """
    wild = {"*": ".*", "?": "."}
    return "".join(wild.get(character) or re.escape(character) for character in pattern)


def _action(action: Fixed | Forward, pools: Mapping[str, Pool]) -> Json:
    if isinstance(action, Fixed):
        return _fixed(action)
    weights = [(name, weight) for name, weight in action.weights if weight > 0 and name in pools]
    if not weights:
        return _fixed(Fixed(503, "text/plain", "no target group takes this request"))
    targets = [{"name": name, "weight": weight, "metadata_match": _serving("yes")} for name, weight in weights]
    # No retries: an ALB has none, and one here would hide failures that users meet on AWS.
    return {"route": {"weighted_clusters": {"clusters": targets}, "timeout": "0s", "idle_timeout": IDLE}}


def _fixed(answer: Fixed) -> Json:
    response: Json = {"status": answer.status}
    if answer.body:
        response["body"] = {"inline_string": answer.body}
    content_type: Json = {
        "header": {"key": "Content-Type", "value": answer.content_type or "text/plain"},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {"direct_response": response, "response_headers_to_add": [content_type]}
