"""The decision what linking makes in a layer: a pure function of what was read."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from venvstacks_dag._injected import postinstall
from venvstacks_dag.digest import pretty_json
from venvstacks_dag.errors import LinkError
from venvstacks_dag.fs import TreeEntry, TreeManifest, file_list
from venvstacks_dag.link.clashes import check_needs, clashes_below, hidden_copies
from venvstacks_dag.link.config import layer_config
from venvstacks_dag.link.conflicts import (
    check_modules,
    check_places,
    launch_warning,
    module_warnings,
    place_warnings,
)
from venvstacks_dag.link.facts import FactsByDigest
from venvstacks_dag.link.interpreter import interpreter_entries
from venvstacks_dag.link.libraries import binaries_of
from venvstacks_dag.link.model import (
    LinkModules,
    LinkPlan,
    LinkRequest,
    PlannedEntry,
    planned_bytes,
    planned_link,
)
from venvstacks_dag.link.modules import Module
from venvstacks_dag.link.offers import LibraryLink, library_links
from venvstacks_dag.platforms.layout import LAYER_CONFIG, LINKED_FILES, POSTINSTALL


def plan_links(
    request: LinkRequest, facts: FactsByDigest, modules: LinkModules, *, tree: PurePath
) -> LinkPlan:
    """What linking makes of the layer in the absolute folder `tree`, links in it followed.

    `facts` has all of `possible_binaries` that packages brought; `modules` are those that
    `request` names. Nothing of it is read or written here. Raises `LinkError`.
    """
    check_modules(request, modules.all)
    target = request.layout.target
    binaries = binaries_of(request.installed, facts, target)
    clashes = clashes_below((lower.env_name, lower.offers) for lower in request.below)
    links = [entry for entry in request.installed.entries if entry.kind == "link"]
    check_needs(request.env_name, binaries, links, clashes, target)
    libraries, offers = library_links(binaries, request.dynlib_exclude, request.layout)
    entries = list(_entries(request, libraries, modules, tree))
    entries.append(_shipped_files(entries))
    entries.sort(key=lambda planned: planned.entry.path)
    check_places(request, entries)
    warnings = list(module_warnings(request, modules.all))
    if modules.launch and (warning := launch_warning(request, modules.launch)):
        warnings.append(warning)
    warnings += place_warnings(request, tree.parent)
    offered = ((lower.env_name, lower.library_digests) for lower in request.below)
    warnings += hidden_copies(request.env_name, binaries, links, offered)
    return LinkPlan(entries=tuple(entries), warnings=tuple(warnings), offers=offers)


def _entries(
    request: LinkRequest,
    libraries: tuple[LibraryLink, ...],
    modules: LinkModules,
    tree: PurePath,
) -> Iterator[PlannedEntry]:
    launch = modules.launch.name if modules.launch else None
    shipped = layer_config(request, launch_module=launch, deployed=True)
    # What is shipped must be good where it is deployed, too; so both are resolved.
    _resolve(request, tree.parent / request.install_target, shipped)
    yield planned_bytes(str(LAYER_CONFIG), pretty_json(shipped))
    yield planned_bytes(str(POSTINSTALL), postinstall_script())
    if request.runs_here:
        yield from _local_files(request, tree)
    yield from interpreter_entries(request, tree.parent)
    yield from _library_links(request, libraries)
    for module in modules.all:
        yield from _module_files(request, module)


def _shipped_files(planned: list[PlannedEntry]) -> PlannedEntry:
    """The layer's own list of what linking makes in it, without what is made anew elsewhere."""
    shipped = TreeManifest.of(one.entry for one in planned if not one.entry.local)
    return planned_bytes(str(LINKED_FILES), file_list(shipped))


def postinstall_script() -> bytes:
    """The script that is copied into every layer."""
    return (files("venvstacks_dag") / "_injected" / "postinstall.py").read_bytes()


def _resolve(request: LinkRequest, folder: PurePath, config: dict[str, Any]) -> postinstall.Layer:
    try:
        return postinstall.resolve_layer(folder, config)
    except postinstall.LayerConfigError as error:
        raise LinkError(
            "the layer cannot be configured",
            layer=request.env_name,
            where=ascii(str(folder)),
            why=str(error),
            fix="use folder and layer names without control characters",
        ) from error


def _local_files(request: LinkRequest, tree: PurePath) -> Iterator[PlannedEntry]:
    """What postinstall makes where the layer is deployed, made for the build folder."""
    layer = _resolve(request, tree, layer_config(request, deployed=False))
    for path, content in postinstall.local_files(layer):
        relative = path.relative_to(tree).as_posix()
        yield planned_bytes(relative, content, local=True)


def _library_links(
    request: LinkRequest, libraries: tuple[LibraryLink, ...]
) -> Iterator[PlannedEntry]:
    folder = request.layout.dynlib_dir
    up = "/".join([".."] * len(folder.parts))
    for link in libraries:
        yield planned_link(str(folder / link.name), f"{up}/{link.library.path}")


def _module_files(request: LinkRequest, module: Module) -> Iterator[PlannedEntry]:
    for file in module.files:
        entry = TreeEntry(
            path=str(request.layout.site_packages / file.source.relative),
            mode=file.mode,
            size=file.size,
            sha256=file.sha256,
        )
        yield PlannedEntry(entry=entry, content=file.source.path)
