"""Checks unpacked layers against `docs/reference/trees.md`, without running anything of them.

    assert check_stack(folder, "win_amd64", manifest) == []

Nothing of `venvstacks_dag` is used, so that a mistake there does not hide itself here.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.structure_native import native_faults
from tests.support.structure_python import python_faults
from tests.support.structure_tree import CONFIG, RULES, Tree, Violation

__all__ = ["RULES", "Tree", "Violation", "check_layer", "check_stack"]

# MAX_PATH without the NUL, what a deployment's own folder takes, and bytecode beside a source.
_WINDOWS_PATH, _ASSUMED_ROOT = 259, 64
_BYTECODE = len("__pycache__/.cpython-312c")
_REFUSED = re.compile(r'[\x00-\x1f<>:"|?*\\]|[. ]\Z')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|\Z)", re.I)


def check_layer(tree: Tree) -> list[Violation]:
    """All violations of one layer, whose peers lie beside it."""
    checks = (_kinds, _names, _case, _traces, python_faults, native_faults)
    return sorted({fault for check in checks for fault in check(tree)})


def check_stack(
    folder: Path,
    platform: str,
    manifest: Mapping[str, Any],
    *,
    finished: bool = False,
    foreign: Sequence[str] = (),
    unwanted: Sequence[str] = (),
) -> list[Violation]:
    """All violations of the layers that lie in `folder` and that `manifest` lists."""
    found: list[Violation] = []
    listed: set[str] = set()
    for kind, entries in manifest["layers"].items():
        for entry in entries:
            listed.add(entry["install_target"])
            tree = Tree(
                folder=folder / entry["install_target"],
                platform=platform,
                finished=finished,
                foreign=tuple(foreign),
                unwanted=tuple(unwanted),
                implementation=entry["python_implementation"].partition("@")[0],
            )
            found += [*check_layer(tree), *_against_manifest(tree, kind, entry)]
    # Exports have their manifests beside them.
    stray = sorted({path.name for path in folder.iterdir()} - listed - {"__venvstacks__"})
    found += [Violation(path=name, rule="manifest", detail="no layer of it") for name in stray]
    return sorted(found)


def _against_manifest(tree: Tree, kind: str, entry: Mapping[str, Any]) -> Iterator[Violation]:
    config = tree.config
    below = [
        *entry.get("required_layers", []),
        *([] if kind == "runtimes" else [entry["runtime_layer"]]),
    ]
    site = tree.site
    for what, expected, is_so in (
        ("target_platform", tree.platform, entry.get("target_platform", tree.platform)),
        ("python", entry["python_implementation"], _python(tree)),
        ("pylib_dirs", [f"../{name}/{site}" for name in below], config.get("pylib_dirs")),
        ("launch_module", entry.get("app_launch_module"), config.get("launch_module")),
        ("is a runtime", kind == "runtimes", tree.is_runtime),
        ("bound", kind == "runtimes" or tree.windows, entry["bound_to_implementation"]),
    ):
        if expected != is_so:
            yield tree.wrong(CONFIG, "manifest", f"{what}: {is_so!r} instead of {expected!r}")
    module = entry.get("app_launch_module")
    places = [f"{site}/{module}.py", f"{site}/{module}/__main__.py"]
    if module and not any(place in tree.files for place in places):
        yield tree.wrong(site, "manifest", f"no module {module}")


def _python(tree: Tree) -> str:
    return f"{tree.implementation}@{tree.config.get('py_version')}"


def _kinds(tree: Tree) -> Iterator[Violation]:
    root = tree.folder.parent
    for path, found in tree.entries.items():
        mode = stat.S_IMODE(found.st_mode)
        if path in tree.files:
            # Windows has no such modes, and a host that is one gives none.
            if os.name == "posix" and mode not in (0o644, 0o755):
                yield tree.wrong(path, "mode", f"{mode:o}")
        elif path in tree.links:
            yield from _link_faults(tree, root, path, tree.links[path])
        elif not stat.S_ISDIR(found.st_mode):
            yield tree.wrong(path, "links", "neither file, folder nor link")
        if path.endswith("/__pycache__") and not tree.finished:
            yield tree.wrong(path, "bytecode", "made at the target")


def _link_faults(tree: Tree, root: Path, path: str, target: str) -> Iterator[Violation]:
    if tree.windows:
        yield tree.wrong(path, "links", "Windows' layers have none")
        return
    place = Path(os.path.normpath(tree.folder / path / ".." / target))
    if target.startswith("/") or not place.is_relative_to(root):
        yield tree.wrong(path, "links", f"leads out of the layers: {target}")
    elif not place.exists():
        yield tree.wrong(path, "links", f"leads to nothing: {target}")


def _names(tree: Tree) -> Iterator[Violation]:
    if not tree.windows:
        return
    room = _WINDOWS_PATH - _ASSUMED_ROOT
    for path in tree.entries:
        name = path.rpartition("/")[2]
        if _REFUSED.search(name) or _DEVICE.match(name):
            yield tree.wrong(path, "names", "Windows has no such name")
        whole = f"{tree.folder.name}/{path}"
        length = len(whole) + (_BYTECODE if path.endswith(".py") else 0)
        if length > room:
            yield tree.wrong(path, "length", f"{length} characters, of at most {room}")


def _case(tree: Tree) -> Iterator[Violation]:
    if not (tree.windows or tree.mac):
        return
    seen: dict[str, str] = {}
    for path in tree.entries:
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
        if seen.setdefault(folded, path) != path:
            yield tree.wrong(path, "case", f"the same as {seen[folded]}")


def _traces(tree: Tree) -> Iterator[Violation]:
    texts = [text.encode() for text in tree.unwanted]
    for path, file in tree.files.items() if texts else ():
        data = file.read_bytes()
        for text in texts:
            if text in data:
                yield tree.wrong(path, "traces", f"holds {text.decode()}")
