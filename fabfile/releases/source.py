"""What git knows: which commit a name means, who wrote it, what is not committed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ..errors import UsageError

# Set by git for hooks; they would point every command at another repository than the one asked for.
_OTHER_REPOSITORY = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"})
_SUBMODULE = "160000"


@dataclass(frozen=True)
class Commit:
    """One commit; `committed` is seconds since the epoch, `subject` the first line of its message."""

    sha: str
    author: str
    committed: int
    subject: str

    @property
    def short(self) -> str:
        return self.sha[:7]


class Repository:
    """A git repository, only ever read. Every command is an argument list: no shell sees a name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def resolve(self, changeset: str) -> Commit:
        """Return the commit that a branch, tag or (short) SHA means; a branch may be one of `origin` only.

        Raises `UsageError` with the nearest names when there is no such commit.
        """
        what = f"release {changeset!r}"
        if not changeset or "\0" in changeset or "\n" in changeset:
            raise UsageError(what, "that is no name of a commit", "Name a branch, a tag or a commit")
        if changeset.startswith("-"):
            # git is told that it is no option; but who typed it meant something else than a name.
            raise UsageError(what, "it begins with a dash", "Name a branch, a tag or a commit")
        self._look_for_repository(what)
        for name in (changeset, f"refs/remotes/origin/{changeset}"):
            asked = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            answer = self._run(*asked)
            if answer.returncode == 0:
                return self._commit(answer.stdout.decode().strip())
        if not self.ask("list the commits", "rev-list", "--all", "--max-count=1"):
            hint = "Run git add --all and git commit: a release is made of a commit"
            raise UsageError(what, f"nothing is committed in {self.path}", hint)
        raise UsageError(what, f"{self.path} has no such branch, tag or commit", self._nearest(changeset))

    def has(self, commit: str, path: str) -> bool:
        """Tell whether a commit has a file or folder of that path."""
        return self._run("cat-file", "-e", f"{commit}:{path}").returncode == 0

    def uncommitted(self, source: str) -> tuple[str, ...]:
        """Return the files below `source` that differ from the last commit or were never added."""
        answer = self.ask(
            "look for uncommitted changes", "status", "--porcelain=v1", "-z", "--no-renames", "--", source
        )
        return tuple(entry[3:].decode(errors="replace") for entry in answer.split(b"\0") if entry)

    def submodules(self, commit: str, source: str) -> tuple[str, ...]:
        """Return the submodules below `source`: git archives none of their content."""
        answer = self.ask("list the files of a commit", "ls-tree", "-r", "-z", commit, "--", source)
        entries = (entry.decode(errors="replace") for entry in answer.split(b"\0") if entry)
        return tuple(entry.partition("\t")[2] for entry in entries if entry.startswith(_SUBMODULE))

    def unpushed(self, changeset: str) -> str:
        """Say how a local branch differs from origin's as last fetched; "" when it does not or is none."""
        local, remote = f"refs/heads/{changeset}", f"refs/remotes/origin/{changeset}"
        counted = self._run("rev-list", "--left-right", "--count", "--end-of-options", f"{local}...{remote}", "--")
        if counted.returncode:
            return ""
        ahead, behind = counted.stdout.decode().split()
        parts = [f"{ahead} ahead of"] if ahead != "0" else []
        parts += [f"{behind} behind"] if behind != "0" else []
        return f"{changeset} is {' and '.join(parts)} origin/{changeset} as last fetched" if parts else ""

    def archive(self, commit: str, source: str) -> subprocess.Popen[bytes]:
        """Start `git archive` of a folder: a tar on its standard output, without what is `export-ignore`."""
        return subprocess.Popen(
            self._command("archive", "--format=tar", commit, "--", source),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environ(),
        )

    def ask(self, what: str, *arguments: str) -> bytes:
        """Return what a git command prints; raises `UsageError` with git's own words when it fails."""
        answer = self._run(*arguments)
        if answer.returncode:
            raise UsageError(what, f"git said: {last_line(answer.stderr)}")
        return answer.stdout

    def _commit(self, sha: str) -> Commit:
        shown = self.ask(
            f"read the commit {sha}",
            *("-c", "i18n.logOutputEncoding=UTF-8", "-c", "log.showSignature=false"),
            *("log", "-1", "--no-color", "--format=%H%x00%an <%ae>%x00%ct%x00%s", sha),
        )
        found, author, committed, subject = shown.decode(errors="replace").rstrip("\n").split("\0")
        return Commit(found, author, int(committed), subject)

    def _look_for_repository(self, what: str) -> None:
        answer = self._run("rev-parse", "--git-dir")
        if answer.returncode:
            seen = f"{self.path} is not usable: {last_line(answer.stderr)}"
            raise UsageError(what, seen, "Run git init there, and commit: a release is made of a commit")

    def _nearest(self, changeset: str) -> str:
        listed = self.ask("list the branches and tags", "for-each-ref", "--format=%(refname:lstrip=2)")
        names = {name.removeprefix("origin/") for name in listed.decode(errors="replace").splitlines()} - {"HEAD"}
        near = get_close_matches(changeset, sorted(names), n=3, cutoff=0.5)
        fetch = "fetch it if it is new"
        return f"Nearest: {', '.join(near)}; or {fetch}" if near else f"See `git branch -a` and `git tag`, or {fetch}"

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(self._command(*arguments), capture_output=True, env=_environ(), check=False)
        except FileNotFoundError as error:
            raise UsageError("look into the repository", "there is no `git` here", "Install git") from error

    def _command(self, *arguments: str) -> list[str]:
        return ["git", "-C", str(self.path), "--literal-pathspecs", *arguments]


def last_line(output: bytes) -> str:
    """Return the last line of a program's output that says something."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"


def _environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}
    return {**kept, "LC_ALL": "C.UTF-8", "GIT_OPTIONAL_LOCKS": "0"}
