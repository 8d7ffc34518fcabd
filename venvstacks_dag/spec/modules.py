"""Launch and support modules: files or package folders beside the specification."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from venvstacks_dag.platforms import fold, is_windows_device
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.lines import KeyPath
from venvstacks_dag.spec.names import WINDOWS_CHARACTERS
from venvstacks_dag.spec.wording import quoted

# What file systems allow, less some room for marks of files that are being written.
MAX_MODULE_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleReference:
    """One module that an application names: its path as written, and where that is written."""

    layer: str
    path: KeyPath
    text: str
    launches: bool

    @property
    def import_name(self) -> str:
        """What the module is imported as, once it lies in site-packages."""
        return _file_name(self.text).removesuffix(".py")


def read_modules(table: Table) -> tuple[ModuleReference, ...]:
    """An application's modules, the launch module first; mistakes are noted.

    Whether the modules exist is not asked here: that takes a disk.
    """
    launch = table.required_text(
        "launch_module", fix='write launch_module = "app.py", relative to this file'
    )
    written: list[tuple[KeyPath, str]] = [] if launch is None else [(("launch_module",), launch)]
    for index, text in table.items("support_modules"):
        written.append((("support_modules", index), text))
    references = [
        ModuleReference(
            layer=table.layer or "",
            path=(*table.path, *place),
            text=text,
            launches=place == ("launch_module",),
        )
        for place, text in written
        if _is_usable(table, place, text)
    ]
    _check_clashes(table, references)
    return tuple(references)


def _is_usable(table: Table, place: KeyPath, text: str) -> bool:
    if not text.strip():
        table.problem(place, "expected the path of a module, found an empty string")
        return False
    if not text.isprintable():
        table.problem(place, f"the path {quoted(text)} holds control characters")
        return False
    name = _file_name(text)
    if name in ("", "..", ".py"):
        table.problem(place, f"the path {quoted(text)} does not name a module")
        return False
    if place == ("launch_module",) and "." in name.removesuffix(".py"):
        message = f"{quoted(name)} cannot be run with 'python -m', which takes dots for packages"
        fix = "name a file such as app.py or a folder, without further dots"
        table.problem(place, message, fix=fix)
        return False
    if fault := _name_fault(name):
        table.problem(place, f"the module {quoted(name)} {fault}", fix="rename it")
        return False
    if name.removesuffix(".py") in sys.stdlib_module_names:
        message = f"{quoted(name)} is never imported: Python's own module of that name comes first"
        table.warn(place, message, fix="rename it")
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).anchor:
        table.warn(
            place,
            f"the absolute path {quoted(text)} will not be there on other machines",
            fix="write it relative to this file",
        )
    return True


def _file_name(text: str) -> str:
    return PurePosixPath(text.replace("\\", "/")).name


def _name_fault(name: str) -> str | None:
    """Why a module of this name cannot lie in a layer, whatever file system the layer is on."""
    if len(name.encode("utf-8", "surrogatepass")) > MAX_MODULE_BYTES:
        return f"has a name of more than {MAX_MODULE_BYTES} bytes"
    if is_windows_device(name) or any(character in name for character in WINDOWS_CHARACTERS):
        return "has a name that Windows does not allow"
    if name.endswith((".", " ")):
        return "has a name that ends with a dot or a space, which Windows drops"
    if fold(name.removesuffix(".py")) == "sitecustomize":
        return "would replace the layer's own, which finds the layers below"
    return None


def _check_clashes(table: Table, references: Iterable[ModuleReference]) -> None:
    """All modules lie in one folder, which may not tell upper case from lower case."""
    users: dict[str, ModuleReference] = {}
    for reference in references:
        other = users.setdefault(fold(reference.import_name), reference)
        if other is not reference:
            message = f"{quoted(reference.text)} and {quoted(other.text)} would be one module"
            table.problem(reference.path[len(table.path) :], message, fix="rename one of them")
