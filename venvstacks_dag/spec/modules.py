"""Launch and support modules: files or package folders beside the specification."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.lines import KeyPath
from venvstacks_dag.spec.wording import quoted


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
        return PureWindowsPath(self.text).name.removesuffix(".py")


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
    name = PureWindowsPath(text).name
    if name in ("", "..", ".py"):
        table.problem(place, f"the path {quoted(text)} does not name a module")
        return False
    if place == ("launch_module",) and "." in name.removesuffix(".py"):
        message = f"{quoted(name)} cannot be run with 'python -m', which takes dots for packages"
        fix = "name a file such as app.py or a folder, without further dots"
        table.problem(place, message, fix=fix)
        return False
    if PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
        table.warn(
            place,
            f"the absolute path {quoted(text)} will not be there on other machines",
            fix="write it relative to this file",
        )
    return True


def _check_clashes(table: Table, references: Iterable[ModuleReference]) -> None:
    """All modules lie in one folder, which may not tell upper case from lower case."""
    users: dict[str, ModuleReference] = {}
    for reference in references:
        other = users.setdefault(reference.import_name.casefold(), reference)
        if other is not reference:
            message = f"{quoted(reference.text)} and {quoted(other.text)} would be one module"
            table.problem(reference.path[len(table.path) :], message, fix="rename one of them")
