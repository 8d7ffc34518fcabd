"""What binaries get for the names that they ask for, in words and as data. Pure.

A layer may have thousands of binaries, and these may ask for the same few names: so the words go
by name, and tell by default only what crosses layers and what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from venvstacks_dag.link.examine import Examined, Found, LayerReport, Resolved

_SCHEMA = 1
_SHOWN = 3
# What a group is headed with, and whether it is told of without being asked.
_GROUPS: dict[str, tuple[str, bool]] = {
    "missing": ("missing: no layer has it, nor does the system", True),
    "unoffered": ("a lower layer has it but does not offer it: works if loaded before", True),
    "hidden": ("a lower layer's comes before the own copy", True),
    "below": ("from lower layers", True),
    "host": ("from the system that the Python of cpython@host was packed on", False),
    "optional": ("optional and not there", False),
    "loaded": ("in the same layer, if its package loads it first", False),
    "runtime": ("from the runtime", False),
    "rpath": ("by the binary's own search path", False),
    "system": ("from the system", False),
}


def libraries_text(reports: Sequence[LayerReport], *, everything: bool = False) -> str:
    """The reports in words: with `everything`, what is found as it should be, too."""
    lines: list[str] = []
    for report in reports:
        lines += _layer(report, everything=everything)
    missing = sum(len(report.missing) for report in reports)
    if missing:
        lines.append(f"{missing:,} {'library is' if missing == 1 else 'libraries are'} missing.")
    else:
        lines.append("Nothing is missing.")
    return "\n".join(lines) + "\n"


def _layer(report: LayerReport, *, everything: bool) -> Iterator[str]:
    groups = _grouped(report)
    counts = ", ".join(
        f"{len({need.name for need, _ in found})} {kind}" for kind, found in groups.items()
    )
    number = len(report.binaries)
    binaries = f"{number:,} {'binary' if number == 1 else 'binaries'}"
    asked = f", names: {counts}" if counts else ""
    yield f"{report.layer} ({report.platform}): {binaries}{asked}"
    for kind, found in groups.items():
        title, by_default = _GROUPS[kind]
        if by_default or everything:
            yield f"  {title}"
            yield from _names(found, everything=everything)
    yield ""


def _grouped(report: LayerReport) -> dict[str, list[tuple[Resolved, Examined]]]:
    groups: dict[str, list[tuple[Resolved, Examined]]] = {kind: [] for kind in _GROUPS}
    for binary in report.binaries:
        for need in binary.needs:
            groups[_kind(need)].append((need, binary))
    return {kind: found for kind, found in groups.items() if found}


def _kind(need: Resolved) -> str:
    if need.found == "missing" and need.optional:
        return "optional"
    return "hidden" if need.hides else need.found


def _names(found: Iterable[tuple[Resolved, Examined]], *, everything: bool) -> Iterator[str]:
    """Each name once for each place that it is found at, and what asks for it."""
    askers: dict[tuple[str, str], list[str]] = {}
    for need, binary in found:
        askers.setdefault((need.name, _place(need)), []).append(_told(binary))
    for (name, place), asking in sorted(askers.items()):
        yield f"    {name}{place}"
        shown = asking if everything else asking[:_SHOWN]
        more = len(asking) - len(shown)
        yield from (f"      for {each}" for each in shown)
        if more:
            yield f"      and {more} more"


def _place(need: Resolved) -> str:
    if not need.path:
        return ""
    why = " (ambiguous)" if need.ambiguous else ""
    hidden = f", not {need.hides}" if need.hides else ""
    return f" -> {need.layer}: {need.path}{why}{hidden}"


def _told(binary: Examined) -> str:
    return f"{binary.path} ({binary.package})" if binary.package else binary.path


def libraries_json(reports: Sequence[LayerReport]) -> dict[str, Any]:
    """The reports as plain values, everything in them."""
    return {
        "schema": _SCHEMA,
        "layers": [
            {
                "layer": report.layer,
                "platform": report.platform,
                "missing": list(report.missing),
                "binaries": [
                    {
                        "path": binary.path,
                        "package": binary.package,
                        "needs": [_need_json(need) for need in binary.needs],
                    }
                    for binary in report.binaries
                ],
            }
            for report in reports
        ],
    }


def _need_json(need: Resolved) -> dict[str, Any]:
    found: Found = need.found
    return {
        "name": need.name,
        "found": found,
        "layer": need.layer or None,
        "path": need.path or None,
        "hides": need.hides or None,
        "optional": need.optional,
    }
