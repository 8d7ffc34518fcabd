"""Finishing layers where they lie: their own postinstall, and scripts that start applications."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path, PureWindowsPath
from typing import Literal

from venvstacks_dag._injected import postinstall
from venvstacks_dag.deploy.child import run_script
from venvstacks_dag.deploy.own import LAUNCHERS
from venvstacks_dag.deploy.place import write_file
from venvstacks_dag.deploy.stackfile import MODULE, StackFile
from venvstacks_dag.digest import parse_json
from venvstacks_dag.errors import DeployError
from venvstacks_dag.publish.model import LayerManifest

# Which of a layer's modules are compiled; "local": only those that are made at this place.
Compiled = Literal["all", "local", "none"]
_SCRIPT = "postinstall.py"
# All in one start of Python, which takes longer than what it does.
_FINISH_AND_COMPILE = """\
import runpy, sys
script, folder, count, *words = sys.argv[1:]
made = runpy.run_path(script)
code = made["main"](words[int(count):])
for path in words[:int(count)] if not code else ():
    made["compile_module"](path, folder)
sys.exit(code)
"""
_FIRST_WITH_P = 11
_MOST_WORDS = 500


def read_config(tree: Path) -> postinstall.Layer:
    """The configuration of the layer in `tree`. Raises `DeployError`."""
    try:
        return postinstall.read_layer(tree)
    except postinstall.LayerConfigError as error:
        raise DeployError(
            "a layer's configuration cannot be used", where=str(tree), why=str(error)
        ) from error


def check_path(folder: Path) -> None:
    """Raise `DeployError` where no layer could be finished below `folder`, for its name."""
    try:
        postinstall.refuse_unwritable(str(folder))
    except postinstall.LayerConfigError as error:
        raise DeployError(
            "layers cannot be deployed there", why=str(error), fix="choose another folder"
        ) from error


def local_files(tree: Path, *, relative: bool) -> dict[str, bytes]:
    """What `finish_layer` writes in `tree`, by path. Raises `DeployError`."""
    layer = read_config(tree)
    files = postinstall.relative_files if relative else postinstall.local_files
    return {path.relative_to(tree).as_posix(): content for path, content in files(layer)}


def check_peers(version: Path, stack: StackFile) -> None:
    """Raise `DeployError` where a layer's own configuration needs others than its manifest says.

    What starts today would not, as soon as only the layers are deployed that an application needs.
    """
    deployed = {layer.install_target for layer in stack.layers}
    for layer in stack.layers:
        tree = version / layer.install_target
        config = read_config(tree)
        paths = (config.base_python, *config.pylib_dirs, *config.dynlib_dirs)
        peers = {path.relative_to(version).parts[0] for path in paths} - {layer.install_target}
        named = {layer.runtime_layer, *(layer.required_layers or ())}
        for peer in sorted(peers):
            if peer not in named or peer not in deployed:
                what = "its manifest does not name" if peer not in named else "is not deployed"
                raise DeployError(
                    f"it needs the layer {peer!r}, which {what}",
                    where=str(tree / postinstall.LAYER_CONFIG),
                    layer=layer.layer_name,
                    fix="publish again: layers and manifest are not of one build",
                )


def finish_layer(tree: Path, *, compiled: Compiled, relative: bool, lock: int) -> None:
    """Run the layer's own postinstall with its runtime's Python and nothing else of it.

    `lock` is the open file whose lock it holds as well. Raises `DeployError` where it fails.
    """
    if compiled == "local" and not _is_ours(tree / _SCRIPT):
        compiled = "all"  # There is no asking it for less.
    options = [] if compiled == "all" else ["--no-compile"]
    options += ["--relative"] if relative else []
    program = ""
    if compiled == "local":
        program, local = _FINISH_AND_COMPILE, local_files(tree, relative=relative)
        modules = [str(tree / path) for path in local if path.endswith(".py")]
        options = [str(tree), str(len(modules)), *modules, *options]
    _run(tree, options, lock, program)


def _is_ours(script: Path) -> bool:
    ours = files(postinstall.__package__).joinpath(_SCRIPT).read_bytes()
    try:
        return script.read_bytes() == ours
    except OSError:
        return False


def _run(tree: Path, options: list[str], lock: int, program: str) -> None:
    python = Path(read_config(tree).base_python)
    try:
        code, words = run_script(python, tree / _SCRIPT, options, lock, program=program)
    except OSError as error:
        raise DeployError(
            "a runtime's Python cannot be run", where=str(python), why=error.strerror or str(error)
        ) from error
    if code:
        raise DeployError(
            "a layer could not be finished",
            where=str(tree / _SCRIPT),
            why=_last_words(words) or f"it ended with {code}",
        )


def _last_words(text: str) -> str:
    """The last line of what a script said: that is the error, also where it is a traceback."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_MOST_WORDS] if lines else ""


def write_launchers(version: Path, stack: StackFile) -> None:
    """Write ``bin/<app>``, on Windows ``bin/<app>.cmd``: they start applications of a version.

    They name the version's own folder: a program that was started keeps to the version that it
    was started from. Raises `DiskError`, `DeployError`.
    """
    for name, content in launcher_files(version, stack).items():
        write_file(version / LAUNCHERS / name, content, mode=0o755)


def launcher_files(
    version: Path, stack: StackFile, *, windows: bool = os.name == "nt"
) -> dict[str, bytes]:
    """Names and contents of what `write_launchers` writes. Raises `DeployError`."""
    found: dict[str, bytes] = {}
    for app in stack.apps:
        python, *words = launch_command(version / app.install_target)
        if windows:
            place = PureWindowsPath(python).relative_to(PureWindowsPath(version))
            text = f'@"%~dp0..\\{place}" {" ".join(words)} %*\r\n'
            found[f"{app.layer_name}.cmd"] = text.encode()
        else:
            text = f'#!/bin/sh\nexec {shlex.join([python, *words])} "$@"\n'
            found[app.layer_name] = os.fsencode(text)
    return found


def launch_command(tree: Path) -> list[str]:
    """What starts the application in the folder `tree`. Raises `DeployError`.

    As with ``-m`` alone, but without the current folder on the import path, where Python can.
    """
    layer = read_config(tree)
    module = read_launch_module(tree)
    if module is None:
        raise DeployError("the layer is no application", where=str(tree))
    _, minor, _ = map(int, layer.py_version.split("."))
    return [str(layer.python), *(["-P"] if minor >= _FIRST_WITH_P else []), "-m", module]


def read_launch_module(tree: Path) -> str | None:
    """The module that the application in `tree` runs, None where it is none.

    Raises `DeployError` where the configuration cannot be read.
    """
    path = tree / postinstall.LAYER_CONFIG
    try:
        value = parse_json(path.read_bytes()).get("launch_module")
    except (OSError, ValueError, AttributeError) as error:
        raise DeployError(
            "a layer's configuration cannot be used", where=str(path), why=str(error)
        ) from error
    if value is not None and not (isinstance(value, str) and MODULE.match(value)):
        raise DeployError(
            "a layer's configuration cannot be used",
            where=str(path),
            why="launch_module is no module's name",
        )
    return value


def finish_layers(
    version: Path,
    layers: Iterable[LayerManifest],
    compiled: Mapping[str, Compiled],
    *,
    relative: bool,
    lock: int,
) -> None:
    """Finish layers in their order; `compiled` tells what bytecode of each is yet to be made."""
    for layer in layers:
        finish_layer(
            version / layer.install_target,
            compiled=compiled[layer.install_target],
            relative=relative,
            lock=lock,
        )
