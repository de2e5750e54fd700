"""The embedded cloud's control plane: moto's server with our own autoscaling, balancing and machines behind it.

In: what runs machines, the proxy and databases (`contract`). Out: AWS's API on one loopback address. Never: a
process of its own; who starts it decides where it runs. One at a time in a process: moto's records are the process's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from ..errors import UsageError
from .alarms import alarm_patches
from .autoscaling import Autoscaling
from .balancer_resources import balancer_resource_patches
from .balancing import Balancing
from .buckets import bucket_patches
from .caches import CacheRecords, cache_patches
from .certificates import certificate_patches
from .classic import classic_patches
from .contract import Caches, Databases, DataPlane, Listener, Machines, Pool
from .databases import DatabaseRecords, database_patches
from .ec2 import default_vpc, ec2_patches
from .elbv2 import elbv2_patches
from .faults import Faults
from .gate import Gate
from .iam.enforcement import Enforcement
from .instances import Background, Instances
from .launch_templates import launch_template_patches
from .launching import Launcher
from .members import Members
from .membership import Membership
from .objects import object_patches
from .patches import Patches
from .reconciler import Reconciler
from .resources import resource_patches
from .scaling import Scaling
from .scaling_api import autoscaling_patches
from .scaling_resources import scaling_resource_patches
from .settings import CloudSettings
from .stack_api import stack_patches
from .stacks import Stacks
from .targets import Targets

log = logging.getLogger(__name__)
SERVICES = (
    "acm",
    "autoscaling",
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "elasticache",
    "elb",
    "elbv2",
    "iam",
    "logs",
    "rds",
    "route53",
    "s3",
    "secretsmanager",
    "sns",
    "ssm",
    "sts",
)


class QuietHandler(MotoRequestHandler):
    """Serve without a line in the log for every request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class ControlPlane:
    """AWS's API over machines, a proxy and databases.

    `clock` is in seconds since the epoch; `background` runs what takes long (stopping machines, starting databases) and
    is a thread pool unless given. Tests give both and call `tick`.
    """

    def __init__(
        self,
        settings: CloudSettings,
        machines: Machines,
        dataplane: DataPlane,
        databases: Databases,
        caches: Caches,
        *,
        clock: Callable[[], float] = time.time,
        background: Background | None = None,
    ) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.faults = Faults()
        self._dataplane = dataplane
        self._pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="fabscale-cloud")
        run = background or self._in_pool
        self.instances = Instances(settings, machines, self.faults, clock, run)
        self.targets = Targets(self.instances, clock, settings.drain_cap)
        balancing = Balancing(settings, self.targets)
        membership = Membership(balancing, self.targets, self.instances)
        launcher = Launcher(settings, clock)
        reconciler = Reconciler(settings, self.instances, membership, launcher, clock)
        self.autoscaling = Autoscaling(settings, launcher, reconciler, membership, clock)
        members = Members(self.autoscaling, self.instances)
        self._scaling = Scaling(self.autoscaling, clock)
        self._databases = DatabaseRecords(settings, databases, run, clock)
        self._stacks = Stacks(settings)
        self._balancing = balancing
        self._enforcement = Enforcement(settings, self.autoscaling, self.instances)
        self._reconciler = reconciler
        self._patches = Patches(
            [
                *ec2_patches(settings, self.instances),
                *launch_template_patches(),
                *elbv2_patches(balancing, self.targets, self.instances),
                *classic_patches(balancing, self.targets, self.instances),
                *autoscaling_patches(self.autoscaling, members, self._scaling),
                *database_patches(self._databases),
                *cache_patches(CacheRecords(caches, run)),
                *certificate_patches(),
                *bucket_patches(),
                *alarm_patches(),
                *balancer_resource_patches(),
                *object_patches(),
                *resource_patches(self.autoscaling, members),
                *scaling_resource_patches(self._scaling),
                *stack_patches(self._stacks),
            ]
        )
        self._pushed: tuple[tuple[Listener, ...], tuple[Pool, ...]] | None = None
        self._server: BaseWSGIServer | None = None
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()

    def start(self, host: str, port: int, *, ticking: bool = True) -> str:
        """Serve on host and port (0 picks one) and return the endpoint's URL; UsageError when that is not possible."""
        _forget_everything()
        self._patches.install()
        try:
            with self.lock:
                default_vpc(self.settings)
            gate = Gate(DomainDispatcherApplication(create_backend_app), self.lock, self.faults, self._enforcement)
            try:
                self._server = make_server(host, port, gate, threaded=True, request_handler=QuietHandler)
            except (OSError, SystemExit) as refused:
                raise UsageError(
                    "start the embedded cloud",
                    f"{host}:{port} can't be listened on ({refused})",
                    "See what listens there: fab local_status",
                ) from refused
        except BaseException:
            self._patches.uninstall()
            raise
        server = self._server
        self._run(lambda: server.serve_forever(poll_interval=0.05))
        if ticking:
            self._run(self._keep_ticking)
        return f"http://{host}:{server.server_port}"

    def _run(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True, name="fabscale-cloud")
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """Stop serving, end every machine, and give moto back as it was."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self.instances.end_all()
        self._pool.shutdown(wait=True)
        self._patches.uninstall()

    def tick(self) -> None:
        """Take one turn: what the proxy saw, instances, groups, databases, and the proxy's next configuration."""
        sights = self._dataplane.observe()
        with self.lock:
            self.instances.tick()
            self.targets.see(sights)
            self._scaling.turn()
            for group in list(self.autoscaling.groups.values()):
                self._reconciler.turn(group)
            self.autoscaling.bury()
            self._databases.tick()
            self._stacks.tick()
            wanted = self._balancing.configuration()
        if wanted != self._pushed:
            self._dataplane.apply(*wanted)
            self._pushed = wanted
        with self.lock:
            if wanted == self._balancing.configuration():
                self.targets.told()

    def _keep_ticking(self) -> None:
        while not self._stopping.wait(self.settings.tick):
            try:
                self.tick()
            except Exception:  # one bad turn must not end all later ones
                log.exception("a turn of the embedded cloud failed")

    def _in_pool(self, work: Callable[[], None]) -> None:
        def logged() -> None:
            try:
                work()
            except Exception:  # nobody awaits the result, so this is where it is told
                log.exception("work in the background failed")

        self._pool.submit(logged)


def _forget_everything() -> None:
    """Empty moto's records of the services served."""
    for service in SERVICES:
        backend = get_backend(service)  # type: ignore[call-overload]
        if isinstance(backend, BackendDict):
            backend.reset()
