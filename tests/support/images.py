"""Images as folders that can be used. Imports nothing compiled: other Pythons run this, too."""

from __future__ import annotations

import shutil
from pathlib import Path

from venvstacks_dag.platforms import TargetPlatform, host_platform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.runtimes import RuntimeRequest, find_runtime, runtime_image
from venvstacks_dag.runtimes.host import HostProvider
from venvstacks_dag.store import Image, Store


def host_image(store: Path) -> Image:
    """The image of the running interpreter, in a store under `store`."""
    providers = [HostProvider(Store(store))]
    request = RuntimeRequest(
        layer="py",
        python_implementation="cpython@host",
        target=TargetPlatform(name=host_platform()),
    )
    return runtime_image(find_runtime(request, providers), providers, NullReporter())


def materialize(image: Image, folder: Path) -> Path:
    """The files and links of `image` in a new `folder`, so that a runtime can be run."""
    for entry in image.entries:
        place = folder / entry.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "link":
            place.symlink_to(entry.target)
        else:
            shutil.copyfile(image.file(entry), place)
            place.chmod(entry.mode)
    return folder
