"""Images made by hand, for tests of what is built from them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from venvstacks_dag.store import Image, ImageContent, ImageEntry, ImageScheme, Store


def make_image(
    store: Store,
    name: str,
    files: Mapping[tuple[ImageScheme, str], bytes],
    *,
    version: str = "1.0",
    programs: tuple[str, ...] = (),
    links: Mapping[str, str] | None = None,
    root_is_purelib: bool = True,
) -> Image:
    """An image of `files` (by scheme and path); `links` are in the scheme "root"."""
    spelt = name.replace("-", "_")
    properties = {
        "dist_info": f"{spelt}-{version}.dist-info",
        "name": name,
        "root_is_purelib": str(root_is_purelib).lower(),
        "version": version,
    }

    def fill(folder: Path) -> ImageContent:
        entries = []
        for (scheme, path), data in files.items():
            place = folder / scheme / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            entries.append(
                ImageEntry(
                    scheme=scheme,
                    path=path,
                    mode=0o755 if path in programs else 0o644,
                    size=len(data),
                    sha256=hashlib.sha256(data).hexdigest(),
                )
            )
        for path, target in (links or {}).items():
            entries.append(ImageEntry(scheme="root", path=path, kind="link", target=target))
        return ImageContent(entries=tuple(entries), properties=tuple(properties.items()))

    key = repr((name, version, sorted(files.items()), programs, links, root_is_purelib))
    return store.make_image(hashlib.sha256(key.encode()).hexdigest(), fill)


def make_distribution(
    store: Store, name: str, files: Mapping[str, bytes] | None = None, *, version: str = "1.0"
) -> Image:
    """An image as of a pure wheel: `files` of its root, and its metadata."""
    spelt = name.replace("-", "_")
    root = files if files is not None else {f"{spelt}.py": name.encode()}
    info = f"{spelt}-{version}.dist-info"
    contents: dict[tuple[ImageScheme, str], bytes] = {
        ("purelib", path): data for path, data in root.items()
    }
    contents["purelib", f"{info}/METADATA"] = f"Name: {name}\nVersion: {version}\n".encode()
    contents["purelib", f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
    return make_image(store, name, contents, version=version)
