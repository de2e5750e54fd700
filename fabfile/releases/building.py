"""Build a release: all that a server needs of one commit, in the bundle store, and a manifest that names it.

What was built before is neither built nor sent again: bundles are kept by commit, dependencies by what they
are built from, static files by all that they depend on, below `.fab/` and in the store.
"""

from __future__ import annotations

import posixpath
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, resources
from pathlib import Path

from ..config.environment import Environment
from ..errors import UsageError
from .archives import sha256_of
from .built import make_built
from .bundle import Bundle, make_bundle
from .catalogue import store_manifest
from .dependencies import DependencyCache
from .manifest import Archive, Manifest
from .requirements import NO_REQUIREMENTS, Requirements, read_requirements
from .scripts import check_scripts
from .source import Commit, Repository
from .static_files import Collecting, collect
from .store import Store
from .target import Target, target_of, this_machine
from .user_data import build_server_program

Progress = Callable[[str], None]
_SERVER_REQUIREMENTS = "server-requirements.txt"
_NAMED = 5  # uncommitted files that a warning names


def build_release(
    environment: Environment,
    changeset: str,
    store: Store,
    on_progress: Progress,
    now: Callable[[], float] = time.time,
) -> Manifest:
    """Build the release of a branch, tag or commit and store it; "" means the environment's branch.

    Raises `UsageError` for a commit that is unknown or cannot be built, `Unreachable` for a store out of reach.
    """
    changeset = changeset or environment.branch
    repository = Repository(environment.repository)
    commit = repository.resolve(changeset)
    on_progress(f"building {commit.short} ({changeset}): {commit.subject}")
    _warn(repository, environment, changeset, commit, on_progress)
    with ExitStack() as stack:
        build = _Build(environment, repository, commit, store, on_progress, stack)
        manifest = build.manifest(changeset, int(now()))
    manifest = store_manifest(manifest, store)
    on_progress(f"release {manifest.id} is in the store")
    return manifest


