"""What a layer is made of, for those who must know what they ship. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from typing import Literal

from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from venvstacks_dag.spec.kinds import LayerKind
from venvstacks_dag.standards import UNANSWERABLE, read_requirement

MaterialKind = Literal["package", "runtime", "module"]

_NO_LICENCE = ("", "unknown", "none", "n/a")
_CLASSIFIER = "License :: "
# Some projects put the whole text of their licence into the field.
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a distribution says of its licence: an SPDX expression (PEP 639), or names."""

    expression: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One part of a layer: a wheel's package, the base Python, or a module of the user's.

    ``sha256`` is that of the wheel, the runtime's archive or the module; a runtime that was packed
    from an installed Python has the digest of what was packed. ``url`` (without a login) and
    ``index`` are "" where the lock has none. ``requires`` are the normalised names of packages that
    it needs on the layer's target, without extras.
    """

    kind: MaterialKind
    name: str
    version: str = ""
    sha256: str
    filename: str = ""
    url: str = ""
    index: str = ""
    licence: Licence = Licence()
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMaterials:
    """A layer with its parts. ``below`` are the deployed names of the layers that it needs."""

    layer: str
    install_target: str
    kind: LayerKind
    platform: str
    lock_version: int
    locked_at: str
    archive_sha256: str
    below: tuple[str, ...]
    materials: tuple[Material, ...]


def read_headers(metadata: bytes) -> Message:
    """The fields of a METADATA file (core metadata)."""
    return HeaderParser().parsestr(metadata.decode("utf-8", "replace"))


def licence_of(metadata: Message) -> Licence:
    """The licence that a distribution declares: by expression, else by field or classifiers."""
    expression = _line(metadata.get("License-Expression", ""))
    if expression:
        return Licence(expression=expression)
    classified = [
        value.rpartition(" :: ")[2].strip()
        for value in metadata.get_all("Classifier", [])
        if value.startswith(_CLASSIFIER) and not value.endswith(":: OSI Approved")
    ]
    free = _line(metadata.get("License", ""))
    if free and (not classified or len(free) < _LONGEST_NAME // 4):
        return Licence(names=(free,))
    return Licence(names=tuple(dict.fromkeys(filter(None, classified))))


def _line(text: object) -> str:
    """A field's text where it is a name, "" where it says nothing or goes on for pages."""
    value = str(text).strip()
    is_name = len(value) <= _LONGEST_NAME and "\n" not in value and value.isprintable()
    return value if is_name and value.lower() not in _NO_LICENCE else ""


def required_names(metadata: Message, environment: Mapping[str, str]) -> tuple[str, ...]:
    """The normalised names of what a distribution needs where markers see `environment`."""
    names: set[str] = set()
    for text in metadata.get_all("Requires-Dist", []):
        try:
            requirement = read_requirement(str(text))
            applies = requirement.marker is None or requirement.marker.evaluate(
                {**environment, "extra": ""}
            )
        except (InvalidRequirement, InvalidMarker, *UNANSWERABLE):
            continue  # The resolver has judged these; a list of parts may do without.
        if applies:
            names.add(canonicalize_name(requirement.name))
    return tuple(sorted(names))
