"""A machine's life: boot, first boot's user data, units, and an end that leaves nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from .children import Children
from .console import Console
from .control import Control
from .folder import Folder
from .processes import descendants, end_all, send
from .service import describe
from .shims import install
from .verbs import Units

# How long a shutdown is orderly before what is left is killed.
GRACE = 5.0


class Machine:
    """Everything that runs in one machine's folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._settings = folder.settings()
        self._environment = folder.environment(self._settings)
        self._console = Console(folder.console)
        self._off = asyncio.Event()
        self._orderly = False

    async def live(self) -> None:
        """Boot, run until switched off, and end every process of the machine."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._switch_off, True)
        loop.add_reader(sys.stdin.fileno(), self._read_lifeline)
        children = Children(self._console)
        units = Units(self._folder, children, self._console, self._environment)
        boot = asyncio.create_task(self._boot(units, children))
        off = asyncio.create_task(self._off.wait())
        try:
            await asyncio.wait((boot, off), return_when=asyncio.FIRST_COMPLETED)
            if boot.done():
                boot.result()  # boot goes on for as long as the machine lives: it only ends by an error
            if self._orderly:
                boot.cancel()
                await self._shut_down(units)
        finally:
            end_all(lambda: descendants(os.getpid()))

    async def _boot(self, units: Units, children: Children) -> None:
        self._console.say("kernel", f"{self._settings.id} boots")
        await asyncio.sleep(self._settings.boot_seconds)
        install(self._folder.programs)
        control = asyncio.create_task(Control(self._folder, units, children, self._environment).serve())
        try:
            await units.boot()
            if not self._folder.booted.exists():
                self._folder.booted.touch()
                await self._run_user_data(children)
            self._console.say("cloud-init", "boot finished")
            await control
        finally:
            control.cancel()

    async def _run_user_data(self, children: Children) -> None:
        """Run the user data if it is a script; its failure is told on the console and the machine runs on."""
        content = self._folder.user_data.read_bytes()
        if not content.startswith(b"#!"):
            if content.strip():
                self._console.say("cloud-init", "user data is not run: it does not start with #!")
            return
        script = self._folder.script
        script.touch(mode=0o700)
        script.write_bytes(content)
        try:
            child = children.start_on_console("user-data", [str(script)], self._environment, self._folder.home)
        except OSError as error:
            self._console.say("cloud-init", f"user data failed: {error}")
            return
        status = await child.ended
        if status != 0:
            self._console.say("cloud-init", f"user data failed: {describe(status)}")

    async def _shut_down(self, units: Units) -> None:
        self._console.say("systemd", "shutting down")
        clock = asyncio.get_running_loop().time
        deadline = clock() + GRACE
        try:
            async with asyncio.timeout_at(deadline):
                await units.shut_down()
                for number in (signal.SIGTERM, signal.SIGHUP):  # interactive shells end by the second only
                    send(descendants(os.getpid()), number)
                while descendants(os.getpid()):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            self._console.say("systemd", f"not ended after {GRACE:g} s: the rest is killed")

    def _switch_off(self, orderly: bool) -> None:
        self._orderly = orderly
        self._off.set()

    def _read_lifeline(self) -> None:
        """Read standard input, whose other end the embedded cloud holds: its end is the end of the cloud."""
        if not os.read(sys.stdin.fileno(), 1024):
            self._switch_off(False)
