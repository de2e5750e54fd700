"""An account for tests: moto's server in a thread, on a free loopback port, and an environment in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from fabfile.aws.session import Aws
from fabfile.config.environment import (
    Application,
    Environment,
    HealthCheck,
    LocalTimes,
    Names,
    Provider,
    RoleSettings,
    Rollout,
)
from fabfile.localcloud.buckets import bucket_patches
from fabfile.localcloud.patches import Patches
from fabfile.releases.manifest import Archive, Manifest


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        """Keep requests out of the test's output."""


@contextmanager
def account() -> Iterator[str]:
    """Serve an empty account; yields its endpoint."""
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=False, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever)
    plain_http = Patches(bucket_patches())
    plain_http.install()
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        plain_http.uninstall()


def environment(state: Path, **changes: object) -> Environment:
    """Return an environment with everything by convention; `changes` replaces whole fields."""
    settings: dict[str, object] = {
        "deployment": "opendebates",
        "name": "testing",
        "provider": Provider.LOCAL,
        "production": False,
        "region": "us-east-1",
        "zones": ("us-east-1a", "us-east-1b"),
        "vpc": "",
        "subnets": (),
        "ami": "ami-12c6146b",
        "branch": "main",
        "repository": state,
        "python": "python3",
        "app_port": 8000,
        "listener_port": 80,
        "minimum": 2,
        "maximum": 8,
        "desired": 4,
        "roles": {"web": RoleSettings(4, "t3.micro", 8, "gp3")},
        "domains": (),
        "names": Names(
            stack="opendebates-testing",
            auto_scaling_groups=("opendebates-testing-web",),
            launch_template="opendebates-testing-web",
            load_balancers=("opendebates-testing",),
            target_group="opendebates-testing-web",
            worker="opendebates-testing-worker",
            table="fabscale",
            bucket="fabscale-{account}",
        ),
        "application": Application(("true",), ("true",), ("true",), ("true",)),
        "health": HealthCheck(),
        "rollout": Rollout(),
        "local": LocalTimes(),
        "ssh_user": "ubuntu",
        "ssh_config": None,
        "ssh_attribute": "private_ip_address",
        "key_name": "",
        "tags": {},
        "state": state,
    }
    return Environment(**{**settings, **changes})  # type: ignore[arg-type]


def session(endpoint: str, state: Path, read_only: bool = False) -> Aws:
    """Open a session of the test environment."""
    return Aws(environment(state), endpoint_url=endpoint, read_only=read_only)


def manifest() -> Manifest:
    """Return the manifest of a release that nobody fetches."""
    archive = Archive("key", "0" * 64, 1)
    return Manifest(
        id="r1",
        deployment="opendebates",
        environment="testing",
        commit="1a2b3c4" * 5,
        author="",
        committed=0,
        subject="",
        changeset="main",
        built=0,
        tool="",
        python="3.11",
        platform="",
        bundle=archive,
        dependencies=(),
        dependency_hash="",
        program=archive,
    )
