"""From what is known about layers to their manifests, names and build numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from venvstacks_dag.errors import PublishError
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.publish.model import (
    AppModules,
    LayerManifest,
    SupportModule,
)
from venvstacks_dag.spec.kinds import LAYER_KINDS


def layer_manifest(
    *,
    layer_name: str,
    install_target: str,
    target: TargetPlatform,
    requirements_hash: str,
    lock_version: int,
    locked_at: datetime,
    runtime_layer: str,
    python_implementation: str,
    required_layers: Sequence[str] | None = None,
    app: AppModules | None = None,
    excluded_packages: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> LayerManifest:
    """The manifest of a layer that was built for `target`, but for its archive.

    `runtime_layer` and `required_layers` are deployed names, a runtime's own and None for a
    runtime. A layer is bound to the very build of its Python where it holds files of it: a
    runtime does, and so does every layer on Windows, where the interpreter's launcher is copied.
    Raises `PublishError` where a name cannot be a file name, `ValueError` where `locked_at` does
    not know its time zone.
    """
    if locked_at.tzinfo is None:
        raise ValueError("locked_at must have a time zone")
    return LayerManifest(
        layer_name=layer_name,
        install_target=install_target,
        requirements_hash=requirements_hash,
        lock_version=lock_version,
        locked_at=locked_at.astimezone(UTC).isoformat(),
        runtime_layer=runtime_layer,
        python_implementation=python_implementation,
        bound_to_implementation=required_layers is None or target.is_windows,
        required_layers=None if required_layers is None else tuple(required_layers),
        app=app,
        excluded_packages=tuple(excluded_packages),
        overrides=tuple(overrides),
    )


def app_modules(
    launch_module: str, launch_module_hash: str, support_modules: Mapping[str, str]
) -> AppModules:
    """An application's modules from their paths in the specification.

    `support_modules` maps paths to hashes; they are listed in the order of their paths. A
    module's name is its file's without the extension, or its folder's.
    """
    return AppModules(
        launch_module=_module_name(launch_module),
        launch_module_hash=launch_module_hash,
        support_modules=tuple(
            SupportModule(name=_module_name(path), hash=support_modules[path])
            for path in sorted(support_modules)
        ),
    )


def _module_name(path: str) -> str:
    return PurePosixPath(path).stem


def archive_file_name(
    install_target: str, platform: str, archive_build: int, extension: str, *, tagged: bool
) -> str:
    """``framework-http@2.tar.zst``, or tagged ``framework-http@2-linux_x86_64-1.tar.zst``."""
    stem = f"{install_target}-{platform}-{archive_build}" if tagged else install_target
    return f"{stem}.{extension}"


def next_archive_build(
    previous: LayerManifest | None, *, lock_version: int, archive_sha256: str | None
) -> int:
    """The build number of an archive, given the manifest that was published before it.

    1 for a layer or lock version that was never published. The number stays while the bytes do,
    and goes up by one when they change although the lock version does not. None stands for
    bytes that are not known yet, but will be others.
    """
    if previous is None or previous.archive is None or previous.lock_version != lock_version:
        return 1
    changed = previous.archive.sha256 != archive_sha256
    return previous.archive.build + (1 if changed else 0)


def stack_manifest(layers: Iterable[LayerManifest]) -> dict[str, Any]:
    """The manifest of a whole stack: `layers` by category, in the order given.

    Raises `PublishError` where two layers would be deployed to one folder, or published as one.
    """
    listed: dict[str, list[dict[str, Any]]] = {kind: [] for kind in LAYER_KINDS}
    seen: set[str] = set()
    for layer in layers:
        for name in {layer.layer_name, layer.install_target}:
            if name in seen:
                raise PublishError(f"two layers of the stack have the name {name!r}")
            seen.add(name)
        listed[layer.category].append(layer.as_json())
    return {"layers": listed}
