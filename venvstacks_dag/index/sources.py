"""Which indexes a layer asks, in which order, and which packages are bound to one. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from packaging.utils import NormalizedName, canonicalize_name

from venvstacks_dag.errors import IndexFault
from venvstacks_dag.index.default import default_index
from venvstacks_dag.net.urls import is_url, url_of_path, without_login
from venvstacks_dag.spec.model import IndexSettings, UvSettings

_NO_INDEX = ("UV_NO_INDEX", "PIP_NO_INDEX")
_EXTRA_INDEXES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL")
_DEFAULT_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexReference:
    """One index. ``url`` has no slash at its end and may hold a login; ``address`` never does.

    An explicit index serves only the packages that are pinned to it.
    """

    name: str | None
    url: str = field(repr=False)
    explicit: bool = False

    @property
    def address(self) -> str:
        """The index as a lock or a message may show it."""
        return without_login(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSources:
    """Where a layer's packages come from: indexes in order of preference, and places of wheels.

    ``pins`` maps packages to names of indexes; ``find_links`` are addresses (``file:`` ones for
    folders) of wheels that every package may also come from.
    """

    indexes: tuple[IndexReference, ...] = ()
    pins: tuple[tuple[NormalizedName, str], ...] = ()
    find_links: tuple[str, ...] = field(default=(), repr=False)
    no_index: bool = False

    def asked_for(self, name: NormalizedName) -> tuple[IndexReference, ...]:
        """The indexes to ask for a package, in order.

        A pinned package is asked only of its index: were another one to step in, whoever
        can publish there could supply the package.
        """
        if self.no_index:
            return ()
        pin = dict(self.pins).get(name)
        if pin is None:
            return tuple(index for index in self.indexes if not index.explicit)
        return tuple(index for index in self.indexes if index.name == pin)[:1]

    def passed_over(self, name: NormalizedName, winner: str | None) -> tuple[tuple[str, str], ...]:
        """The indexes (without login) that are not asked for a package, each with the reason.

        ``winner`` is the address of the one that has the package, None where none has.
        """
        asked = self.asked_for(name)
        addresses = [index.address for index in asked]
        asked = asked[: addresses.index(winner) + 1] if winner in addresses else asked
        pin = dict(self.pins).get(name)
        return tuple(
            (index.address, self._why_not(index, name, pin, winner))
            for index in self.indexes
            if index not in asked
        )

    def _why_not(
        self, index: IndexReference, name: NormalizedName, pin: str | None, winner: str | None
    ) -> str:
        if self.no_index:
            return "no-index is set"
        if pin is not None:
            return f"{name} is bound to {pin}"
        if index.explicit:
            return "it is explicit, so it serves only what is bound to it"
        return f"{winner} comes first and has {name}"

    def urls(self) -> tuple[str, ...]:
        """All addresses with their logins, for `NetSettings.with_logins`."""
        return (*(index.url for index in self.indexes), *self.find_links)

    def as_json(self) -> dict[str, Any]:
        """Plain values without logins, for the key of a lock: who asks plays no part."""
        return {
            "indexes": [
                {"name": index.name, "url": index.address, "explicit": index.explicit}
                for index in self.indexes
            ],
            "pins": dict(self.pins),
            "find_links": [without_login(url) for url in self.find_links],
            "no_index": self.no_index,
        }


def layer_sources(
    uv: UvSettings,
    *,
    package_indexes: Iterable[tuple[str, str]] = (),
    priority_indexes: Iterable[str] = (),
    base: PurePath,
    environ: Mapping[str, str],
    local_wheels: Iterable[PurePath] = (),
    query_default_index: bool = True,
) -> IndexSources:
    """The sources of one layer: from the specification, then the environment, the default last.

    ``package_indexes`` (package and index name) win over the sources of `uv`;
    ``priority_indexes`` come first and are not explicit here. Relative paths, wherever they
    stand, are relative to `base`. Raises `IndexFault` where a name stands for no index.
    """
    extras = _environment_indexes(environ)
    named = {index.name: index for index in (*extras, *uv.indexes) if index.name is not None}
    first = [_named(name, named, "priority_indexes") for name in priority_indexes]
    pins: dict[NormalizedName, str] = {}
    for package, index_name in (*uv.sources, *package_indexes):
        _named(index_name, named, f"the source of {package}")
        pins[canonicalize_name(package)] = index_name
    ordinary = [index for index in uv.indexes if not index.default]
    default = _default_index(uv, environ) if query_default_index else None
    references = _references(first, [*ordinary, *extras, *([default] if default else [])], base)
    return IndexSources(
        indexes=references,
        pins=tuple(sorted(pins.items())),
        find_links=_find_links(uv, environ, local_wheels, base),
        no_index=uv.no_index or any(_is_set(environ, name) for name in _NO_INDEX),
    )


def _named(name: str, named: Mapping[str, IndexSettings], where: str) -> IndexSettings:
    try:
        return named[name]
    except KeyError:
        raise IndexFault(
            f"there is no index with the name {name!r}",
            where=where,
            why=f"the names are: {', '.join(sorted(named)) or 'none'}",
            fix="add it as [[tool.uv.index]], or correct the name",
        ) from None


def _references(
    first: Iterable[IndexSettings], rest: Iterable[IndexSettings], base: PurePath
) -> tuple[IndexReference, ...]:
    """All indexes once, in order; those that come `first` are explicit no longer."""
    found: dict[str, IndexReference] = {}
    ordered = [(index, False) for index in first]
    ordered += [(index, index.explicit) for index in rest]
    for index, explicit in ordered:
        url = _address(index.url, base).rstrip("/")
        reference = IndexReference(name=index.name, url=url, explicit=explicit)
        found.setdefault(index.name or url, reference)
    return tuple(found.values())


def _environment_indexes(environ: Mapping[str, str]) -> list[IndexSettings]:
    return [
        _environment_index(word)
        for variable in _EXTRA_INDEXES
        for word in environ.get(variable, "").split()
    ]


def _environment_index(text: str) -> IndexSettings:
    """In ``UV_INDEX`` and ``UV_DEFAULT_INDEX``, an index may have a name: ``name=https://...``."""
    name, equals, url = text.partition("=")
    if equals and not is_url(name):
        return IndexSettings(name=name, url=url)
    return IndexSettings(name=None, url=text)


def _default_index(uv: UvSettings, environ: Mapping[str, str]) -> IndexSettings:
    stated = next((index for index in uv.indexes if index.default), None)
    if stated is not None:
        return stated
    variable = next((name for name in _DEFAULT_INDEXES if environ.get(name, "").strip()), None)
    if variable is not None:
        return _environment_index(environ[variable].strip())
    return IndexSettings(name=None, url=default_index(), default=True)


def _find_links(
    uv: UvSettings,
    environ: Mapping[str, str],
    local_wheels: Iterable[PurePath],
    base: PurePath,
) -> tuple[str, ...]:
    places = [
        *(str(folder) for folder in local_wheels),
        *uv.find_links,
        *environ.get("UV_FIND_LINKS", "").split(","),
        *environ.get("PIP_FIND_LINKS", "").split(),
    ]
    given = (place.strip() for place in places)
    return tuple(dict.fromkeys(_address(place, base) for place in given if place))


def _address(text: str, base: PurePath) -> str:
    """`text` as a URL: it is one already, or a path that may be relative to `base`."""
    if is_url(text):
        return text
    path = base / text
    return url_of_path(type(path)(posixpath.normpath(path.as_posix())))


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() in ("1", "true", "yes", "on", "y", "t")
