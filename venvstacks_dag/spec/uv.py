"""``[tool.uv]``, or ``venvstacks.uv.toml`` beside the specification: where packages come from.

The settings mean what they mean to uv; those that decide nothing here are warned about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.lines import KeyPath
from venvstacks_dag.spec.model import IndexSettings, UvSettings
from venvstacks_dag.spec.requirements import package_name, read_markers, read_requirements
from venvstacks_dag.spec.wording import meant, nearest, quoted

EXCLUDE_NEWER_VARIABLE = "UV_EXCLUDE_NEWER"
PRERELEASE_MODES = (
    "disallow",
    "allow",
    "if-necessary",
    "explicit",
    "if-necessary-or-explicit",
)
_SETTINGS = (
    "index",
    "sources",
    "exclude-newer",
    "override-dependencies",
    "constraint-dependencies",
    "find-links",
    "no-index",
    "prerelease",
    "environments",
)
_INDEX_FIELDS = ("name", "url", "default", "explicit", "format")
_INDEX_NAME = re.compile(r"[A-Za-z0-9._-]+\Z")
_SCHEMES = ("https", "http", "file")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
# RFC 3339, section 5.6: the offset is not optional.
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})\Z", re.ASCII
)


def read_uv(table: Table | None, environ_exclude_newer: datetime | None) -> UvSettings:
    """The settings in uv's table; the environment's exclude-newer wins over the file's."""
    if table is None:
        return UvSettings(exclude_newer=environ_exclude_newer)
    _warn_unknown(table)
    indexes = _read_indexes(table)
    if "environments" in table:
        read_markers(table, "environments")
        table.warn("environments", "not used: the layers' platforms decide what is locked for")
    exclude_newer = _read_exclude_newer(table)
    return UvSettings(
        indexes=indexes,
        sources=_read_sources(table, index_names(indexes)),
        exclude_newer=environ_exclude_newer or exclude_newer,
        override_dependencies=read_requirements(table, "override-dependencies"),
        constraint_dependencies=read_requirements(table, "constraint-dependencies"),
        find_links=table.texts("find-links"),
        no_index=table.flag("no-index"),
        prerelease=_read_prerelease(table),
    )


def index_names(indexes: Iterable[IndexSettings]) -> tuple[str, ...]:
    """The names that layers and sources may use."""
    return tuple(index.name for index in indexes if index.name is not None)


def _warn_unknown(table: Table) -> None:
    """The other settings are uv's own business: they are no mistakes, but they do nothing here."""
    for key in table.values:
        if key not in _SETTINGS:
            near = nearest(key, _SETTINGS)
            fix = f"did you mean {quoted(near)}?" if near else None
            table.warn(key, f"the uv setting {quoted(key)} has no effect here", fix=fix)


def _read_indexes(uv: Table) -> tuple[IndexSettings, ...]:
    indexes: list[IndexSettings] = []
    for table in uv.tables("index"):
        for key in table.values:
            if key not in _INDEX_FIELDS:
                table.warn(key, f"the index setting {quoted(key)} has no effect here")
        name, url = _read_index_name(table), _read_index_url(table)
        default, explicit = table.flag("default"), table.flag("explicit")
        if name is not None and name in index_names(indexes):
            table.problem("name", f"another index has the name {quoted(name)} already")
        if default and any(index.default for index in indexes):
            table.problem("default", "another index is the default one already")
        if explicit and "name" not in table:
            table.problem((), "an explicit index needs a name: it serves only what names it")
        # An index without an address is noted above, but its name is none the less known.
        indexes.append(IndexSettings(name=name, url=url or "", default=default, explicit=explicit))
    return tuple(indexes)


def _read_index_name(table: Table) -> str | None:
    name = table.text("name")
    if name is not None and not _INDEX_NAME.match(name):
        allowed = "use letters, digits, '-', '_' and '.'"
        table.problem("name", f"{quoted(name)} cannot name an index", fix=allowed)
    return name


