"""What the groups of an environment launch, as the stack's parameters need it."""

from __future__ import annotations

from ..apply.launch_configs import WEB, WORKER, LaunchConfigMaker, release_of
from ..aws.launch_templates import LaunchConfig
from .template import Live


class StackVersions:
    """`LaunchConfigs` of an environment, made by its maker; `changeset` is what a new one starts with."""

    def __init__(self, maker: LaunchConfigMaker, changeset: str, workers: bool) -> None:
        self._maker = maker
        self._changeset = changeset
        self._workers = workers

    def live(self) -> Live:
        """Return the versions that the groups point at; None for a group that never ran a release."""
        worker = self._maker.live(WORKER) if self._workers else None
        return Live(_number(self._maker.live(WEB)), _number(worker), self._maker.desired(WEB))

    def first(self) -> Live:
        """Make the first version of every role, with a new release."""
        manifest = self._maker.release(self._changeset)
        web = self._maker.make(manifest, WEB)
        worker = self._maker.make(manifest, WORKER) if self._workers else None
        return Live(_number(web), _number(worker))

    def renewed(self) -> Live:
        """Return the live versions, each on the template's newest base."""
        web = self._maker.live(WEB)
        worker = self._renewed(WORKER)
        if worker is None and self._workers and web is not None:
            # The config has workers since the last time: they start with what the web servers run.
            worker = _number(self._maker.make(self._maker.stored(release_of(web)), WORKER))
        return Live(self._renewed(WEB), worker, self._maker.desired(WEB))

    def _renewed(self, role: str) -> str | None:
        live = self._maker.live(role)
        return _number(self._maker.renew(role, live)) if live else None


def _number(config: LaunchConfig | None) -> str | None:
    return config.id.rpartition(":")[2] if config else None
