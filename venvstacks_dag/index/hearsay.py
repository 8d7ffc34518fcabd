"""What an index said of a wheel beside what the wheel says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from packaging.requirements import InvalidRequirement

from venvstacks_dag.errors import WheelRefused
from venvstacks_dag.index.filenames import parse_wheel_name
from venvstacks_dag.index.listing import ListedFile, wheel_link
from venvstacks_dag.index.metadata import metadata_from_json, metadata_to_json, parse_metadata
from venvstacks_dag.index.told import METADATA_KIND
from venvstacks_dag.standards import read_requirement
from venvstacks_dag.store import PinnedWheel, Store

_REFUTED = "refuted"
_MOST_SHOWN = 5


def compare(
    store: Store,
    wheel: PinnedWheel,
    kept: bytes,
    key: str,
    read_metadata: Callable[[PinnedWheel], bytes],
) -> None:
    """See `told.check_told`; `kept` is what is remembered of the index's words under `key`.

    Raises `WheelRefused`.
    """
    parts = parse_wheel_name(wheel.filename)
    if wheel.index is None or parts is None:
        return
    link = wheel_link(ListedFile(wheel.filename, wheel.url or ""), parts, wheel.index)
    told = metadata_from_json(kept, link, whatever_was_promised=True)
    if not told:
        return
    own = parse_metadata(read_metadata(wheel), link)
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
