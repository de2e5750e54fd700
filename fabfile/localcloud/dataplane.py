"""The embedded cloud's load balancers: Envoy behind the contract's `DataPlane`.

In: listeners and pools as the control plane has them. Out: answers to clients, and what Envoy saw of each
target. Never: AWS's words or states; what a sight means (initial, unhealthy, draining) is the control plane's
to say.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import Unreachable
from . import envoy_config
from .authority import LocalAuthority
from .contract import Listener, Pool, Sight
from .envoy_config import Document
from .envoy_process import EnvoyProcess
from .state import replace

log = logging.getLogger(__name__)

ACCEPT_SECONDS = 10.0
ACCEPT_POLL_SECONDS = 0.005


class EnvoyDataPlane:
    """A proxy whose configuration is replaced without losing a request.

    Files are written in the order in which they need each other (targets, pools, rules, ports), and each step
    waits until Envoy says that it runs it, so that no rule ever names a pool that isn't there. Thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        admin: str = "127.0.0.1",
        program: Path | None = None,
        authority: LocalAuthority | None = None,
    ) -> None:
        """Start Envoy in `folder`, its admin port on the loopback address `admin`; raise Unreachable.

        `authority` issues what HTTPS listeners show; one of its own in `folder` if left out.
        """
        self._folder = folder
        self._authority = authority or LocalAuthority(folder / "tls")
        self._lock = threading.Lock()
        self._running: dict[str, str] = {}  # file → version that Envoy confirmed
        self._pools: dict[str, Pool] = {}
        self._applied: tuple[tuple[Listener, ...], tuple[Pool, ...]] | None = None
        self._envoy = EnvoyProcess(folder, admin, program)
        folder.mkdir(parents=True, exist_ok=True)
        for document in (envoy_config.clusters((), folder), envoy_config.listeners((), folder)):
            replace(folder / document.file, document.text())
        self._envoy.start()

    @property
    def pid(self) -> int:
        return self._envoy.pid

    def __enter__(self) -> EnvoyDataPlane:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._envoy.close()

    def apply(self, listeners: Sequence[Listener], pools: Sequence[Pool]) -> None:
        """Serve exactly these; the same again costs nothing.

        Raises Unreachable when Envoy refuses or doesn't answer; the listeners that were to stay serve on then.
        """
        wanted = (tuple(listeners), tuple(pools))
        with self._lock:
            if wanted == self._applied:
                return
            self._applied = None
            self._add_pools({pool.name: pool for pool in pools})
            rules = [envoy_config.routes(listener, self._pools) for listener in listeners]
            certificates = {
                listener: self._authority.issue(listener.tls.names, (listener.address,))
                for listener in listeners
                if listener.tls
            }
            self._put([*rules, envoy_config.listeners(listeners, self._folder, certificates)])
            self._remove_pools({pool.name for pool in pools})
            self._forget_files({document.file for document in rules})
            self._applied = wanted

    def observe(self) -> Mapping[tuple[str, str, int], Sight]:
        """Return what Envoy sees now; nothing at all while it isn't up, for then nobody sees anything."""
        try:
            report = json.loads(self._envoy.get("/clusters?format=json"))
        except (OSError, http.client.HTTPException, ValueError) as error:
            log.warning("Envoy doesn't say what it sees: %s", error)
            return {}
        return dict(_sights(report))

    def _add_pools(self, wanted: Mapping[str, Pool]) -> None:
        """Bring in new pools empty, which makes them usable at once, and then their targets."""
        new = [pool for name, pool in wanted.items() if name not in self._pools]
        for pool in new:
            document = envoy_config.endpoints(pool, ())
            self._write(document)
        self._pools.update(wanted)
        known = [envoy_config.endpoints(pool, pool.endpoints) for pool in wanted.values() if pool not in new]
        self._put([*known, envoy_config.clusters(self._pools.values(), self._folder)])
        self._put([envoy_config.endpoints(pool, pool.endpoints) for pool in new])

    def _remove_pools(self, wanted: set[str]) -> None:
        self._pools = {name: pool for name, pool in self._pools.items() if name in wanted}
        self._put([envoy_config.clusters(self._pools.values(), self._folder)])

    def _forget_files(self, rules: set[str]) -> None:
        targets = {envoy_config.endpoints(pool, ()).file for pool in self._pools.values()}
        keep = rules | targets | {"clusters.json", "listeners.json"}
        for file in [file for file in self._running if file not in keep]:
            del self._running[file]
            (self._folder / file).unlink(missing_ok=True)

    def _put(self, documents: Iterable[Document]) -> None:
        """Write what changed and return when Envoy runs it."""
        waiting = [each for each in documents if self._running.get(each.file) != each.version]
        if not waiting:
            return
        before = self._statistics()
        for document in waiting:
            self._write(document)
        deadline = time.monotonic() + ACCEPT_SECONDS
        while waiting:
            now = self._statistics()
            for document in waiting:
                if now.get(document.stat) == document.version:
                    self._running[document.file] = document.version
            waiting = [each for each in waiting if each.file not in self._running]
            refused = any(int(now.get(d.refusals, 0)) > int(before.get(d.refusals, 0)) for d in waiting)
            if waiting and (refused or time.monotonic() > deadline):
                raise Unreachable(
                    "change the embedded cloud's load balancers",
                    f"Envoy did not accept {', '.join(d.file for d in waiting)}: {self._envoy.last_words()}",
                    f"See {self._envoy.log_file}",
                )
            if waiting:
                time.sleep(ACCEPT_POLL_SECONDS)

    def _write(self, document: Document) -> None:
        self._running.pop(document.file, None)
        replace(self._folder / document.file, document.text())

    def _statistics(self) -> dict[str, str]:
        """Return which version of each document Envoy runs and how often it refused one, by statistic."""
        try:
            text = self._envoy.get("/stats?filter=(version_text|update_rejected)$")
        except (OSError, http.client.HTTPException):
            return {}  # it is being started again, with the new files
        lines = (line.partition(": ") for line in text.splitlines())
        return {name: value.strip('"') for name, _, value in lines}


def _sights(report: Mapping[str, Any]) -> Iterable[tuple[tuple[str, str, int], Sight]]:
    for cluster in report.get("cluster_statuses", ()):
        for host in cluster.get("host_statuses", ()):
            address = host["address"]["socket_address"]
            yield (cluster["name"], address["address"], address["port_value"]), _sight(host)


def _sight(host: Mapping[str, Any]) -> Sight:
    health = host.get("health_status", {})
    failed = bool(health.get("failed_active_health_check"))
    checked = not health.get("pending_active_hc")
    active = next((stat.get("value", 0) for stat in host["stats"] if stat["name"] == "rq_active"), 0)
    reason = ""
    if checked and failed:
        reason = "Target.Timeout" if health.get("active_hc_timeout") else "Target.FailedHealthChecks"
    return Sight(healthy=not failed, checked=checked, active=int(active), reason=reason)
