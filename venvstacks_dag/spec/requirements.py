"""PEP 508 requirements and markers: read once, kept as they are written."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from packaging.markers import InvalidMarker
from packaging.requirements import InvalidRequirement
from packaging.utils import InvalidName, canonicalize_name

from venvstacks_dag.net.urls import path_of_url, promised_digests
from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.wording import quoted, redacted
from venvstacks_dag.standards import read_marker, read_requirement

_HAND_IN = (
    "put the wheel into a folder, name the folder in [tool.uv] find-links, "
    "and ask for it as 'name==version'"
)
_SDIST_SUFFIXES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz", ".tar")
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+|(?:git|ssh)://|\S+\.git(?:[@#]|\Z)")
_LOOSE_VERSION = re.compile(
    r"([\w.-]+(?:\[[\w., -]*\])?)(\s*=[<>]?\s*|\s+)v?(\d[\w.*+!]*)\Z", re.ASCII
)
_OPERATORS = {"=>": ">=", "=<": "<="}
_LOCATION = re.compile(
    r"[a-z][a-z0-9+.-]*://|\.{0,2}[/\\]|.*\.(?:whl|tar\.gz|zip)\Z", re.IGNORECASE
)


def read_requirements(table: Table, key: str, *, direct: bool = False) -> tuple[str, ...]:
    """An array of PEP 508 requirements; empty where there is none.

    With `direct` they may point at wheels (``name @ https://...``), not only at indexes.
    """
    items = table.items(key)
    for index, text in items:
        fault = requirement_fault(text, direct=direct)
        if fault is not None:
            message, fix = fault
            table.problem((key, index), message, fix=fix)
    return tuple(text for _, text in items)


def requirement_fault(text: str, *, direct: bool = False) -> tuple[str, str | None] | None:
    """Why a requirement cannot be used, with advice; None where it can.

    `direct` allows addresses of wheels.
    """
    try:
        requirement = read_requirement(text)
    except InvalidRequirement as error:
        if _LOCATION.match(text.strip()) or _VCS.match(text.strip()):
            return _direct_reference(text, text.strip())
        return _syntax_fault(text, error)
    if requirement.url is None:
        return None
    if direct and _path_of(requirement.url).endswith(".whl") and not _VCS.match(requirement.url):
        return _address_fault(text, requirement.url)
    return _direct_reference(text, requirement.url)


def _address_fault(text: str, url: str) -> tuple[str, str | None] | None:
    """Why a wheel cannot be had from an address, whatever is there."""
    name = quoted(text.partition("@")[0].strip())
    try:
        parts = urlsplit(url)
        # Asking for the port has it parsed. A bad one may be a password: it is not shown.
        local, remote = parts.scheme == "file", bool(parts.hostname and parts.port != 0)
        relative = local and not path_of_url(url).is_absolute()
    except ValueError:
        return f"the address of {name} cannot be read", "escape special characters, as '/' by %2F"
    if relative:
        return f"{quoted(text)} has a relative path", f"write file:///...; or {_HAND_IN}"
    if not (local or (parts.scheme in ("https", "http") and remote)):
        return (
            f"{quoted(text)} has no address that a wheel can be fetched from",
            "write https://..., http://... or file:///... with an absolute path",
        )
    try:
        promised_digests(url)
    except ValueError as error:
        return f"the address of {name} cannot be used: {error}", None
    return None


def _syntax_fault(text: str, error: InvalidRequirement) -> tuple[str, str | None]:
    """What is wrong with a text that is no requirement: habits from elsewhere get advice."""
    if not text.strip():
        return "expected a requirement, found an empty string", "remove it"
    if text.lstrip().startswith("-"):
        advice = "write requirements here, indexes and constraints in [tool.uv]"
        return f"{quoted(text)} is an option of pip, not a requirement", advice
    fault = f"{quoted(text)} is not a requirement (PEP 508): {_reason(error)}"
    if "#" in text:
        return fault, "write comments outside of the quotes"
    near = _near_requirement(text)
    return fault, f"did you mean {quoted(near)}?" if near else None


def _near_requirement(text: str) -> str | None:
    """``numpy=1.26`` and the like, as they are written in PEP 440."""
    match = _LOOSE_VERSION.match(text.strip())
    if match is None:
        return None
    near = f"{match[1]}{_OPERATORS.get(match[2].strip(), '==')}{match[3]}"
    try:
        read_requirement(near)
    except InvalidRequirement:
        return None
    return near


def _direct_reference(text: str, location: str) -> tuple[str, str]:
    """The same answer for each kind of direct reference, with what the user has to do first."""
    if _VCS.match(location):
        return (
            f"{quoted(text)} points at a repository, but only wheels are installed",
            f"build a wheel of it; {_HAND_IN}",
        )
    if _path_of(location).endswith(_SDIST_SUFFIXES):
        return (
            f"{quoted(text)} points at a source archive, but only wheels are installed",
            f"build a wheel of it; {_HAND_IN}",
        )
    return (
        f"{quoted(text)} is a direct reference, but not one that can be used here: "
        "requirements of layers may say 'name @ address of a wheel'",
        _HAND_IN,
    )


def _path_of(location: str) -> str:
    try:
        return urlsplit(location).path.lower()
    except ValueError:  # brackets that do not hold an IPv6 address
        return location.lower()


def read_markers(table: Table, key: str) -> None:
    """Note each string of an array (or the one string) that is no environment marker."""
    value = table.values.get(key)
    items = [(0, value)] if isinstance(value, str) else table.items(key)
    for index, text in items:
        try:
            read_marker(text)
        except InvalidMarker as error:
            place = key if isinstance(value, str) else (key, index)
            message = f"{quoted(text)} is not a marker (PEP 508): {_reason(error)}"
            table.problem(place, message)


def _reason(error: Exception) -> str:
    """The first line of packaging's message; the others show the text, which is shown already."""
    return redacted(str(error).partition("\n")[0])


def package_name(text: str) -> str | None:
    """`text` as a normalised package name (PEP 503), or None where it is no package name."""
    try:
        return canonicalize_name(text, validate=True)
    except InvalidName:
        return None
