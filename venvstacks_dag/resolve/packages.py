"""The packages of a lock: which are the layer's own, which are shared, and where they count."""

from __future__ import annotations

from collections.abc import Mapping

from packaging.markers import InvalidMarker, Marker
from packaging.pylock import Package

from venvstacks_dag.resolve.model import SHARED_CLAUSE, LayerLock
from venvstacks_dag.standards import read_marker

SHARED_VALUE = "from_lower_layer"
_SHARED_SUFFIX = f" and {SHARED_CLAUSE}"


def own_packages(lock: LayerLock) -> tuple[Package, ...]:
    """The packages that the layer installs itself, on at least one of its targets."""
    return tuple(package for package in lock.pylock.packages if not is_shared(package))


def shared_packages(lock: LayerLock) -> tuple[Package, ...]:
    """The packages that the layer needs and that layers below provide."""
    return tuple(package for package in lock.pylock.packages if is_shared(package))


def is_shared(package: Package) -> bool:
    """Whether a layer below provides the package."""
    return package.marker is not None and SHARED_VALUE in str(package.marker)


def marker_holds(package: Package, environment: Mapping[str, str]) -> bool:
    """Whether a package is installed in a marker environment (never, where it is shared)."""
    return package.marker is None or evaluate_in_lock(package.marker, environment)


def evaluate_in_lock(marker: Marker, environment: Mapping[str, str]) -> bool:
    """A marker's answer as PEP 751 has it, with no extras and no dependency groups chosen.

    Raises `packaging.markers.UndefinedComparison` where the marker compares nonsense.
    """
    nothing: frozenset[str] = frozenset()
    in_lock: dict[str, str | frozenset[str]] = {
        **environment,
        "extras": nothing,
        "dependency_groups": nothing,
    }
    return marker.evaluate(in_lock, context="lock_file")


def marker_text(marker: Marker) -> str:
    """A marker as locks spell it: in single quotes, so that TOML needs no escapes."""
    text = str(marker)
    return text if "'" in text else text.replace('"', "'")


def own_marker(package: Package) -> str:
    """A package's marker without the clause that says it is shared; "" where nothing is left.

    Raises `ValueError` where the clause stands in a way that venvstacks would not write.
    """
    if package.marker is None:
        return ""
    text = marker_text(package.marker)
    if not is_shared(package):
        return text
    own = _unwrap(text.removesuffix(SHARED_CLAUSE).removesuffix(" and "))
    if SHARED_VALUE in own or not _is_joined(own, text):
        raise ValueError(f"{SHARED_VALUE!r} must stand in a clause of its own, at the end")
    return own


def _is_joined(own: str, whole: str) -> bool:
    try:
        return marker_text(read_marker(shared_marker(own))) == whole
    except InvalidMarker:
        return False


def shared_marker(own: str) -> str:
    """The marker, exactly as venvstacks spells it, of a package that a lower layer provides."""
    return f"({own}){_SHARED_SUFFIX}" if own else SHARED_CLAUSE


def _unwrap(text: str) -> str:
    """`text` without the one pair of parentheses that holds all of it."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1]
