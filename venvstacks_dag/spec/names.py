"""Layer names: they name folders, archives and doit tasks, on every platform."""

from __future__ import annotations

from collections.abc import Iterator

from venvstacks_dag.platforms import fold, is_windows_device
from venvstacks_dag.spec.kinds import LayerKind
from venvstacks_dag.spec.wording import listed

ENV_PREFIXES: dict[LayerKind, str] = {
    "runtimes": "",
    "frameworks": "framework-",
    "applications": "app-",
}
# File names end at 255 bytes; platforms, versions, extensions and staging marks are added to these.
MAX_NAME_BYTES = 100
# Kept by the build and output folders for themselves.
_KEPT_NAMES = frozenset({"__venvstacks__"})
WINDOWS_CHARACTERS = '<>:"|?*'
_CHARACTERS = (
    ("/\\", "separates folders"),
    (WINDOWS_CHARACTERS, "is not allowed in file names on Windows"),
    ("=", "is not allowed in doit's task names"),
    (";$", "has a meaning of its own in the loader's search path"),
)


def env_name(kind: LayerKind, name: str) -> str:
    """The name of a layer's environment: its folder, its task, its archive."""
    return ENV_PREFIXES[kind] + name


def name_faults(kind: LayerKind, name: str) -> Iterator[tuple[str, str | None]]:
    """Each reason why a layer may not have this name, with the advice how to mend it."""
    if not name.strip():
        yield "the name is empty", None
        return
    if len(env_name(kind, name).encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        yield "the name is too long for a file name", f"use at most {MAX_NAME_BYTES} bytes"
    if not name.isprintable():
        yield "the name holds characters that do not show (control or formatting characters)", None
    for characters, reason in _CHARACTERS:
        if used := sorted(set(characters) & set(name)):
            yield f"the name holds {listed(used)}, which {reason}", None
    if name.startswith((".", "-", " ")):
        yield "the name starts with a dot, a dash or a space", None
    if name.endswith((".", " ")):
        yield "the name ends with a dot or a space, which Windows drops", None
    if kind == "runtimes":
        yield from _bare_name_faults(name)


def _bare_name_faults(name: str) -> Iterator[tuple[str, str | None]]:
    """What only a runtime's name can do, since the others have a prefix."""
    key = fold(name)
    for prefix in filter(None, ENV_PREFIXES.values()):
        if key.startswith(prefix):
            kind = "frameworks" if prefix == "framework-" else "applications"
            yield f"a runtime's name may not start with {prefix!r}, which marks {kind}", None
    if is_windows_device(name):
        yield "the name is that of a device on Windows", None
    if key in _KEPT_NAMES or key.startswith("@"):
        yield "the name is one that the build keeps for its own folders", None
