"""What is built for: target platforms, Python versions, wheel tags, markers, folder layouts."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.platforms.file_names import (
        fold,
        has_windows_characters,
        is_windows_device,
    )
    from venvstacks_dag.platforms.layout import LayerLayout
    from venvstacks_dag.platforms.markers import marker_environment
    from venvstacks_dag.platforms.pypy import pypy_program, pypy_release
    from venvstacks_dag.platforms.python import PythonVersion
    from venvstacks_dag.platforms.target import (
        PLATFORM_NAMES,
        TargetPlatform,
        host_platform,
        parse_linux_target,
        parse_macosx_target,
    )

__all__ = [
    "PLATFORM_NAMES",
    "LayerLayout",
    "PythonVersion",
    "TargetPlatform",
    "fold",
    "has_windows_characters",
    "host_platform",
    "is_windows_device",
    "marker_environment",
    "parse_linux_target",
    "parse_macosx_target",
    "pypy_program",
    "pypy_release",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "file_names": ("fold", "has_windows_characters", "is_windows_device"),
        "layout": ("LayerLayout",),
        "markers": ("marker_environment",),
        "pypy": ("pypy_program", "pypy_release"),
        "python": ("PythonVersion",),
        "target": (
            "PLATFORM_NAMES",
            "TargetPlatform",
            "host_platform",
            "parse_linux_target",
            "parse_macosx_target",
        ),
    },
)
