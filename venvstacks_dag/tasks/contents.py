"""What a stack holds by its specification and locks, read without changing or building anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from venvstacks_dag import index
from venvstacks_dag.errors import LockError
from venvstacks_dag.fs import read_bytes
from venvstacks_dag.graph import LayerGraph, LayerNode
from venvstacks_dag.index import PackageIndex
from venvstacks_dag.inventory import Inventory, WheelRequirements, take_inventory
from venvstacks_dag.net import RangeDownloader
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.resolve import LayerLock, parse_metadata
from venvstacks_dag.spec import load_stack
from venvstacks_dag.store import Store
from venvstacks_dag.tasks.client import DeferredClient, is_offline, open_client
from venvstacks_dag.tasks.settings import BuildSettings
from venvstacks_dag.tasks.stages.locks import lock_file, metadata_file, read_lock


class StackContents:
    """A specification with its locks. Raises `SpecError` or `DiskError` when it is made."""

    def __init__(self, spec: Path, environ: Mapping[str, str]) -> None:
        self.settings = BuildSettings.of(spec)
        self._environ = environ
        self.graph = LayerGraph.of(load_stack(self.settings.spec, environ), self.settings.host)
        locks = {
            node.env_name: _lock(self.settings, node.env_name)
            for node in self.graph.nodes
            if lock_file(self.settings, node.env_name).is_file()
        }
        pythons = {
            node.env_name: python
            for node in self.graph.nodes
            if node.is_runtime
            and (python := _python(self.settings, node, locks.get(node.env_name))) is not None
        }
        self.inventory: Inventory = take_inventory(self.graph, locks, pythons)

    @contextmanager
    def requirements(self) -> Iterator[WheelRequirements]:
        """What wheels require; the indexes are asked only for wheels that are not at hand."""
        http = DeferredClient(self._open_client)
        store = Store.of_user(self._environ)
        opened: dict[str, PackageIndex] = {}
        with ExitStack() as clients:

            def index_of(layer: str) -> PackageIndex:
                if layer not in opened:
                    client = index.open_index(self._sources(layer), http, store, NullReporter())
                    opened[layer] = clients.enter_context(client)
                return opened[layer]

            yield WheelRequirements(store, index_of)

    def _sources(self, layer: str) -> index.IndexSources:
        node = self.graph.node(layer)
        return index.layer_sources(
            self.graph.spec.uv,
            package_indexes=node.package_indexes,
            priority_indexes=node.spec.priority_indexes,
            base=self.settings.spec.parent,
            environ=self._environ,
        )

    def _open_client(self) -> RangeDownloader:
        environ = self._environ
        spec, path = self.graph.spec, self.settings.spec
        return open_client(spec, path, environ, offline=is_offline(environ))


def _lock(settings: BuildSettings, layer: str) -> LayerLock | LockError:
    try:
        return read_lock(settings, layer)
    except LockError as error:
        return error


def _python(
    settings: BuildSettings, node: LayerNode, lock: LayerLock | LockError | None
) -> PythonVersion | None:
    """The exact Python that a runtime was locked for; venvstacks keeps only its first numbers."""
    if not isinstance(lock, LayerLock):
        return None
    path = metadata_file(settings, node.env_name)
    implementation = node.spec.python_implementation  # type: ignore[union-attr]
    said = [implementation, f"cpython@{str(lock.pylock.requires_python)[2:-2]}.0"]
    if path.is_file():
        with suppress(LockError):
            said.insert(0, parse_metadata(read_bytes(path), path, node.env_name).python)
    for text in said:
        with suppress(ValueError):
            return PythonVersion.parse(text)
    return None
