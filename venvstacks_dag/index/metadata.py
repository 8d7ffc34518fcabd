"""Core metadata: read from METADATA, kept as compact JSON. Pure."""

from __future__ import annotations

from packaging.metadata import RawMetadata, parse_email
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvstacks_dag.digest import canonical_json, parse_json
from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index.model import CoreMetadata, WheelLink
from venvstacks_dag.standards import ENDLESS_NUMBER, has_endless_number

# Raise this when metadata kept before would no longer be read the same way.
_SCHEMA = 2
# The fields that decide what is installed. Junk in any other one does no harm.
_DECISIVE = ("name", "version", "requires-dist", "requires-python", "provides-extra")

# In bytes. Descriptions of some hundred thousand are the longest there are.
LONGEST_METADATA = 4 << 20


def parse_metadata(data: bytes, wheel: WheelLink) -> CoreMetadata:
    """What METADATA says, where it agrees with the file name of `wheel`.

    Raises `WheelRefused` where it does not, or where a field that matters cannot be read.
    """
    if len(data) > LONGEST_METADATA:
        raise _refusal(wheel, f"it has more than {LONGEST_METADATA} bytes")
    raw, unread = parse_email(_headers(data))
    broken = [field for field in _DECISIVE if field in unread]
    if broken:
        raise _refusal(wheel, f"its {broken[0]} is repeated or not UTF-8")
    if endless := next((field for field in _DECISIVE if _is_endless(raw, field)), None):
        raise _refusal(wheel, f"its {endless} has {ENDLESS_NUMBER}")
    name, version = _identity(raw, wheel)
    if canonicalize_name(name) != wheel.name or version != wheel.version:
        raise _refusal(wheel, f"it says that it is {name!r}, version {str(version)!r}")
    return CoreMetadata(
        name=wheel.name,
        version=wheel.version,
        requires_dist=tuple(raw.get("requires_dist", ())),
        requires_python=raw.get("requires_python") or None,
        extras=frozenset(canonicalize_name(extra) for extra in raw.get("provides_extra", ())),
    )


def metadata_to_json(metadata: CoreMetadata, promised: str | None) -> bytes:
    """The bytes that `metadata_from_json` reads; `promised` is the link's `metadata_sha256`."""
    extras = sorted(metadata.extras)
    rest = [metadata.requires_dist, metadata.requires_python, extras]
    return canonical_json([_SCHEMA, promised, *rest])


def metadata_from_json(
    data: bytes, wheel: WheelLink, *, whatever_was_promised: bool = False
) -> CoreMetadata | None:
    """The metadata of `wheel` that `metadata_to_json` wrote, or None for other bytes.

    They do not count where the index promises another METADATA file by now, or one without a
    digest: nobody could tell a damaged answer.
    """
    try:
        schema, promised, requires_dist, requires_python, extras = parse_json(data)
        good = promised != "" and promised == wheel.metadata_sha256
        if schema != _SCHEMA or not (good or whatever_was_promised):
            return None
        return CoreMetadata(
            name=wheel.name,
            version=wheel.version,
            requires_dist=tuple(requires_dist),
            requires_python=requires_python,
            extras=frozenset(extras),
        )
    except (ValueError, TypeError):
        return None


def _headers(data: bytes) -> bytes:
    """Everything before the description, which may be long and plays no part."""
    data = data.replace(b"\r\n", b"\n")
    return data.partition(b"\n\n")[0]


def _is_endless(raw: RawMetadata, field: str) -> bool:
    value = dict(raw).get(field.replace("-", "_"))
    texts = value if isinstance(value, list) else [value]
    return any(isinstance(text, str) and has_endless_number(text) for text in texts)


def _identity(raw: RawMetadata, wheel: WheelLink) -> tuple[str, Version]:
    name, version = raw.get("name"), raw.get("version")
    if not name or not version:
        raise _refusal(wheel, "it has no name or no version")
    try:
        return name, Version(version)
    except InvalidVersion:
        raise _refusal(wheel, f"its version {version!r} is none (PEP 440)") from None


def _refusal(wheel: WheelLink, why: str) -> WheelRefused:
    return WheelRefused(
        f"the METADATA of {wheel.filename} cannot be used",
        where=wheel.index,
        why=why,
        fix=f"exclude this version of {wheel.name}, or tell those who publish it",
    )
