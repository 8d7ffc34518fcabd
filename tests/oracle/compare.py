"""Whether two folders hold the same results, byte for byte but for what is history or place."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.oracle.damage import STRAY
from venvstacks_dag.digest import sha256_bytes, sha256_file

# What holds the folder's own path. It is compared with that taken out.
_LOCAL = ("pyvenv.cfg", "sitecustomize.py")
_NUMBER = re.compile(r"(-(?:linux|macosx|win)_\w+?)-[0-9]+(\.(?:tar|zip))")


def difference(
    one: Mapping[str, Any], other: Mapping[str, Any], *, names: tuple[str, str]
) -> list[str]:
    """One line for each entry that is not the same in both."""
    lines = []
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            found = [each.get(key, "nothing") for each in (one, other)]
            lines.append(f"{key}: {names[0]} has {found[0]}, {names[1]} has {found[1]}")
    return lines


def trees(folder: Path, layers: Iterable[str]) -> dict[str, tuple[str, int, str]]:
    """All that is in the environments of these layers: kind, mode, and content or target."""
    found: dict[str, tuple[str, int, str]] = {}
    build = folder / "_build"
    for layer in layers:
        for path in sorted((build / layer).rglob("*")):
            if "__pycache__" in path.parts or path.name == STRAY:
                continue
            name = path.relative_to(build).as_posix()
            if path.is_symlink():
                found[name] = ("link", 0, str(path.readlink()))
            elif path.is_file():
                executable = path.stat().st_mode & 0o100
                found[name] = ("file", executable, _content(path, folder))
    return found


def _content(path: Path, folder: Path) -> str:
    if path.name in _LOCAL:
        return sha256_bytes(path.read_bytes().replace(os.fsencode(folder), b"FOLDER"))
    return sha256_file(path)


def output(folder: Path, layers: Iterable[str], tag: str) -> dict[str, Any]:
    """The archives and all that describes them.

    How often an archive was made anew is history: it is counted in manifests and, where names
    are tagged, in names; two builds of the same are only compared but for that.
    """
    place = folder / "_artifacts"
    about = place / "__venvstacks__"
    found: dict[str, Any] = {}
    for layer in layers:
        manifest = json.loads((about / "env_metadata" / f"{layer}{tag}.json").read_bytes())
        archive = place / manifest["archive_name"]
        found[f"archive of {layer}"] = sha256_file(archive) if archive.is_file() else "missing"
        found[f"manifest of {layer}"] = _timeless(manifest)
        bill = (about / "sbom" / f"{layer}{tag}.cdx.json").read_text("utf-8")
        found[f"bill of {layer}"] = _NUMBER.sub(r"\1-N\2", bill)
    for extension in ("json", "cdx.json", "intoto.json"):
        text = (about / f"venvstacks{tag}.{extension}").read_text("utf-8")
        found[f"venvstacks.{extension}"] = _timeless(json.loads(text))
    return found


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        kept = (pair for pair in value.items() if pair[0] != "archive_build")
        return {_timeless(key): _timeless(each) for key, each in kept}
    if isinstance(value, list):
        return [_timeless(each) for each in value]
    return _NUMBER.sub(r"\1-N\2", value) if isinstance(value, str) else value


def names(folder: Path) -> set[str]:
    """All that lies in the build folder and the output folder, but for what trees hold.

    Names of archives are without the count of their builds.
    """
    build, output = folder / "_build", folder / "_artifacts"
    places = [build, build / ".state" / "layers", output]
    found = [path for place in places if place.is_dir() for path in place.iterdir()]
    found += [path for path in (output / "__venvstacks__").rglob("*") if path.is_file()]
    return {_NUMBER.sub(r"\1-N\2", path.relative_to(folder).as_posix()) for path in found}


def leftovers(folder: Path) -> list[str]:
    """What killed builds leave behind and later ones sweep away."""
    prefixes = (".staging-", ".trash-", ".partial-")
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.name.startswith(prefixes)
    ]
