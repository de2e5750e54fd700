"""What a release is built for: the servers' Python and platform, and whether this machine has the same."""

from __future__ import annotations

import platform
import re
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from ..config.environment import Environment, Provider
from ..errors import ConfigError

# PEP 600: a wheel for glibc 2.N runs on every later one; 2.34 is Amazon Linux 2023's, the oldest in use.
_GLIBC_MINORS = range(17, 35)
# Graviton types have a g after the generation: t4g, m7gd, is4gen.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
_GRAVITON = re.compile(r"(a1|[a-z]+\d+[a-z]*g[a-z]*)\.")
_OWN_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Target:
    """Where a release is to run; `interpreter` is the program's name there."""

    python: str  # "3.11"
    platform: str
    interpreter: str
    machine: str  # "x86_64", "aarch64"
    native: bool  # this very machine

    @property
    def pip_options(self) -> tuple[str, ...]:
        """The options that make pip choose wheels for another machine; it builds nothing for one."""
        if self.native:
            return ()
        tags = [f"manylinux_2_{minor}_{self.machine}" for minor in _GLIBC_MINORS]
        tags.append(f"manylinux2014_{self.machine}")
        version = ("--python-version", self.python, "--implementation", "cp", "--only-binary", ":all:")
        return (*version, *(option for tag in tags for option in ("--platform", tag)))

    @property
    def runs_here(self) -> bool:
        """Tell whether compiled packages for the target work in this process's Python, too."""
        same = sys.platform == "linux" and platform.machine() == self.machine and platform.libc_ver()[0] == "glibc"
        return self.native or (same and self.python == _OWN_PYTHON)


def this_machine() -> Target:
    """Return the target that is the machine, and the Python, that this process runs on."""
    return Target(_OWN_PYTHON, sysconfig.get_platform(), plain_python(), platform.machine(), native=True)


def plain_python() -> str:
    """Return this process's Python outside of its virtual environment, whose packages a release must not rest on."""
    plain = Path(sys.base_prefix, "bin", f"python{_OWN_PYTHON}")
    return str(plain) if plain.exists() else sys.executable


def target_of(environment: Environment) -> Target:
    """Return what an environment's releases are built for: this machine, if the environment is embedded.

    On AWS the architecture follows from the instance types, and the version from the name of `python`
    ("python3.12"); a name without one ("python3") is taken to be this process's version.
    """
    if environment.provider is Provider.LOCAL:
        return this_machine()
    machine = _architecture(environment)
    named = re.search(r"(\d+\.\d+)", environment.python)
    interpreter = f"python{environment.python}" if environment.python[:1].isdigit() else environment.python
    version = named[1] if named else _OWN_PYTHON
    return Target(version, f"manylinux_{machine}", interpreter, machine, native=False)


def machine_of(instance_type: str) -> str:
    """Return the processor architecture of an instance type, as `platform.machine()` names it."""
    return "aarch64" if _GRAVITON.match(instance_type) else "x86_64"


def _architecture(environment: Environment) -> str:
    types = {role: environment.roles[role].instance_type for role in ("web", "worker") if role in environment.roles}
    found = set(map(machine_of, types.values()))
    if len(found) > 1:
        named = ", ".join(f"{role} {name}" for role, name in types.items())
        raise ConfigError(
            f"build a release for {environment.deployment} {environment.name}",
            f"web servers and workers have different processors ({named})",
            "Choose instance types of one architecture: a release is built once for both",
        )
    return found.pop() if found else "x86_64"
