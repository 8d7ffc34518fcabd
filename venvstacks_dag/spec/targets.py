"""What a layer is built for: platforms, their floors, and a runtime's Python."""

from __future__ import annotations

import re
from collections.abc import Mapping

from venvstacks_dag.platforms import PLATFORM_NAMES, parse_linux_target, parse_macosx_target
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.model import LayerSpec
from venvstacks_dag.spec.wording import listed, nearest, quoted

MACOSX_VARIABLE = "MACOSX_DEPLOYMENT_TARGET"
_DEFAULTS = LayerSpec(kind="runtimes", name="", env_name="", key="")
_IMPLEMENTATION = re.compile(
    r"cpython@host\Z|(?:cpython|pypy)@3\.(?:0|[1-9]\d?)(?:\.(?:0|[1-9]\d?))?\Z", re.ASCII
)
_OTHER_PLATFORM = re.compile(
    r"(?:(?P<linux>(?:many)?linux)|(?P<mac>mac(?:osx?)?|osx|darwin)|win(?:dows|32|64)?)"
    r"[\W_]*(?:(?P<arm>arm64|aarch64)|x86[\W_]?64|x64|amd64)\Z"
)
_IMPLEMENTATION_SHAPES = (
    "write 'cpython@X.Y.Z', 'cpython@X.Y' (the newest of these), 'pypy@X.Y.Z' or 'cpython@host'"
)


def read_platforms(table: Table) -> tuple[str, ...] | None:
    """The platforms that a layer names; None where it names none, () where it is switched off."""
    if "platforms" not in table:
        return None
    platforms: list[str] = []
    for index, name in table.items("platforms"):
        if name not in PLATFORM_NAMES:
            near = _other_spelling(name)
            fix = (
                f"did you mean {quoted(near)}?" if near else f"platforms: {listed(PLATFORM_NAMES)}"
            )
            table.problem(("platforms", index), f"unknown platform {quoted(name)}", fix=fix)
        elif name in platforms:
            table.problem(("platforms", index), f"the platform {quoted(name)} is listed twice")
        else:
            platforms.append(name)
    return tuple(platforms)


def _other_spelling(name: str) -> str | None:
    """The platform that other tools call `name`: ``macos-arm64``, ``linux_amd64``, ..."""
    match = _OTHER_PLATFORM.match(name.lower())
    if match is None:
        return nearest(name, PLATFORM_NAMES)
    is_arm = match["arm"] is not None
    if match["linux"]:
        return "linux_aarch64" if is_arm else "linux_x86_64"
    if match["mac"]:
        return "macosx_arm64" if is_arm else "macosx_x86_64"
    return "win_arm64" if is_arm else "win_amd64"


def read_linux_target(table: Table) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """The oldest glibc, and the oldest musl where that is meant, that a layer has to run on."""
    text = table.text("linux_target")
    if text is None:
        return _DEFAULTS.glibc, None
    try:
        libc, version = parse_linux_target(text)
    except ValueError as error:
        table.problem("linux_target", str(error))
        return _DEFAULTS.glibc, None
    # PEP 600 and PEP 656 name no tags for any other.
    major = {"glibc": 2, "musl": 1}[libc]
    if version[0] != major:
        message = f"there are no wheels for {libc} {version[0]}, only for {libc} {major}"
        table.problem("linux_target", message)
    return (version, None) if libc == "glibc" else (_DEFAULTS.glibc, version)


def read_macosx_target(table: Table, default: tuple[int, int]) -> tuple[int, int]:
    """The oldest macOS that a layer has to run on, as (major, minor)."""
    text = table.text("macosx_target")
    return default if text is None else _macos(table, "macosx_target", text)


def default_macosx_target(environ: Mapping[str, str], problems: Table) -> tuple[int, int]:
    """The oldest macOS for layers that name none: the environment's, else 13.0."""
    text = environ.get(MACOSX_VARIABLE)
    return _macos(problems, MACOSX_VARIABLE, text) if text else _DEFAULTS.macos


def _macos(table: Table, key: str, text: str) -> tuple[int, int]:
    try:
        version = parse_macosx_target(text)
    except ValueError as error:
        table.problem(key, str(error))
        return _DEFAULTS.macos
    if version < (10, 0):
        table.problem(key, f"there is no macOS {text}", fix="write a version such as '13.0'")
    return version


def read_python_implementation(table: Table) -> str | None:
    """The Python of a runtime, also under the field's older name."""
    key = "python_implementation"
    old = "fully_versioned_name"
    if old in table:
        if key in table:
            table.problem(old, f"{old} is the old name of {key}, which is given, too")
        else:
            table.warn(old, "this field is deprecated", fix=f"rename it to {key}")
            key = old
    text = table.required_text(key, fix=f'write {key} = "cpython@3.12.7"')
    if text is not None and not _IMPLEMENTATION.match(text):
        near = next(
            (near for near in (text.lower(), f"cpython@{text}") if _IMPLEMENTATION.match(near)),
            None,
        )
        fix = f"did you mean {quoted(near)}?" if near else _IMPLEMENTATION_SHAPES
        table.problem(key, f"unknown Python {quoted(text)}", fix=fix)
    return text
