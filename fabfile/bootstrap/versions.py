"""What the groups of an environment launch, as the stack's parameters need it."""

from __future__ import annotations

from ..apply.launch_configs import LaunchConfigMaker, release_of
from ..aws.launch_templates import LaunchConfig
from .template import Live


class StackVersions:
    """`LaunchConfigs` of an environment, made by its maker; `changeset` is what a new one starts with.

    `worker_group` is "" where there are no workers.
    """

    def __init__(self, maker: LaunchConfigMaker, changeset: str, group: str, worker_group: str) -> None:
        self._maker = maker
        self._changeset = changeset
        self._group = group
        self._worker_group = worker_group

    def live(self) -> Live:
        """Return the versions that the groups point at; None for a group that never ran a release."""
        worker = self._maker.live(self._worker_group) if self._worker_group else None
        return Live(_number(self._maker.live(self._group)), _number(worker), self._maker.desired(self._group))

    def first(self) -> Live:
        """Make the first version of every role, with a new release."""
        manifest = self._maker.release(self._changeset)
        web = self._maker.make(manifest, self._group)
        worker = self._maker.make(manifest, self._worker_group) if self._worker_group else None
        return Live(_number(web), _number(worker))

    def renewed(self) -> Live:
        """Return the live versions, each on the template's newest base."""
        web = self._maker.live(self._group)
        worker = self._renewed(self._worker_group) if self._worker_group else None
        if worker is None and self._worker_group and web is not None:
            # The config has workers since the last time: they start with what the web servers run.
            worker = _number(self._maker.make(self._maker.stored(release_of(web)), self._worker_group))
        return Live(self._renewed(self._group), worker, self._maker.desired(self._group))

    def _renewed(self, group: str) -> str | None:
        live = self._maker.live(group)
        return _number(self._maker.renew(group, live)) if live else None


def _number(config: LaunchConfig | None) -> str | None:
    return config.id.rpartition(":")[2] if config else None
