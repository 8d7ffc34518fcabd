"""`[tool.uv]` out of a compiled plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from venvstacks_dag.spec.model import IndexSettings, UvSettings


def uv_settings(value: Mapping[str, Any]) -> UvSettings:
    """The settings that a plan keeps as plain JSON."""
    newest = value["exclude_newer"]
    return UvSettings(
        indexes=tuple(IndexSettings(**index) for index in value["indexes"]),
        sources=tuple((package, index) for package, index in value["sources"]),
        exclude_newer=datetime.fromisoformat(newest) if newest else None,
        override_dependencies=tuple(value["override_dependencies"]),
        constraint_dependencies=tuple(value["constraint_dependencies"]),
        find_links=tuple(value["find_links"]),
        no_index=value["no_index"],
        prerelease=value["prerelease"],
    )