def _read_index_url(table: Table) -> str | None:
    url = table.required_text("url")
    if url is not None:
        try:
            scheme = urlsplit(url).scheme if "://" in url else "file"
        except ValueError:
            scheme = ""
        if not url.strip() or not url.isprintable() or scheme.lower() not in _SCHEMES:
            allowed = "use an https:, http: or file: address, or the path of a folder"
            table.problem("url", f"{quoted(url)} is not the address of an index", fix=allowed)
    form = table.text("format")
    if form == "flat":
        fix = "name it in find-links instead"
        table.problem("format", "indexes in the flat format are not supported", fix=fix)
    elif form not in (None, "simple"):
        table.problem("format", f"unknown index format {quoted(form)}", fix="use 'simple'")
    return url


def _read_sources(uv: Table, indexes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    sources = uv.table("sources")
    if sources is None:
        return ()
    pairs: list[tuple[str, str]] = []
    for package in sources.values:
        table = sources.table(package)
        if table is None:
            continue
        if "index" not in table:
            fix = 'write {index = "..."}; a built wheel can be handed in through find-links'
            table.problem((), "only an index can be the source of a package", fix=fix)
            continue
        table.refuse_unknown(("index",), noun="source setting")
        index = table.text("index")
        if index is not None:
            pairs.append((package, index))
    return read_package_indexes(sources, pairs, indexes)


def read_package_indexes(
    table: Table, pairs: Iterable[tuple[str, str]], indexes: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Pairs of package and index name, packages normalised (PEP 503); mistakes are noted."""
    spellings: dict[str, str] = {}
    result: list[tuple[str, str]] = []
    for package, index in pairs:
        name = package_name(package)
        if name is None:
            table.problem(package, f"{quoted(package)} is not the name of a package")
            continue
        if name in spellings:
            other = quoted(spellings[name])
            table.problem(package, f"{quoted(package)} and {other} are the same package")
        spellings[name] = package
        check_index_name(table, package, index, indexes)
        result.append((name, index))
    return tuple(result)


def check_index_name(
    table: Table, key: str | KeyPath, index: str, indexes: tuple[str, ...]
) -> None:
    """Note an index name at `key` that no ``[[tool.uv.index]]`` has."""
    if index not in indexes:
        fix = meant(index, indexes, noun="named [[tool.uv.index]] tables")
        table.problem(key, f"there is no index named {quoted(index)}", fix=fix)


def _read_prerelease(table: Table) -> str:
    mode = table.text("prerelease")
    if mode is None:
        return UvSettings().prerelease
    if mode not in PRERELEASE_MODES:
        fix = meant(mode, PRERELEASE_MODES, noun="modes")
        table.problem("prerelease", f"unknown pre-release mode {quoted(mode)}", fix=fix)
    return mode


def _read_exclude_newer(table: Table) -> datetime | None:
    value = table.values.get("exclude-newer")
    if isinstance(value, date):  # a datetime is a date, too
        fix = "put it in quotes"
        table.problem("exclude-newer", "expected a string, found a bare date or time", fix=fix)
        return None
    text = table.text("exclude-newer")
    if text is None:
        return None
    try:
        return parse_exclude_newer(text)
    except ValueError as error:
        table.problem("exclude-newer", str(error), fix=_NEWER_FIX)
        return None


_NEWER_FIX = "write a timestamp such as '2026-01-31T00:00:00Z' or a date such as '2026-01-31'"


def exclude_newer_of(environ: Mapping[str, str], problems: Table) -> datetime | None:
    """What ``UV_EXCLUDE_NEWER`` says, if it is set."""
    text = environ.get(EXCLUDE_NEWER_VARIABLE)
    if not text:
        return None
    try:
        return parse_exclude_newer(text)
    except ValueError as error:
        problems.problem(EXCLUDE_NEWER_VARIABLE, str(error), fix=_NEWER_FIX)
        return None


def parse_exclude_newer(text: str) -> datetime:
    """An RFC 3339 timestamp in UTC; a date means the whole of that day.

    uv ends the day by the clock on the wall; here it ends in UTC, so that the same
    specification means the same everywhere. Raises `ValueError`.
    """
    try:
        if _DATE.match(text):
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return day + timedelta(days=1)
        if _TIMESTAMP.match(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{quoted(text)} is not a date that exists: {error}") from None
    raise ValueError(f"{quoted(text)} is neither an RFC 3339 timestamp nor a date")
