"""What the tasks of databases share: a server to ask, the backups, and the deploy lock around a restore."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..apply.undertaking import new_deploy_id
from ..aws.autoscaling import describe_group
from ..aws.ec2 import Instance, instances, instances_tagged
from ..aws.s3 import S3Store, bucket_name
from ..aws.signed_addresses import SignedAddresses
from ..backups.asking import DatabaseServer
from ..backups.catalogue import Backup, Catalogue
from ..backups.making import adopt_file, make_backup
from ..config.naming import nearest
from ..display.asking import ask, somebody_there
from ..errors import StoppedHalfway, Unreachable, UsageError
from ..rollout.model import Lifecycle
from .wiring import ledger_of, locked, transport_of

if TYPE_CHECKING:
    from ..config.environment import Environment
    from .run import Run


def catalogue_of(run: Run) -> Catalogue:
    """Return the backups of the run's environment."""
    return Catalogue(_store(run), run.environment.deployment, run.environment.name)


def source_of(run: Run, name: str) -> Environment:
    """Return the environment whose backup is to be loaded into the run's; raises `UsageError` where it must not be."""
    place, config = run.environment, run.config
    what = f"load production's database into {place.place}"
    if place.production:
        raise UsageError(what, "it is a production environment", "Take fab dbrestore for a backup of its own")
    found = [config.environment(place.deployment, each) for each in config.environments]
    names = [each.name for each in found if each.production]
    if name and name not in config.environments:
        raise UsageError(what, f"there is no environment {name!r}", nearest(name, config.environments, "environments"))
    if not name and len(names) != 1:
        seen = f"there are {len(names)} production environments" if names else "there is no production environment"
        raise UsageError(what, seen, "Say --source ENVIRONMENT")
    return next(each for each in found if each.name == (name or names[0]))


class Databases:
    """The database of the run's environment, and the backups of `source`: its own unless another one is given."""

    def __init__(self, run: Run, source: Environment | None = None) -> None:
        self._run = run
        self._from = run if source is None else replace(run, selected=source, changes=False)
        self.catalogue = catalogue_of(run)
        self.source = catalogue_of(self._from)

    @cached_property
    def server(self) -> DatabaseServer:
        """A server that reaches the database: a worker, or else one of the web servers."""
        environment = self._run.environment
        for each in self._servers():
            host = each.addresses.get(environment.ssh_attribute)
            if host:
                return DatabaseServer(transport_of(environment), host, each.id, environment.place)
        what = f"reach the database of {environment.place}"
        raise Unreachable(what, "no server of it runs", f"Look at fab describe:{environment.place}")

    def make(self) -> Backup:
        """Back it up."""
        run = self._run
        run.output.progress(f"{self.server.name} dumps the database")
        place = run.environment.deployment, run.environment.name
        backup = make_backup(place, self.server, _addresses(run), self.catalogue, run.clock.now())
        run.output.progress(f"kept {backup.amount} as {backup.key}")
        return backup

    def check_new_file(self, file: str) -> None:
        """Refuse a file that cannot be made, before anything is dumped."""
        if file and (Path(file).exists() or not Path(file).absolute().parent.is_dir()):
            seen = "it is there already" if Path(file).exists() else "its folder is not there"
            raise UsageError(f"write {file}", seen, "Name a new file in a folder that is there")

    def write(self, backup: Backup, file: str) -> None:
        """Write a backup to a new file that its owner alone can read."""
        run = self._run
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as out:
                found = _store(run).save(backup.key, out)
            if found != backup.sha256:
                raise Unreachable(f"write {file}", "what was read is not what was stored", "Run dbbackup again")
        except BaseException:
            Path(file).unlink()
            raise
        run.output.progress(f"wrote {file}")

    def named(self, name: str) -> str:
        """Return the key of the backup that was named, or the file's path."""
        return name if Path(name).is_file() else self.catalogue.find(name).key

    def chosen(self, name: str) -> Backup:
        """Return the backup that was named, by its id, its key or a file, which becomes one."""
        run = self._run
        if not Path(name).is_file():
            return self.catalogue.find(name)
        place = run.environment.deployment, run.environment.name
        return adopt_file(place, Path(name), _store(run), self.catalogue, run.clock.now())

    def agree(self, backup: Backup) -> None:
        """Have the environment's name typed; raises `UsageError` for another one, or where nobody is there to ask."""
        run = self._run
        if run.yes:
            return
        name, what = run.environment.name, f"replace the database of {run.environment.place}"
        if not somebody_there():
            raise UsageError(what, "nobody is there to ask", "Agree with --yes, or answer=y")
        typed = ask(f"This replaces the database of {name} by {backup.key}. Type {name} to go on:")
        if typed != name:
            raise UsageError(what, f"its name was to be typed, not {typed!r}", "Nothing was changed")

    def restore(self, choose: Callable[[], Backup], *, keep: bool) -> None:
        """Replace the database under the deploy lock; `keep` makes a backup of what is there before."""
        run = self._run
        with locked(run, new_deploy_id(run.clock.now())) as lease:
            self._refuse_unfinished()
            backup = choose()
            before = self.make() if keep else None
            lease.check()
            run.output.progress(f"{self.server.name} restores {backup.key}; servers serve, but wait for the database")
            url = _addresses(self._from).download(backup.key)
            self.server.restore({"id": backup.id, "url": url, "sha256": backup.sha256})
        back = f"; what was there is {before.key}" if before else ""
        run.output.result(f"the database of {run.environment.place} is as in {backup.key}{back}")

    def _refuse_unfinished(self) -> None:
        run = self._run
        place = run.environment
        unfinished = ledger_of(run.aws(), place).unfinished(place.deployment, place.name)
        if unfinished:
            seen = f"the deploy {unfinished[0].record.id} did not end"
            next_step = f"Run fab resume:{place.place} or fab repair:{place.place} first"
            raise StoppedHalfway(f"restore the database of {place.place}", seen, next_step)

    def _servers(self) -> tuple[Instance, ...]:
        aws, names = self._run.aws(), self._run.environment.names
        workers = tuple(each for each in instances_tagged(aws, {"Name": names.worker}) if each.state == "running")
        if workers:
            return workers
        members = describe_group(aws, names.stack_group).group.members
        serving = [member.id for member in members if member.lifecycle is Lifecycle.IN_SERVICE]
        return tuple(instances(aws, serving).values())


def _store(run: Run) -> S3Store:
    return S3Store(run.aws(), bucket_name(run.aws()))


def _addresses(run: Run) -> SignedAddresses:
    return SignedAddresses(run.aws(), bucket_name(run.aws()))
