"""RDS records with database servers behind them."""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from moto.rds.models import DBInstance, MasterUserSecret, RDSBackend, rds_backends
from moto.secretsmanager.models import SecretsManagerBackend

from .contract import Databases
from .instances import Background
from .patches import Patch
from .refusal import Refusal
from .settings import CloudSettings

log = logging.getLogger(__name__)
ENGINES = ("postgres",)  # what a server can be started for; others are records only
_YEARLY = re.compile(r"cron\(0 (\d+) (\d+) (\d+) \? \*\)")
RETRY = 2.0  # seconds until a server that did not start is tried again


@dataclass(frozen=True)
class Outcome:
    """How an attempt to start a server ended."""

    name: str
    place: tuple[str, int] | None


class DatabaseRecords:
    """Keep RDS records and servers in step. The control plane's lock guards every method."""

    def __init__(
        self, settings: CloudSettings, databases: Databases, background: Background, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._databases = databases
        self._background = background
        self._clock = clock
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self._again: dict[str, float] = {}
        self.places: dict[str, tuple[str, int]] = {}

    @property
    def _records(self) -> Any:
        return rds_backends[self._settings.account][self._settings.region].databases

    def begin(self, record: Any) -> None:
        """Start the server of a new record, which is `creating` until it answers."""
        if record.engine in ENGINES:
            record.status = "creating"
            self._try(record)

    def _try(self, record: Any) -> None:
        name, user, database = record.db_instance_identifier, record.master_username, record.db_name
        password = password_of(record)

        def start() -> None:
            place = None
            try:
                place = self._databases.ensure(name, user, password, database or "postgres")
            except Exception:  # tried again by a later turn; the record stays `creating`
                log.exception("the database server %s did not start", name)
            self._outcomes.put(Outcome(name, place))

        self._background(start)

    def rotate_weekly(self, secret: Any) -> None:
        """Say of a managed secret what RDS does with it unless told otherwise; here nothing changes it."""
        secret.rotation_requested = secret.rotation_enabled = True
        secret.auto_rotate_after_days = 7
        secret.next_rotation_date = int(self._clock()) + 7 * 86400

    def reschedule(self, secret: Any, schedule: str) -> None:
        """Give a managed secret its next date; of schedules, those of one day a year are known."""
        yearly = _YEARLY.fullmatch(schedule)
        if yearly is None:
            raise Refusal("InvalidParameterException", f"The embedded cloud knows no schedule such as {schedule!r}")
        hour, day, month = (int(part) for part in yearly.groups())
        now = datetime.fromtimestamp(self._clock(), UTC)
        due = now.replace(month=month, day=day, hour=hour, minute=0, second=0, microsecond=0)
        if due <= now:
            due = due.replace(year=now.year + 1)
        secret.next_rotation_date = int(due.timestamp())

    def end(self, name: str) -> None:
        """Drop the server of a deleted record."""
        if self.places.pop(name, None) is not None:
            self._background(lambda: self._databases.drop(name))

    def tick(self) -> None:
        """Take in which servers have started, and try those again that have not."""
        now = self._clock()
        while not self._outcomes.empty():
            outcome = self._outcomes.get()
            record = self._records.get(outcome.name)
            if outcome.place is None:
                self._again[outcome.name] = now + RETRY
            elif record is None:
                self._background(lambda name=outcome.name: self._databases.drop(name))  # type: ignore[misc]
            else:
                self.places[outcome.name] = outcome.place
                record.port = outcome.place[1]
                record.status = "available"
        for name, when in list(self._again.items()):
            if now >= when:
                del self._again[name]
                if name in self._records:
                    self._try(self._records[name])


def password_of(record: Any) -> str:
    """The master password of a record, from its managed secret where it has one."""
    if record.manage_master_user_password:
        return str(json.loads(record.master_user_secret.secret.secret_string)["password"])
    return str(record.master_user_password or "")


def database_patches(records: DatabaseRecords) -> Iterator[Patch]:
    """The replaced operations of RDS, and of the secrets that it keeps."""
    create, delete = RDSBackend.create_db_instance, RDSBackend.delete_db_instance
    address = vars(DBInstance)["address"]

    def create_db_instance(backend: Any, db_kwargs: dict[str, Any]) -> Any:
        record = create(backend, {key: value for key, value in db_kwargs.items() if value is not None})
        if record.manage_master_user_password:
            records.rotate_weekly(record.master_user_secret.secret)
        records.begin(record)
        return record

    def delete_db_instance(backend: Any, db_instance_identifier: str, *args: Any, **kwargs: Any) -> Any:
        record = delete(backend, db_instance_identifier, *args, **kwargs)
        records.end(db_instance_identifier)
        return record

    def where(record: Any) -> str:
        place = records.places.get(record.db_instance_identifier)
        return place[0] if place else str(address.fget(record))

    yield Patch(RDSBackend, "create_db_instance", create_db_instance)
    yield Patch(RDSBackend, "delete_db_instance", delete_db_instance)

    def secret_string(secret: Any) -> str:
        """What RDS puts into a managed secret: the master user's name and a password nobody chose."""
        return json.dumps({"username": secret.resource.master_username, "password": secrets.token_urlsafe(24)})

    rotate = SecretsManagerBackend.rotate_secret

    def rotate_secret(backend: Any, secret_id: str, *args: Any, **kwargs: Any) -> Any:
        found = backend.secrets.get(secret_id)
        if found is None or getattr(found, "owning_service", None) != "rds" or kwargs.get("rotate_immediately", True):
            return rotate(backend, secret_id, *args, **kwargs)
        records.reschedule(found, (kwargs.get("rotation_rules") or {}).get("ScheduleExpression", ""))
        return found.to_short_dict()

    yield Patch(SecretsManagerBackend, "rotate_secret", rotate_secret)
    yield Patch(DBInstance, "address", property(where))
    yield Patch(MasterUserSecret, "_generate_secret_string", secret_string)
