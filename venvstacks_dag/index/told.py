"""Whether wheels need what their index said, before there were whole wheels, that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from venvstacks_dag.digest import sha256_bytes, sha256_json
from venvstacks_dag.store import PinnedWheel, Store

METADATA_KIND = "metadata"
_AGREED = "told-agreed"


def metadata_key(index: str, sha256: str) -> str:
    """Where a wheel's metadata are kept.

    The index is part of it: without the whole wheel, nothing proves that metadata belong to its
    digest, so that one index must not speak for another one's files.
    """
    return sha256_json([index, sha256])


def check_told(
    store: Store, wheels: Iterable[PinnedWheel], read_metadata: Callable[[PinnedWheel], bytes]
) -> None:
    """Compare wheels' own METADATA with what was told of them when they were locked here.

    Raises `WheelRefused` where a wheel needs other packages or another Python: the lock then has
    packages that nobody needs, or lacks some. What was told no longer counts after that, so that
    locking again goes by the wheel itself. That all agreed is remembered for the same wheels and
    the same words: to read all METADATA takes a quarter of the time that installing takes.
    """
    told = [
        (wheel, key, kept)
        for wheel in wheels
        if wheel.index is not None
        and (kept := store.cached(METADATA_KIND, key := metadata_key(wheel.index, wheel.sha256)))
    ]
    if not told:
        return
    together = sha256_json(sorted([key, sha256_bytes(kept)] for _, key, kept in told))
    if store.cached(_AGREED, together) is not None:
        return
    from venvstacks_dag.index.hearsay import compare  # noqa: PLC0415 - reads metadata: not quick

    for wheel, key, kept in told:
        compare(store, wheel, kept, key, read_metadata)
    store.keep(_AGREED, together, b"")