@dataclass(frozen=True)
class _Build:
    """One build: each part is made when it is first asked for."""

    environment: Environment
    repository: Repository
    commit: Commit
    store: Store
    on_progress: Progress
    stack: ExitStack

    def manifest(self, changeset: str, built: int) -> Manifest:
        target = target_of(self.environment)
        check_scripts(self.repository, self.commit, self.environment.application)
        bundle = self._put_bundle(self._bundle.files)
        large = self._put_bundle(self._bundle.large) if self._bundle.large else None
        requirements = self._requirements
        static = self._static(requirements, target)
        return Manifest(
            id=f"{time.strftime('%Y%m%dT%H%MZ', time.gmtime(built))}-{self.commit.short}",
            deployment=self.environment.deployment,
            environment=self.environment.name,
            commit=self.commit.sha,
            author=self.commit.author,
            committed=self.commit.committed,
            subject=self.commit.subject,
            changeset=changeset,
            built=built,
            tool=_version(),
            python=target.python,
            platform=target.platform,
            bundle=bundle,
            large=large,
            dependencies=(
                self._dependencies(requirements, target, lambda: self._checkout),
                self._dependencies(_server_requirements(), target, self._server_folder),
            ),
            dependency_hash=requirements.hash_for(target),
            program=self._program(),
            static=static,
        )

    @cached_property
    def _bundle(self) -> Bundle:
        application = self.environment.application
        cache = self.environment.state / "bundles"
        bundle = make_bundle(self.repository, self.commit, application.source, application.exclude, cache)
        if not application.build:
            return bundle
        self.on_progress(f"running {' '.join(application.build)}")
        return make_built(bundle, application, self.commit, cache)

    @cached_property
    def _content(self) -> str:
        """What changes with any file of the release."""
        archives = (self._bundle.files, self._bundle.large)
        return "-".join(sha256_of(path) for path in archives if path)

    @cached_property
    def _checkout(self) -> Path:
        """The bundle unpacked."""
        workplace = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="fabscale-checkout-"))
        folder = Path(workplace, "release")
        self._bundle.unpack(folder)
        return folder

    @cached_property
    def _requirements(self) -> Requirements:
        application = self.environment.application
        if not application.requirements:
            return NO_REQUIREMENTS

        def read(name: str) -> str:
            path = posixpath.normpath(posixpath.join(application.source or ".", name))
            if not self.repository.has(self.commit.sha, path):
                hint = "Commit it, or say which file it is: requirements_file (none: no Python packages)"
                raise UsageError(f"read {path} of {self.commit.short}", "it is not in that commit", hint)
            what = f"read {path} of {self.commit.short}"
            return self.repository.ask(what, "cat-file", "blob", f"{self.commit.sha}:{path}").decode()

        return read_requirements(application.requirements, self._content, read)

    @cached_property
    def _cache(self) -> DependencyCache:
        return DependencyCache(self.environment.state / "dependencies")

    def _server_folder(self) -> Path:
        return Path(self.stack.enter_context(resources.as_file(resources.files(__package__))))

    def _dependencies(self, requirements: Requirements, target: Target, checkout: Callable[[], Path]) -> Archive:
        identity = requirements.hash_for(target)
        name = f"dependencies/{identity}.tar.gz"
        stored = self.store.find(self._key(name))
        if stored is not None:
            return Archive(stored.key, stored.sha256, stored.size)
        self._build(identity, requirements, target, checkout)
        path = self._cache.archive(identity)
        return self._put(path, name, sha256_of(path))

    def _build(self, identity: str, requirements: Requirements, target: Target, checkout: Callable[[], Path]) -> None:
        if not self._cache.has(identity):
            if requirements.files:
                self.on_progress(f"installing {requirements.name} for Python {target.python}, {target.platform}")
            self._cache.build(identity, requirements, target, checkout())

    def _static(self, requirements: Requirements, target: Target) -> Archive | None:
        usable = target if target.runs_here else this_machine()
        identity = requirements.hash_for(usable)

        def dependencies() -> Path:
            stored = None if self._cache.has(identity) else self._key(f"dependencies/{identity}.tar.gz")
            if stored is not None and self.store.find(stored):
                self._cache.take(identity, self.store.get(stored))
            self._build(identity, requirements, usable, lambda: self._checkout)
            self.on_progress("collecting static files")
            return self._cache.folder(identity)

        application = self.environment.application
        collecting = Collecting(application, self.commit.sha, self._content, identity)
        path = collect(collecting, lambda: self._checkout, dependencies, self.environment.state / "static")
        if path is None:
            return None
        sha256 = sha256_of(path)
        return self._put(path, f"static/{sha256}.tar.gz", sha256)

    def _program(self) -> Archive:
        workplace = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="fabscale-program-"))
        path = Path(workplace, "server.pyz")
        path.write_bytes(build_server_program())
        sha256 = sha256_of(path)
        return self._put(path, f"programs/{sha256}.pyz", sha256)

    def _put_bundle(self, path: Path) -> Archive:
        sha256 = sha256_of(path)
        return self._put(path, f"bundles/{sha256}.tar.gz", sha256)

    def _key(self, name: str) -> str:
        # A server's role may read below its deployment's name only.
        return f"{self.environment.deployment}/{name}"

    def _put(self, path: Path, name: str, sha256: str) -> Archive:
        """Store a file unless it is there; what another deployer stored first is what counts."""
        key = self._key(name)
        size = path.stat().st_size
        stored = self.store.find(key)
        if stored is None:
            self.on_progress(f"uploading {name.partition('/')[0]} ({size / 1e6:.1f} MB)")
            if self.store.put_new(key, path, sha256):
                return Archive(key, sha256, size)
            stored = self.store.find(key)
        if stored is None:
            raise UsageError(f"store {key}", "it was removed while it was stored", "Run it again")
        return Archive(key, stored.sha256, stored.size)


def _warn(
    repository: Repository, environment: Environment, changeset: str, commit: Commit, on_progress: Progress
) -> None:
    """Say what somebody might expect in the release and what is not in it."""
    source = environment.application.source or "."
    changed = repository.uncommitted(source)
    if changed:
        named = ", ".join(changed[:_NAMED]) + (", …" if len(changed) > _NAMED else "")
        on_progress(f"warning: {len(changed)} uncommitted changes are not in the release: {named}")
    for submodule in repository.submodules(commit.sha, source):
        on_progress(f"warning: the submodule {submodule} is not in the release: git archives none of its files")
    differs = repository.unpushed(changeset)
    if differs:
        on_progress(f"warning: {differs}")


def _server_requirements() -> Requirements:
    text = resources.files(__package__).joinpath(_SERVER_REQUIREMENTS).read_text()
    return Requirements(_SERVER_REQUIREMENTS, ((_SERVER_REQUIREMENTS, text),))


def _version() -> str:
    try:
        return metadata.version("fabscale")
    except metadata.PackageNotFoundError:  # run from a checkout that was not installed
        return "checkout"
