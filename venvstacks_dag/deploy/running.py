"""Finding an application in a build folder, an export or a deployment, and becoming it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from venvstacks_dag._injected.postinstall import LAYER_CONFIG
from venvstacks_dag.deploy.finish import launch_command, read_launch_module
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.stackfile import unknown_app
from venvstacks_dag.errors import DeployError

_PREFIX = "app-"


def find_command(folder: Path, name: str) -> list[str]:
    """What starts the application `name`, with or without ``app-``, that lies in `folder`.

    Of a deployment it is that of the current version, by the version's own path. Raises
    `UnknownLayer`, `DeployError`.
    """
    place = Place(folder)
    folder = place.folder
    if place.exists():
        version = place.current()
        assert version is not None
        folder = place.tree(version)
    apps = _apps(folder)
    for candidate in (name, f"{_PREFIX}{name}"):
        if candidate in apps:
            return launch_command(apps[candidate])
    if not apps:
        raise DeployError(
            "there is no application",
            where=str(folder),
            fix="name a build folder, an export or a deployment with --from DIR",
        )
    raise unknown_app(name, sorted(apps))


def _apps(folder: Path) -> dict[str, Path]:
    """The applications in `folder` by name; a versioned one also without its version."""
    found: dict[str, Path] = {}
    try:
        places = sorted(folder.iterdir())
    except OSError as error:
        raise DeployError(
            "the folder cannot be read", where=str(folder), why=error.strerror or str(error)
        ) from error
    for tree in places:
        if (tree / LAYER_CONFIG).is_file() and read_launch_module(tree) is not None:
            found[tree.name] = tree
            found.setdefault(tree.name.partition("@")[0], tree)
    return found


def become(command: Sequence[str]) -> NoReturn:
    """Run `command` in the place of this process, so that signals and exit codes are its own.

    Windows has no such thing: there it is waited for. Raises `DeployError`.
    """
    try:
        if os.name != "nt":
            os.execv(command[0], list(command))  # noqa: S606
        ended = subprocess.run(command, check=False)
    except OSError as error:
        raise DeployError(
            "the application's Python cannot be run",
            where=command[0],
            why=error.strerror or str(error),
        ) from error
    raise SystemExit(ended.returncode)
