"""Makes tiny real wheels: valid by every installer's rules unless a test asks otherwise."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_TIME = (2020, 1, 1, 0, 0, 0)


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    tag: str = "py3-none-any",
    build: str = "",
    requires: Sequence[str] = (),
    requires_python: str | None = None,
    extras: Sequence[str] = (),
    files: Mapping[str, bytes | str] | None = None,
    executables: Sequence[str] = (),
    entry_points: str | None = None,
    metadata_name: str | None = None,
    pure: bool | None = None,
) -> Path:
    """A wheel in `folder`. Without `files` it holds one module that knows its own version."""
    stem = name.replace("-", "_").replace(".", "_")
    module = stem.lower()
    contents: dict[str, bytes] = {
        path: text.encode() if isinstance(text, str) else text
        for path, text in (
            files if files is not None else {f"{module}.py": f"version = {version!r}\n"}
        ).items()
    }
    dist_info = f"{stem}-{version}.dist-info"
    metadata = ["Metadata-Version: 2.3", f"Name: {metadata_name or name}", f"Version: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    metadata += [f"Provides-Extra: {extra}" for extra in extras]
    if requires_python:
        metadata.append(f"Requires-Python: {requires_python}")
    root_is_pure = pure if pure is not None else tag.endswith("-none-any")
    tags = [f"Tag: {one}" for one in _expand(tag)]
    contents[f"{dist_info}/METADATA"] = ("\n".join(metadata) + "\n").encode()
    contents[f"{dist_info}/WHEEL"] = "\n".join(
        [
            "Wheel-Version: 1.0",
            "Generator: tests",
            f"Root-Is-Purelib: {str(root_is_pure).lower()}",
            *tags,
            *([f"Build: {build}"] if build else []),
            "",
        ]
    ).encode()
    if entry_points is not None:
        contents[f"{dist_info}/entry_points.txt"] = entry_points.encode()
    record = "".join(f"{path},{_digest(data)},{len(data)}\n" for path, data in contents.items())
    contents[f"{dist_info}/RECORD"] = f"{record}{dist_info}/RECORD,,\n".encode()

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "-".join(part for part in (stem, version, build, tag) if part)
    path = path.with_name(path.name + ".whl")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in contents.items():
            info = zipfile.ZipInfo(member, _TIME)
            info.external_attr = (0o100755 if member in executables else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return path


def _digest(data: bytes) -> str:
    encoded = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={encoded}"


def _expand(tag: str) -> list[str]:
    interpreters, abis, platforms = tag.split("-")
    return [
        f"{interpreter}-{abi}-{platform}"
        for interpreter in interpreters.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
    ]
