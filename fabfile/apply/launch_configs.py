"""Make launch configs: a release, told to the servers of a role through a launch template version's user data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..aws.autoscaling import describe_group, exists
from ..aws.cloudformation import Stacks
from ..aws.group_settings import hooks_of
from ..aws.launch_templates import (
    BASE,
    LaunchConfig,
    base_version,
    create_version,
    free_name,
    read_launch_config,
    versions,
)
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

    def make(self, manifest: Manifest, group: str) -> LaunchConfig:
        """Make the next launch config of one group, with this release in its user data."""
        return self.make_for(manifest, (group,))[group]

    def make_for(self, manifest: Manifest, groups: Sequence[str], name: str = "") -> Mapping[str, LaunchConfig]:
        """Make a launch config of one name in the template that each group launches from.

        `name` is one that other groups have already; "" is a new one, which none of the templates knows.
        """
        sources = {group: self._source(group) for group in groups}
        templates = tuple(dict.fromkeys(template for template, _ in sources.values()))
        name = name or free_name(self._aws, templates, self._name(manifest))
        made: dict[str, LaunchConfig] = {}
        for group, (template, live) in sources.items():
            base = base_version(self._aws, template, live)
            user_data = render_user_data(self.document(manifest, group), self._environment.state.parent)
            made[group] = create_version(self._aws, template, name, user_data, base)
        return made

    def _name(self, manifest: Manifest) -> str:
        environment, made_at = self._environment, datetime.fromtimestamp(self._now(), UTC)
        return f"{environment.deployment}-{environment.name}-{made_at:%Y%m%dT%H%MZ}-{manifest.commit[:7]}"

    def find(self, wanted: str, group: str) -> LaunchConfig | None:
        """Return a group's launch config of that name, or None; groups may share a template."""
        named = [each for each in versions(self._aws, self._source(group)[0]) if each.name == wanted]
        return next((each for each in named if group_of(each) in ("", group)), None)

    def document(self, manifest: Manifest, group: str) -> dict[str, object]:
        """Return what servers of a group are told to run a release."""
        environment = self._environment
        surroundings = surroundings_of(self._aws, environment)
        web = group != environment.names.worker
        return launch_document(
            environment,
            manifest,
            bucket=self._store.bucket,
            role=WEB if web else WORKER,
            live=self._live_manifest(group if web else environment.names.stack_group),
            group=group if web else "",
            hook=HOOK if web and self._is_gated(group) else "",
            environ=surroundings.environ,
            secrets=surroundings.secrets,
        )

    def live(self, group: str) -> LaunchConfig | None:
        """Return what a group launches now; None where there is no such group, or it never ran a release."""
        try:
            seen = describe_group(self._aws, group).group
        except UsageError:
            return None
        config = read_launch_config(self._aws, seen.launch_config)
        return None if config.name == BASE or not config.user_data else config

    def desired(self, group: str) -> int:
        """Return the desired capacity of a group; 0 where there is none."""
        try:
            return describe_group(self._aws, group).group.desired
        except UsageError:
            return 0

    def renew(self, group: str, live: LaunchConfig) -> LaunchConfig:
        """Return `live`, or the same release on the template's newest base where that is another one."""
        template, current = self._source(group)
        number = base_version(self._aws, template, current)
        base = read_launch_config(self._aws, f"{live.id.partition(':')[0]}:{number}")
        if base.shape == live.shape:
            return live
        return create_version(self._aws, template, free_name(self._aws, (template,), live.name), live.user_data, number)

    def _live_manifest(self, group: str) -> Manifest | None:
        live = self.live(group)
        release = release_of(live) if live else ""
        return self.stored(release) if release else None

    def _source(self, group: str) -> tuple[str, str]:
        """Return the launch template that the group launches from and its version's number.

        Where the stack has yet to make its group, it is the stack's template, and no number.
        """
        names = self._environment.names
        if group in (names.stack_group, names.worker) and not exists(self._aws, group):
            return (names.worker if group == names.worker else names.launch_template), ""
        template, _, version = describe_group(self._aws, group).group.launch_config.partition(":")
        return template, version

    def _is_gated(self, group: str) -> bool:
        """Whether the group has our launch hook for its servers to answer; the stack's has, from its beginning."""
        return not exists(self._aws, group) or holds_back(self._aws, group)


def holds_back(aws: Aws, group: str) -> bool:
    """Whether a group's new servers wait for their own word before its balancers know of them."""
    return any(hook.launching and hook.name == HOOK for hook in hooks_of(aws, group))


def release_of(config: LaunchConfig) -> str:
    """Return the id of the release that a launch config's servers run; "" where its user data is not ours."""
    document = read_document(config.user_data) or {}
    release = document.get("release")
    return str(release.get("id", "")) if isinstance(release, Mapping) else ""


def group_of(config: LaunchConfig) -> str:
    """Return the group whose launch hook a launch config's servers answer; "" where its user data is not ours."""
    return str((read_document(config.user_data) or {}).get("group", ""))


def check_rolled_out_by(config: LaunchConfig, environment: Environment, group: str, live: str) -> None:
    """Raise `UsageError` for a launch config that is not one of this group's web servers.

    `live` is what the group launches now, "lt-…:N".
    """
    what = f"deploy the launch config {config.name or config.id}"
    instead = "See `fab history` for those that were deployed"
    if config.id.partition(":")[0] != live.partition(":")[0]:
        raise UsageError(what, f"it is of another launch template than {live}", instead)
    if config.name == BASE:
        raise UsageError(what, "its servers would run no release: it is what launch configs are made from", instead)
    document = read_document(config.user_data) or {}
    place = {"deployment": environment.deployment, "environment": environment.name, "role": WEB, "group": group}
    told = {key: str(document[key]) for key in place if key in document}
    other = ", ".join(f"{key} {value}" for key, value in told.items() if value != place[key])
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
    if "CacheHost" in outputs:
        url = f"rediss://{outputs['CacheHost']}:{outputs['CachePort']}/0"  # the second s: by TLS
        environ["CACHE_URL"] = environ["REDIS_URL"] = url
    return Surroundings(environ, secrets)
