"""What linking must not do: take a place, or an import name, that something else has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath, PurePosixPath

from venvstacks_dag.errors import LinkError
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.link.model import LinkRequest, PlannedEntry
from venvstacks_dag.link.modules import Module
from venvstacks_dag.platforms import fold

# Python imports these by itself when it starts, and one of them is how layers are joined.
_RESERVED = ("sitecustomize", "usercustomize")
# An extension module's name ends at its first dot: NAME.cpython-311-x86_64-linux-gnu.so.
_IMPORTABLE = (".py", ".pyc", ".so", ".pyd")


def check_places(request: LinkRequest, planned: Iterable[PlannedEntry]) -> None:
    """See that nothing planned is, lies in, or has in it, a path that install made.

    Raises `LinkError` that names both.
    """
    owners = _places(request, request.installed)
    for one in planned:
        path = PurePosixPath(one.entry.path)
        for place in (path, *path.parents):
            owner, is_folder = owners.get(_key(request, str(place)), (None, True))
            if owner is not None and (place == path or not is_folder):
                raise LinkError(
                    f"linking would write {path}, where {_maker(owner)} put {owner.path}",
                    layer=request.env_name,
                    where=str(path),
                    fix="leave the package out of the layer, or rename the module",
                )


def _places(request: LinkRequest, manifest: TreeManifest) -> dict[str, tuple[TreeEntry, bool]]:
    """Each path of `manifest` and each folder above one, with an entry there; True for folders."""
    places: dict[str, tuple[TreeEntry, bool]] = {}
    for entry in manifest.entries:
        folder = entry.path.rpartition("/")[0]
        while folder and (key := _key(request, folder)) not in places:
            places[key] = (entry, True)
            folder = folder.rpartition("/")[0]
        places[_key(request, entry.path)] = (entry, False)
    return places


def _key(request: LinkRequest, path: str) -> str:
    """Paths with one key are one path on the target's usual file systems."""
    return path if request.layout.target.system == "linux" else fold(path)


def _maker(entry: TreeEntry) -> str:
    return f"the package {entry.package}" if entry.package else "the runtime"


def check_modules(request: LinkRequest, modules: tuple[Module, ...]) -> None:
    """See that each module's name is its own among the modules and the layer's packages.

    Raises `LinkError` that names both.
    """
    taken = {
        _key(request, name): f"{entry.path} from {_maker(entry)}"
        for name, entry in _import_names(request)
    }
    taken.update((name, f"{name}, which Python imports when it starts") for name in _RESERVED)
    for module in modules:
        key = _key(request, module.name)
        if key in taken:
            raise LinkError(
                f"two modules would be imported as {module.name}",
                layer=request.env_name,
                where=str(module.path),
                why=f"the name belongs to {taken[key]}",
                fix="rename the launch or support module",
            )
        taken[key] = f"the module {module.path}"


def _import_names(request: LinkRequest) -> Iterator[tuple[str, TreeEntry]]:
    prefix = f"{request.layout.site_packages}/"
    for entry in request.installed.entries:
        if entry.path.startswith(prefix):
            first, is_folder, _ = entry.path.removeprefix(prefix).partition("/")
            if is_folder:
                yield first, entry
            elif first.endswith(_IMPORTABLE):
                yield first.partition(".")[0], entry


def module_warnings(request: LinkRequest, modules: tuple[Module, ...]) -> Iterator[str]:
    """What is odd about the modules, but may be meant."""
    runtime = request.runtime
    standard = {entry.path for entry in runtime.installed.entries} if runtime and modules else set()
    for module in modules:
        place = request.layout.stdlib_dir / module.name
        if {f"{place}.py", f"{place}/__init__.py"} & standard:
            yield (
                f"{request.env_name}: the module {module.name} cannot be imported, since Python's "
                f"own module of that name comes first ({module.path})"
            )


def place_warnings(request: LinkRequest, folder: PurePath) -> Iterator[str]:
    """A word on a `folder` of layers in which those with shared libraries below cannot run."""
    target = request.layout.target
    # What is between two of the folders in LD_LIBRARY_PATH (ld.so(8)) or DYLD_LIBRARY_PATH.
    separators = ":" if target.system == "macos" else ":;"
    found = [char for char in separators if char in str(folder)]
    # Whether there are libraries is asked last: it takes a look at all files of the layers below.
    concerned = found and request.runs_here and not target.is_windows
    if concerned and any(lower.has_libraries for lower in request.below):
        yield (
            f"{request.env_name}: the shared libraries of the layers below are not found here, "
            f"since the folder's path has {found[0]!r} in it ({folder}); elsewhere they are"
        )


def launch_warning(request: LinkRequest, launch: Module) -> str | None:
    """A word on a launch module that ``python -m`` cannot run."""
    main = f"{launch.path.name}/__main__.py"
    if launch.is_folder and all(file.source.relative != main for file in launch.files):
        return (
            f"{request.env_name}: the launch module {launch.name} has no __main__.py, "
            f"so that it cannot be run with -m ({launch.path})"
        )
    return None
