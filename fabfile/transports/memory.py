"""A transport to functions in this process, for tests and dry runs."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Protocol

from .contract import Line, Result, Said, putting


class Host(Protocol):
    """What stands for a host: it is given arguments and input, and answers exit code, output, error output."""

    def __call__(self, argv: Sequence[str], given: bytes | None, /) -> tuple[int, str, str]: ...


class MemoryTransport:
    """Hosts by name; one that is not there cannot be reached."""

    def __init__(self, hosts: Mapping[str, Host]) -> None:
        self._hosts = hosts

    def run(
        self,
        hosts: Sequence[str],
        argv: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: A002  (the contract's word)
        timeout: float = 60.0,
    ) -> list[Result]:
        return [self._answer(host, argv, input) for host in hosts]

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
        for result in self.run(hosts, argv, input=input, timeout=timeout):
            yield from (Line(result.host, text) for text in result.out.splitlines())
            yield from (Line(result.host, text, error=True) for text in result.err.splitlines())
            yield result

    def _answer(self, host: str, argv: Sequence[str], given: bytes | None) -> Result:
        if host not in self._hosts:
            return Result(host, -1, error="no such host")
        return Result(host, *self._hosts[host](argv, given))
