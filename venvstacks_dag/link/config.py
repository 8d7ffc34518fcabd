"""A layer's configuration, `venvstacks_layer.json`: where its interpreter and its peers lie."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from venvstacks_dag.link.model import LinkRequest, LowerLink


def layer_config(
    request: LinkRequest, *, launch_module: str | None = None, deployed: bool
) -> dict[str, Any]:
    """The configuration's values; paths are relative to the layer, with ``../`` before a peer's.

    Peers have their deployed names (``name@N`` where versioned) or those of the build folder.
    """

    def peer(lower: LowerLink, path: PurePosixPath) -> str:
        return f"../{lower.install_target if deployed else lower.env_name}/{path}"

    layout, runtime = request.layout, request.runtime
    python = str(layout.python_executable)
    config: dict[str, Any] = {
        "python": python,
        "py_version": layout.python.full,
        "base_python": peer(runtime, runtime.layout.python_executable) if runtime else python,
        "site_dir": str(layout.site_packages),
        "pylib_dirs": [peer(lower, lower.layout.site_packages) for lower in request.below],
        "dynlib_dirs": [
            peer(lower, lower.layout.dynlib_dir) for lower in request.below if lower.has_libraries
        ],
    }
    if launch_module is not None:
        config["launch_module"] = launch_module
    return config
