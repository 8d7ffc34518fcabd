"""Finishing layers where they lie: their own postinstall, and scripts that start applications."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from venvstacks_dag._injected import postinstall
from venvstacks_dag.deploy.stackfile import StackFile
from venvstacks_dag.errors import DeployError
from venvstacks_dag.fs.files import atomic_write
from venvstacks_dag.publish.model import LayerManifest

LAUNCHERS = "bin"
_SCRIPT = "postinstall.py"


def read_config(tree: Path) -> postinstall.Layer:
    """The configuration of the layer in `tree`. Raises `DeployError`."""
    try:
        return postinstall.read_layer(tree)
    except postinstall.LayerConfigError as error:
        raise DeployError(
            "a layer's configuration cannot be used", where=str(tree), why=str(error)
        ) from error


def local_files(tree: Path, *, relative: bool) -> dict[str, bytes]:
    """What `finish_layer` writes in `tree`, by path. Raises `DeployError`."""
    layer = read_config(tree)
    files = postinstall.relative_files if relative else postinstall.local_files
    return {path.relative_to(tree).as_posix(): content for path, content in files(layer)}


def finish_layer(tree: Path, *, compile_modules: bool, relative: bool) -> None:
    """Run the layer's own postinstall with its runtime's Python and nothing else of it.

    Raises `DeployError` where it fails.
    """
    python = Path(read_config(tree).base_python)
    command = [str(python), "-I", "-S", str(tree / _SCRIPT)]
    command += [] if compile_modules else ["--no-compile"]
    command += ["--relative"] if relative else []
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=_environment(),
        )
    except OSError as error:
        raise DeployError(
            "a runtime's Python cannot be run", where=str(python), why=error.strerror or str(error)
        ) from error
    if ended.returncode:
        raise DeployError(
            "a layer could not be finished",
            where=str(tree / _SCRIPT),
            why=ended.stderr.strip()[-500:] or f"it ended with {ended.returncode}",
        )


def _environment() -> Mapping[str, str]:
    # -I makes Python ignore its variables, but the script's own workers are started without.
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "LD_", "DYLD_"))
    }


def write_launchers(version: Path, stack: StackFile, *, windows: bool | None = None) -> None:
    """Scripts ``bin/<app>`` (Windows: ``bin\\\\<app>.cmd``) that start the applications of a version.

    They name the version's own folder: a program that was started keeps to the version that it
    was started from. Raises `DiskError`, `DeployError`.
    """
    windows = os.name == "nt" if windows is None else windows
    folder = version / LAUNCHERS
    if any(layer.install_target.casefold() == LAUNCHERS for layer in stack.layers):
        raise DeployError(f"a layer called {LAUNCHERS!r} cannot be deployed: the name is taken")
    for app in stack.apps:
        words = launch_command(version, app)
        if windows:
            text = f'@"%~dp0..\\{Path(words[0]).relative_to(version)}" -m {words[2]} %*\r\n'
            atomic_write(folder / f"{app.layer_name}.cmd", text.encode())
        else:
            text = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
            atomic_write(folder / app.layer_name, os.fsencode(text), mode=0o755)


def launch_command(version: Path, app: LayerManifest) -> list[str]:
    """What starts an application of the stack in the folder `version`. Raises `DeployError`."""
    assert app.app is not None
    python = read_config(version / app.install_target).python
    return [str(python), "-m", app.app.launch_module]


def finish_layers(
    version: Path, layers: Iterable[LayerManifest], compiled: Mapping[str, bool], *, relative: bool
) -> None:
    """Finish layers in their order; `compiled` tells which have their bytecode yet to be made."""
    for layer in layers:
        finish_layer(
            version / layer.install_target,
            compile_modules=compiled[layer.install_target],
            relative=relative,
        )
