"""Reach hosts by SSH through Fabric's connections: the user's ssh_config counts, and host keys are checked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .contract import Result, Said, command_line, putting
from .following import Talk, Tell, follow_all, give_up

_CONNECT_SECONDS = 10
_AT_ONCE = 20


class SshTransport:
    """Connections are opened for each call and closed after it: a rollout's hosts come and go.

    `config` is the ssh_config to use in place of the user's own.
    """

    def __init__(self, user: str, config: Path | None = None) -> None:
        self._user = user
        self._config = config

    def run(
        self,
        hosts: Sequence[str],
        argv: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: A002  (the contract's word)
        timeout: float = 60.0,
    ) -> list[Result]:
        line = command_line(argv)
        return _on_all(hosts, lambda host: self._run(host, line, input or b"", timeout))

    def put(self, hosts: Sequence[str], content: bytes, path: str, *, timeout: float = 60.0) -> list[Result]:
        return self.run(hosts, putting(path), input=content, timeout=timeout)

    def follow(
        self,
        hosts: Sequence[str],
        argv: Sequence[str],
        *,
        input: bytes = b"",  # noqa: A002  (the contract's word)
        timeout: float = 600.0,
        at_once: int = 10,
    ) -> Generator[Said, None, None]:
        line = command_line(argv)

        def follow(host: str, tell: Tell, unheard: threading.Event) -> Result:
            return self._reached(host, lambda channel: Talk(host, channel, timeout, tell, unheard).follow(line, input))

        return follow_all(hosts, at_once, follow)

    def _run(self, host: str, line: str, given: bytes, timeout: float) -> Result:
        return self._reached(host, lambda channel: _talk(host, channel, line, given, timeout))

    def _reached(self, host: str, talk: Callable[[Any], Result]) -> Result:
        from paramiko.ssh_exception import SSHException  # noqa: PLC0415  (slow to import)

        try:
            with self._channel(host) as channel:
                return talk(channel)
        except (OSError, EOFError, SSHException) as error:
            return Result(host, -1, error=f"{type(error).__name__}: {error}")

    @contextmanager
    def _channel(self, host: str) -> Iterator[Any]:
        """Open a channel to a host whose key is known.

        Fabric takes any host's key; here an unknown one is an error, unless the ssh_config says
        `StrictHostKeyChecking no` or `accept-new`.
        """
        from fabric import Config, Connection  # noqa: PLC0415  (slow to import)
        from paramiko import AutoAddPolicy, RejectPolicy  # noqa: PLC0415

        path = str(self._config) if self._config else None
        config = Config(runtime_ssh_path=path, overrides={"load_ssh_configs": True})
        # What ssh_config says of the host's user goes before ours.
        known = config.base_ssh_config.lookup(host)
        user = known.get("user", self._user)
        with Connection(host, user=user, config=config, connect_timeout=_CONNECT_SECONDS) as connection:
            client = connection.client
            for file in known.get("userknownhostsfile", "~/.ssh/known_hosts").split():
                if (keys := Path(file.strip('"')).expanduser()).is_file():
                    client.load_host_keys(str(keys))
            relaxed = known.get("stricthostkeychecking", "yes") in ("no", "off", "accept-new")
            client.set_missing_host_key_policy(AutoAddPolicy() if relaxed else RejectPolicy())
            connection.open()
            with connection.transport.open_session(timeout=_CONNECT_SECONDS) as channel:
                yield channel


def _on_all(hosts: Sequence[str], call: Callable[[str], Result]) -> list[Result]:
    if not hosts:
        return []
    with ThreadPoolExecutor(max_workers=min(len(hosts), _AT_ONCE)) as pool:
        return list(pool.map(call, hosts))


def _talk(host: str, channel: Any, line: str, given: bytes, timeout: float) -> Result:
    """Run one command line over a channel: both outputs are read while input is sent, so that nothing blocks."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        give_up(channel)

    errors: list[bytes] = []
    timer = threading.Timer(timeout, expire)
    reader = threading.Thread(target=lambda: errors.append(channel.makefile_stderr("rb").read()))
    timer.start()
    try:
        channel.exec_command(line)
        reader.start()
        sender = threading.Thread(target=_send, args=(channel, given))
        sender.start()
        out = channel.makefile("rb").read()
        reader.join()
        sender.join()
        code = channel.recv_exit_status()
    except OSError as error:
        return Result(host, -1, error=_ended(expired, timeout) or f"{type(error).__name__}: {error}")
    finally:
        timer.cancel()
    why = _ended(expired, timeout) or ("the connection was lost" if code < 0 else "")
    return Result(host, code, _text(out), _text(b"".join(errors)), why)


def _send(channel: Any, given: bytes) -> None:
    try:
        channel.sendall(given)
        channel.shutdown_write()
    except OSError:
        return  # the command ended without reading its input; its exit code tells


def _ended(expired: threading.Event, timeout: float) -> str:
    return f"it had not ended after {timeout:.0f} s" if expired.is_set() else ""


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
