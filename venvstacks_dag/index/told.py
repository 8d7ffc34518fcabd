"""Whether a wheel needs what its index said, before there was a whole wheel, that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from packaging.requirements import InvalidRequirement

from venvstacks_dag.digest import sha256_json
from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index.filenames import parse_wheel_name
from venvstacks_dag.index.listing import ListedFile, wheel_link
from venvstacks_dag.index.metadata import metadata_from_json, metadata_to_json, parse_metadata
from venvstacks_dag.standards import read_requirement
from venvstacks_dag.store import PinnedWheel, Store

METADATA_KIND = "metadata"
_REFUTED = "refuted"
_MOST_SHOWN = 5


def metadata_key(index: str, sha256: str) -> str:
    """Where a wheel's metadata are kept.

    The index is part of it: without the whole wheel, nothing proves that metadata belong to its
    digest, so that one index must not speak for another one's files.
    """
    return sha256_json([index, sha256])


def check_told(store: Store, wheel: PinnedWheel, read_metadata: Callable[[], bytes]) -> None:
    """Compare a wheel's own METADATA with what was told of it when it was locked on this machine.

    Raises `WheelRefused` where the wheel needs other packages or another Python: the lock then
    has packages that nobody needs, or lacks some. What was told no longer counts after that, so
    that locking again goes by the wheel itself.
    """
    parts = parse_wheel_name(wheel.filename)
    if wheel.index is None or parts is None:
        return
    key = metadata_key(wheel.index, wheel.sha256)
    link = wheel_link(ListedFile(wheel.filename, wheel.url or ""), parts, wheel.index)
    kept = store.cached(METADATA_KIND, key)
    told = kept and metadata_from_json(kept, link, whatever_was_promised=True)
    if not told:
        return
    own = parse_metadata(read_metadata(), link)
    said, says = _needs(told.requires_dist), _needs(own.requires_dist)
    if said == says and told.requires_python == own.requires_python:
        return
    store.keep(METADATA_KIND, key, metadata_to_json(told, _REFUTED))
    raise WheelRefused(
        f"{wheel.filename} has other requirements than its index said when it was locked",
        where=wheel.index,
        why=f"the index said {_shown(said - says, told.requires_python)}, "
        f"the wheel says {_shown(says - said, own.requires_python)}",
        fix="lock afresh (`venvstacks-dag lock`), now by what the wheel itself says; and tell "
        "those who run the index",
    )


def _needs(texts: Iterable[str]) -> set[str]:
    return set(map(_spelt, texts))


def _spelt(text: str) -> str:
    try:
        return str(read_requirement(text))
    except InvalidRequirement:
        return text


def _shown(needs: set[str], python: str | None) -> str:
    texts = sorted(needs)[:_MOST_SHOWN]
    more = ["..."] if len(needs) > _MOST_SHOWN else []
    return f"{', '.join([*texts, *more]) or 'nothing more'} (Python {python or 'any'})"
