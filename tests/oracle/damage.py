"""What happens to results and locks: losses, edits, copies. Each tells which tasks it concerns."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.oracle.world import World
from tests.support.oracle_model import PUBLISH, Memory, layers_of, remembered_as

STRAY = "stray.txt"


def apply_damage(world: World, memory: Memory, layer: str, how: str) -> None:
    """Damage something of a layer, if it is there, and have the memory know of it."""
    if how.startswith("stamp-"):
        _lose_stamp(world, memory, layer, how.removeprefix("stamp-"))
        return
    damage, stage = _DAMAGES[how]
    touched = damage(world, layer)
    if stage is None or not touched:
        return
    task = stage if stage == PUBLISH else f"{stage}:{layer}"
    memory.damaged.add(remembered_as(task, tagged=world.edited.options.tagged))


def _lose_stamp(world: World, memory: Memory, layer: str, stage: str) -> None:
    edited = stage == "edit"
    task = PUBLISH if stage == "publish" else f"{'link' if edited else stage}:{layer}"
    path = world.stamp(task)
    if path.is_file():
        if edited:
            path.write_text("{")
        else:
            path.unlink()
        memory.lost(remembered_as(task, tagged=world.edited.options.tagged))


def _rewrite(path: Path) -> bool:
    # As an editor does; in place, it would reach the store through a hard link.
    if not path.is_file():
        return False
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data + b"\n")
    return True


def _unlink(path: Path) -> bool:
    if not path.is_file() and not path.is_symlink():
        return False
    path.unlink()
    return True


def _installed(world: World, layer: str) -> Path:
    """A file that a package (or the runtime) brought."""
    found = sorted(world.tree(layer).glob("lib/python3.*/site-packages/*.dist-info/METADATA"))
    if layer == "py":
        found = sorted(world.tree(layer).glob("lib/python3.*/os.py"))
    return found[0] if found else world.tree(layer) / "none"


def _lose_package(world: World, layer: str) -> bool:
    return _unlink(_installed(world, layer))


def _edit_package(world: World, layer: str) -> bool:
    return _rewrite(_installed(world, layer))


def _write_through(world: World, layer: str) -> bool:
    """Write to a file in place, if no other layer has it by a hard link."""
    path = _installed(world, layer)
    if not path.is_file() or _elsewhere(world, path):
        return False
    path.chmod(0o644)
    with path.open("ab") as stream:
        stream.write(b"# in place\n")
    return True


def _elsewhere(world: World, path: Path) -> bool:
    status = path.stat()
    places = (world.folder / "_build").glob(f"*/{path.relative_to(world.folder / '_build').parent}")
    others = [
        other
        for tree in (world.folder / "_build").iterdir()
        for other in tree.rglob(path.name)
        if other != path and not tree.is_symlink()
    ]
    return any(os.path.samestat(other.stat(), status) for other in (*others, *places))


def _add_file(world: World, layer: str) -> bool:
    if world.tree(layer).is_dir():
        (world.tree(layer) / STRAY).write_text("nobody made this\n")
    return False


def _add_bytecode(world: World, layer: str) -> bool:
    for site in world.tree(layer).glob("lib/python3.*/site-packages"):
        (site / "__pycache__").mkdir(exist_ok=True)
        (site / "__pycache__" / "base.cpython-311.pyc").write_bytes(b"code")
    return False


def _lose_tree(world: World, layer: str) -> bool:
    if not world.tree(layer).is_dir():
        return False
    shutil.rmtree(world.tree(layer))
    return True


def _lose_postinstall(world: World, layer: str) -> bool:
    return _unlink(world.tree(layer) / "postinstall.py")


def _edit_config(world: World, layer: str) -> bool:
    return _rewrite(world.tree(layer) / "share" / "venv" / "metadata" / "venvstacks_layer.json")


def _edit_module(world: World, layer: str) -> bool:
    stamp = world.stamp(f"link:{layer}")
    if not stamp.is_file():
        return False
    try:
        launched = json.loads(stamp.read_text())["parts"]["launch_module"]
    except ValueError:
        return False
    name = Path(launched or "none").name
    places = world.tree(layer).glob(f"lib/python3.*/site-packages/{name}")
    return any(_rewrite(place) for place in list(places))


def _new_times(world: World, layer: str) -> bool:
    for path in world.tree(layer).rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path)
    return False


def _archive(world: World, layer: str) -> Path:
    """The archive that was made last, which the stamp names."""
    try:
        name = json.loads(world.stamp(f"archive:{layer}").read_text())["facts"]["archive_name"]
    except (OSError, ValueError):
        name = "none"
    return world.folder / "_artifacts" / str(name)


def _of_stack(world: World, extension: str) -> Path:
    name = world.manifest("venvstacks").name.replace(".json", extension)
    return world.folder / "_artifacts" / "__venvstacks__" / name


def _bom(world: World, layer: str) -> Path:
    name = world.manifest(layer).name.replace(".json", ".cdx.json")
    return world.folder / "_artifacts" / "__venvstacks__" / "sbom" / name


def _lose_state(name: str) -> Callable[[World, str], bool]:
    return lambda world, layer: _unlink(world.state / name)


def _lose_list(stage: str) -> Callable[[World, str], bool]:
    return lambda world, layer: _unlink(world.state / "layers" / layer / f"{stage}.files.json")


def _edit_plan(world: World, layer: str) -> bool:
    return _rewrite(world.state / "plan.json")


_DAMAGES: dict[str, tuple[Callable[[World, str], bool], str | None]] = {
    "package": (_lose_package, "install"),
    "package-edit": (_edit_package, "install"),
    "package-in-place": (_write_through, "install"),
    "extra-file": (_add_file, None),
    "bytecode": (_add_bytecode, None),
    "times": (_new_times, None),
    "tree": (_lose_tree, "install"),
    "interpreter": (_lose_postinstall, "link"),
    "config": (_edit_config, "link"),
    "module": (_edit_module, "link"),
    "archive": (lambda world, layer: _unlink(_archive(world, layer)), "archive"),
    "archive-edit": (lambda world, layer: _rewrite(_archive(world, layer)), "archive"),
    "manifest": (lambda world, layer: _unlink(world.manifest(layer)), "build"),
    "manifest-edit": (lambda world, layer: _rewrite(world.manifest(layer)), "build"),
    "bom": (lambda world, layer: _unlink(_bom(world, layer)), "build"),
    "stack-manifest": (lambda world, layer: _unlink(_of_stack(world, ".json")), PUBLISH),
    "provenance": (lambda world, layer: _unlink(_of_stack(world, ".intoto.json")), PUBLISH),
    "list-install": (_lose_list("install"), "install"),
    "list-link": (_lose_list("link"), "link"),
    "database": (_lose_state("doit.sqlite"), None),
    "plan": (_lose_state("plan.json"), None),
    "plan-edit": (_edit_plan, None),
}


def edit_lock(world: World, kept: list[dict[str, bytes]], layer: str, how: str, back: int) -> None:
    """Do something to a layer's lock; `kept` are the locks after earlier builds."""
    folder = world.folder / "requirements" / layer
    lock = folder / f"pylock.{layer.replace('.', '_')}.toml"
    if how == "restore":
        if kept:
            _restore(folder, layer, kept[-1 - back % len(kept)])
        return
    if not lock.is_file():
        return
    if how == "delete":
        lock.unlink()
    elif how == "comment":
        lock.write_text(f"# A word.\n{lock.read_text()}")
    elif how == "damage":
        lock.write_text("no TOML")
    elif how == "no-metadata":
        lock.with_suffix(".meta.json").unlink(missing_ok=True)
    elif how == "no-packages":
        (folder / f"packages-{layer}.txt").unlink(missing_ok=True)
    elif how == "pin":
        lock.write_text(lock.read_text().replace('version = "1.0"', 'version = "2.0"'))


def _restore(folder: Path, layer: str, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        if path.startswith(f"{layer}/"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder.parent / path).write_bytes(data)


def lock_digests(world: World) -> dict[str, str]:
    """One digest of the lock and what stands beside it, by layer."""
    import hashlib

    files = world.lock_files()
    return {
        layer: hashlib.sha256(repr(sorted(_of(files, layer))).encode()).hexdigest()
        for layer in layers_of(world.edited.spec)
    }


def _of(files: dict[str, bytes], layer: str) -> Iterator[tuple[str, bytes]]:
    stem = layer.replace(".", "_")
    names = (f"pylock.{stem}.toml", f"pylock.{stem}.meta.json", f"packages-{layer}.txt")
    return ((name, files.get(f"{layer}/{name}", b"")) for name in names)
