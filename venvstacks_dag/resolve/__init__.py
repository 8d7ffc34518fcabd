"""Locks: resolution per target, merged into one pylock.toml per layer."""

from typing import TYPE_CHECKING

from venvstacks_dag.lazy import lazy_exports

if TYPE_CHECKING:
    from venvstacks_dag.resolve.amendments import names_that_hold
    from venvstacks_dag.resolve.file_names import (
        lock_file_name,
        metadata_file_name,
        packages_file_name,
    )
    from venvstacks_dag.resolve.lock import lock_layer
    from venvstacks_dag.resolve.lockfile import parse_lock, render_lock
    from venvstacks_dag.resolve.metadata import (
        LockMetadata,
        hash_strings,
        lock_input_hash,
        next_metadata,
        other_input_lines,
        packages_text,
        parse_metadata,
        render_metadata,
        requirements_hash,
        version_input_lines,
    )
    from venvstacks_dag.resolve.model import LayerLock, LockRequest, LowerLayer
    from venvstacks_dag.resolve.packages import own_packages, shared_packages
    from venvstacks_dag.resolve.pinned import pinned_wheels
    from venvstacks_dag.resolve.request import request_digest

__all__ = [
    "LayerLock",
    "LockMetadata",
    "LockRequest",
    "LowerLayer",
    "hash_strings",
    "lock_file_name",
    "lock_input_hash",
    "lock_layer",
    "metadata_file_name",
    "names_that_hold",
    "next_metadata",
    "other_input_lines",
    "own_packages",
    "packages_file_name",
    "packages_text",
    "parse_lock",
    "parse_metadata",
    "pinned_wheels",
    "render_lock",
    "render_metadata",
    "request_digest",
    "requirements_hash",
    "shared_packages",
    "version_input_lines",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "amendments": ("names_that_hold",),
        "file_names": ("lock_file_name", "metadata_file_name", "packages_file_name"),
        "lock": ("lock_layer",),
        "lockfile": ("parse_lock", "render_lock"),
        "metadata": (
            "LockMetadata",
            "hash_strings",
            "lock_input_hash",
            "next_metadata",
            "other_input_lines",
            "packages_text",
            "parse_metadata",
            "render_metadata",
            "requirements_hash",
            "version_input_lines",
        ),
        "model": ("LayerLock", "LockRequest", "LowerLayer"),
        "packages": ("own_packages", "shared_packages"),
        "pinned": ("pinned_wheels",),
        "request": ("request_digest",),
    },
)
