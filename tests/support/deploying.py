"""A stack of three tiny layers, published in any version and format, to be deployed for real.

    published = Publisher(folder).publish("2", format="zip")

The runtime's Python is a script that starts the one that runs the tests, so that layers are
finished and applications run. What an application prints names the versions of all its layers.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.layers import file_entry, link_entry, make_tree
from venvstacks_dag._injected import postinstall
from venvstacks_dag.archive import ArchiveEntry, ArchiveFormat, plan_archive, tree_digest
from venvstacks_dag.archive.write import write_archive
from venvstacks_dag.deploy.command import main
from venvstacks_dag.deploy.deployment import Deployed, DeployOptions, deploy
from venvstacks_dag.deploy.filelists import LISTS
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import FolderSource
from venvstacks_dag.fs import TreeManifest
from venvstacks_dag.fs.filelist import file_list
from venvstacks_dag.platforms import host_platform
from venvstacks_dag.publish import (
    AppModules,
    LayerManifest,
    PublishedArchive,
    write_layer_manifest,
    write_stack_manifest,
)
from venvstacks_dag.reporting import NullReporter

SITE = "lib/site-packages"
PYTHON = f"""\
#!/bin/sh
PYTHONPATH=$(dirname -- "$0")/../{SITE} exec {shlex.quote(sys.executable)} "$@"
"""
APP = """\
import json, lower, mine
print(json.dumps([lower.VERSION, mine.VERSION]))
"""
APPS = ("app-one", "app-two")
TARGETS = ("py", "framework-lower", *APPS)
QUIET = DeployOptions(sync=False, patience=5)


def config(layer: str) -> dict[str, Any]:
    """A layer's configuration."""
    runtime = layer == "py"
    below = {"py": [], "framework-lower": ["py"]}.get(layer, ["framework-lower", "py"])
    value: dict[str, Any] = {
        "python": "bin/python",
        "py_version": "{}.{}.{}".format(*sys.version_info[:3]),
        "base_python": "bin/python" if runtime else "../py/bin/python",
        "site_dir": SITE,
        "pylib_dirs": [f"../{name}/{SITE}" for name in below],
        "dynlib_dirs": [],
    }
    if layer in APPS:
        value["launch_module"] = layer.removeprefix("app-")
    return value


class Publisher:
    """Publishes the stack to a folder. Archives of equal content have equal bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = 0
        # What the applications have in place of the script that finishes them.
        self.script: str | None = None

    def publish(
        self,
        version: str,
        *,
        format: ArchiveFormat = "tar",
        locked: int = 1,
        lists: bool = True,
        digests: bool = True,
        only: Sequence[str] = TARGETS,
        change: Callable[[dict[str, Any]], object] = lambda manifest: None,
    ) -> Path:
        """Publish all layers; those in `only` hold `version`, the others "0".

        `locked` is the lock's version. `lists` and `digests` tell whether layers carry lists of
        their files, and manifests digests of trees. `change` may edit the stack's manifest.
        """
        self._number += 1
        layers = []
        for target in TARGETS:
            text, lock = (version, locked) if target in only else ("0", 1)
            layers.append(
                self._layer(target, text, format, lock=lock, lists=lists, digests=digests)
            )
        for layer in layers:
            write_layer_manifest(self.folder, layer)
        path = write_stack_manifest(self.folder, layers)
        manifest = json.loads(path.read_bytes())
        change(manifest)
        path.write_text(json.dumps(manifest))
        return self.folder

    def _layer(
        self,
        target: str,
        version: str,
        format: ArchiveFormat,
        *,
        lock: int,
        lists: bool,
        digests: bool,
    ) -> LayerManifest:
        tree = self.folder.with_name(f"{self.folder.name}-trees") / str(self._number) / target
        script = self.script if target in APPS else None
        entries = make_layer(tree, target, version, lists=lists, script=script)
        path = self.folder / f"{target}.{format}"
        receipt = write_archive(
            entries, tree, path, mtime=1_700_000_000, reporter=NullReporter(), format=format
        )
        app = target in APPS
        return LayerManifest(
            layer_name=target,
            install_target=target,
            requirements_hash="sha256:00",
            lock_version=lock,
            locked_at="2026-01-01T00:00:00+00:00",
            runtime_layer="py",
            python_implementation="cpython@3.11.7",
            bound_to_implementation=target == "py",
            required_layers=None if target == "py" else ("framework-lower",) if app else (),
            app=AppModules(launch_module=target.removeprefix("app-"), launch_module_hash="sha256:0")
            if app
            else None,
            archive=PublishedArchive(
                build=1,
                name=path.name,
                platform=host_platform(),
                size=receipt.size,
                sha256=receipt.sha256,
            ),
            tree_digest=tree_digest(entries) if digests else None,
        )


def make_layer(
    tree: Path, target: str, version: str, *, lists: bool = True, script: str | None = None
) -> tuple[ArchiveEntry, ...]:
    """A layer's tree, without what is made at the target; its archive's entries."""
    module = "lower" if target == "framework-lower" else "mine"
    files = {
        "postinstall.py": script.encode() if script else Path(postinstall.__file__).read_bytes(),
        postinstall.LAYER_CONFIG: json.dumps(config(target)).encode(),
        f"{SITE}/{module}.py": f"VERSION = {version!r}\n".encode(),
    }
    links = {"bin/python": "../../py/bin/python"}
    if target == "py":
        files["bin/python"] = PYTHON.encode()
        links = {"bin/python3": "python"}
    if target in APPS:
        files[f"{SITE}/{target.removeprefix('app-')}.py"] = APP.encode()
    manifest = make_tree(tree, files, links=links, programs=frozenset({"bin/python"}))
    manifests = [manifest]
    if lists:
        manifests.append(add_lists(tree, manifest))
    return plan_archive(manifests, target)


def add_lists(tree: Path, manifest: TreeManifest) -> TreeManifest:
    """Give a tree the lists of its files: those in ``bin`` as linked, all others as installed."""
    linked = [entry for entry in manifest.entries if entry.path.startswith("bin/")]
    installed = [entry for entry in manifest.entries if entry not in linked]
    made = []
    for path, rows in zip(LISTS, (installed, linked), strict=True):
        data = file_list(TreeManifest.of(rows))
        (tree / path).write_bytes(data)
        made.append(file_entry(path, data))
    return TreeManifest.of(made)


def deployed(folder: Path, target: Path, **options: Any) -> Deployed:
    """Deploy in this process, and quietly."""
    settings = {"sync": False, "patience": 5, **options}
    return deploy(FolderSource(folder), Place(target), DeployOptions(**settings), lambda _: None)


def told(target: Path, app: str = "app-one") -> list[str]:
    """What an application of the current version prints: the versions of its layers."""
    ended = subprocess.run(
        [target / "current" / "bin" / app], cwd="/", capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    versions: list[str] = json.loads(ended.stdout)
    return versions


def contents(folder: Path) -> Mapping[str, bytes | str]:
    """All files and links below a folder."""
    return {
        path.relative_to(folder).as_posix(): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


__all__ = [
    "APPS",
    "QUIET",
    "SITE",
    "TARGETS",
    "Publisher",
    "contents",
    "deployed",
    "link_entry",
    "main",
    "make_layer",
    "told",
]
