"""Make launch configs: a release, told to the servers of a role through a launch template version's user data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..aws.autoscaling import describe_group
from ..aws.cloudformation import Stacks
from ..aws.launch_templates import BASE, LaunchConfig, base_version, create_version, free_name, read_launch_config
from ..aws.s3 import S3Store, bucket_name
from ..aws.session import Aws
from ..config.environment import Environment
from ..errors import UsageError
from ..releases.building import build_release
from ..releases.catalogue import load_manifest
from ..releases.launch_document import launch_document
from ..releases.manifest import Manifest
from ..releases.user_data import read_document, render_user_data

WEB = "web"
WORKER = "worker"
HOOK = "fabscale-ready"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Surroundings:
    """What the environment's stack gives its applications: variables, and where secret ones are fetched."""

    environ: Mapping[str, str]
    secrets: Mapping[str, str]


class LaunchConfigMaker:
    """Releases and launch configs of one environment; `now` gives seconds since the epoch."""

    def __init__(self, aws: Aws, environment: Environment, now: Callable[[], float], say: Say) -> None:
        self._aws = aws
        self._environment = environment
        self._now = now
        self._say = say
        self._store = S3Store(aws, bucket_name(aws))

    def release(self, changeset: str = "") -> Manifest:
        """Build and store the release of a changeset; "" is the environment's branch."""
        return build_release(self._environment, changeset, self._store, self._say, self._now)

    def stored(self, release: str) -> Manifest:
        """Return the manifest of a release that was built before."""
        return load_manifest(self._environment, self._store, release)

    def make(self, manifest: Manifest, role: str = WEB) -> LaunchConfig:
        """Make the next version of a role's launch template, with this release in its user data."""
        template = self._template(role)
        base = base_version(self._aws, template)
        made_at = datetime.fromtimestamp(self._now(), UTC)
        environment = self._environment
        wanted = f"{environment.deployment}-{environment.name}-{made_at:%Y%m%dT%H%MZ}-{manifest.commit[:7]}"
        name = free_name(self._aws, template, wanted)
        user_data = render_user_data(self.document(manifest, role), environment.state.parent)
        return create_version(self._aws, template, name, user_data, base)

    def document(self, manifest: Manifest, role: str) -> dict[str, object]:
        """Return what servers of a role are told to run a release."""
        environment = self._environment
        surroundings = surroundings_of(self._aws, environment)
        web = role == WEB
        return launch_document(
            environment,
            manifest,
            bucket=self._store.bucket,
            role=role,
            live=self._live_manifest(),
            group=environment.names.auto_scaling_group if web else "",
            hook=HOOK if web else "",
            environ=surroundings.environ,
            secrets=surroundings.secrets,
        )

    def live(self, role: str) -> LaunchConfig | None:
        """Return what a role's group launches now; None where there is no group, or it never ran a release."""
        try:
            group = describe_group(self._aws, self._group(role)).group
        except UsageError:
            return None
        config = read_launch_config(self._aws, group.launch_config)
        return None if config.name == BASE or not config.user_data else config

    def desired(self, role: str) -> int:
        """Return the desired capacity of a role's group; 0 where there is none."""
        try:
            return describe_group(self._aws, self._group(role)).group.desired
        except UsageError:
            return 0

    def renew(self, role: str, live: LaunchConfig) -> LaunchConfig:
        """Return `live`, or the same release on the template's newest base where that is another one."""
        template = self._template(role)
        number = base_version(self._aws, template)
        base = read_launch_config(self._aws, f"{live.id.partition(':')[0]}:{number}")
        if base.shape == live.shape:
            return live
        return create_version(self._aws, template, free_name(self._aws, template, live.name), live.user_data, number)

    def _live_manifest(self) -> Manifest | None:
        live = self.live(WEB)
        release = release_of(live) if live else ""
        return self.stored(release) if release else None

    def _template(self, role: str) -> str:
        return self._environment.names.launch_template if role == WEB else self._environment.names.worker

    def _group(self, role: str) -> str:
        return self._environment.names.auto_scaling_group if role == WEB else self._environment.names.worker


def release_of(config: LaunchConfig) -> str:
    """Return the id of the release that a launch config's servers run; "" where its user data is not ours."""
    document = read_document(config.user_data) or {}
    release = document.get("release")
    return str(release.get("id", "")) if isinstance(release, Mapping) else ""


def check_rolled_out_by(config: LaunchConfig, environment: Environment, live: str) -> None:
    """Raise `UsageError` for a launch config that is not one of the environment's web servers.

    `live` is what their group launches now, "lt-…:N".
    """
    what = f"deploy the launch config {config.name or config.id}"
    instead = "See `fab history` for those that were deployed"
    if config.id.partition(":")[0] != live.partition(":")[0]:
        raise UsageError(what, f"it is of another launch template than {live}", instead)
    if config.name == BASE:
        raise UsageError(what, "its servers would run no release: it is what launch configs are made from", instead)
    document = read_document(config.user_data) or {}
    told = {key: str(document[key]) for key in ("deployment", "environment", "role") if key in document}
    ours = {"deployment": environment.deployment, "environment": environment.name, "role": WEB}
    other = ", ".join(f"{key} {value}" for key, value in told.items() if value != ours[key])
    if other:
        raise UsageError(what, f"it was made for another place: {other}", instead)


def database_name(environment: Environment) -> str:
    """Return the database's name and user: letters, digits and underscores, as RDS wants them."""
    return environment.deployment.replace("-", "_")


def surroundings_of(aws: Aws, environment: Environment) -> Surroundings:
    """Read the stack's outputs as variables; nothing where the environment has no stack of ours."""
    stack = Stacks(aws).describe(environment.names.stack)
    outputs = stack.outputs if stack else {}
    environ: dict[str, str] = {}
    secrets: dict[str, str] = {}
    if "SecretKeyArn" in outputs:
        secrets["SECRET_KEY"] = f"secretsmanager:{outputs['SecretKeyArn']}"
    if "DatabaseHost" in outputs:
        name = database_name(environment)
        environ["DATABASE_HOST"] = outputs["DatabaseHost"]
        environ["DATABASE_PORT"] = outputs["DatabasePort"]
        environ["DATABASE_NAME"] = environ["DATABASE_USER"] = name
        secrets["DATABASE_PASSWORD"] = f"secretsmanager:{outputs['DatabaseSecretArn']}#password"
    if "CacheUrl" in outputs:
        environ["CACHE_URL"] = environ["REDIS_URL"] = outputs["CacheUrl"]
    return Surroundings(environ, secrets)
