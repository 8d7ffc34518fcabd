"""How the parts of stages are told of: one function for each kind of part. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.wording import (
    and_more,
    changed_names,
    content_change,
    list_change,
    mapping_change,
    package_change,
    shown,
    value_change,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a stage's inputs that differs. None stands for one that is not there."""

    layer: LayerPlan
    name: str
    old: Any
    new: Any


Teller = Callable[[Part], str | None]


def value(key: str, part: Part) -> str | None:
    """A single value."""
    return value_change(key, part.old, part.new)


def items(key: str, part: Part) -> str | None:
    """A list."""
    return list_change(key, part.old, part.new)


def pairs(key: str, part: Part) -> str | None:
    """Keys and values, as a list of pairs."""
    return mapping_change(key, dict(part.old or ()), dict(part.new or ()))


def mapping(key: str, part: Part) -> str | None:
    """Keys and values."""
    return mapping_change(key, part.old, part.new)


def content(what: str, part: Part) -> str | None:
    """Something of which there is only a digest."""
    return content_change(what, part.old, part.new)


def contents(what: str, part: Part) -> str | None:
    """Several things of which there are only digests, by name."""
    return _first_content(lambda name: f"{what}{name}", part)


def _first_content(called: Callable[[str], str], part: Part) -> str | None:
    old, new = part.old or {}, part.new or {}
    names = changed_names(old, new)
    if not names:
        return None
    first = names[0]
    told = content_change(called(first), old.get(first), new.get(first))
    return f"{told}{and_more(len(names) - 1)}"


def sentence(text: str, part: Part) -> str:
    """Where how it differs is of no interest."""
    return text


def modules(part: Part) -> str | None:
    """Launch and support modules, which are known by the names of their files or folders."""
    return _first_content(partial(_module, part.layer), part)


def _module(layer: LayerPlan, name: str) -> str:
    if layer.launch_module and PurePosixPath(layer.launch_module).name == name:
        return f"launch_module {layer.launch_module}"
    for place, path in enumerate(layer.support_modules):
        if PurePosixPath(path).name == name:
            return f"support_modules[{place}] {path}"
    return f"the module {name}"


def python(part: Part) -> str | None:
    """The exact Python: a runtime's own, or that of the runtime below."""
    layer = part.layer
    if layer.is_runtime or part.old is None or part.new is None:
        return value_change("python_implementation", part.old, part.new)
    return f"lower layer {layer.runtime} has another Python ({part.old} -> {part.new})"


def platforms(part: Part) -> str | None:
    """The platforms of a layer, with the oldest systems that it has to run on."""
    old, new = ({each["name"]: each for each in value or ()} for value in (part.old, part.new))
    for name in sorted({*old, *new}):
        if name not in old:
            return f"platforms: {name} is new"
        if name not in new:
            return f"platforms: {name} is gone"
        if old[name] != new[name]:
            return _floor(old[name], new[name])
    return "platforms: their order changed" if part.old != part.new else None


def platform(part: Part) -> str | None:
    """The platform that is built for, with its C library where that is not the usual one."""
    old, new = str(part.old).partition(" "), str(part.new).partition(" ")
    if old[0] == new[0]:
        return "linux_target names another C library"
    return "it is built for another platform"


def _floor(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    key = "macosx_target" if "macos" in new else "linux_target"
    return value_change(f"{key} of {new['name']}", _oldest(old), _oldest(new))


def _oldest(target: Mapping[str, Any]) -> str | None:
    for libc in ("glibc", "musl", "macos"):
        if libc in target:
            version = ".".join(str(number) for number in target[libc])
            return version if libc == "macos" else f"{libc}@{version}"
    return None


def uv_options(part: Part) -> str | None:
    """The options of ``[tool.uv]``."""
    old, new = part.old or {}, part.new or {}
    names = changed_names(old, new)
    if not names:
        return None
    name = names[0]
    before, after = old.get(name), new.get(name)
    told: str | None
    if name == "indexes":
        told = _indexes(before or [], after or [])
    elif name == "sources":
        told = mapping_change("[tool.uv] sources.", dict(before or ()), dict(after or ()))
    elif isinstance(before or after, list):
        told = list_change(_uv(name), before, after)
    else:
        told = value_change(_uv(name), before, after)
    return f"{told or f'{_uv(name)} changed'}{and_more(len(names) - 1)}"


def _uv(name: str) -> str:
    return f"[tool.uv] {name.replace('_', '-')}"


def _indexes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> str | None:
    before, after = ({str(each["name"] or each["url"]): each for each in x} for x in (old, new))
    names = changed_names(before, after)
    if not names:
        return "[[tool.uv.index]]: their order changed"
    what = f"[[tool.uv.index]] {shown(names[0])}"
    return content_change(what, before.get(names[0]), after.get(names[0]))


def items_below(key: str, part: Part) -> str | None:
    """Lists of layers below."""
    old, new = part.old or {}, part.new or {}
    for name in changed_names(old, new):
        told = list_change(key, old.get(name), new.get(name))
        return f"lower layer {name}: {told}"
    return None


def order_below(part: Part) -> str | None:
    """Which layers lie below, nearest first."""
    old, new = list(part.old or ()), list(part.new or ())
    added = [name for name in new if name not in old]
    gone = [name for name in old if name not in new]
    first = next(iter(added or gone), None)
    key = "runtime" if part.layer.runtime in (first, *added) else "frameworks"
    if added:
        return f"{key}: {added[0]} lies below now{and_more(len(added) + len(gone) - 1)}"
    if gone:
        return f"{key}: {gone[0]} no longer lies below{and_more(len(gone) - 1)}"
    moved = [(now, was) for was, now in zip(old, new, strict=True) if was != now]
    return f"frameworks: {moved[0][0]} comes before {moved[0][1]} now" if moved else None


def shown_below(part: Part) -> str | None:
    """What layers below show to those above."""
    old, new = part.old or {}, part.new or {}
    for name in changed_names(old, new):
        before, after = old.get(name) or {}, new.get(name) or {}
        fact = next(iter(changed_names(before, after)), "")
        if fact == "has_libraries":
            has = "has shared libraries now" if after[fact] else "has no shared libraries any more"
            return f"lower layer {name} {has}"
        if fact == "install_target":
            return f"lower layer {name} is deployed as {after.get(fact)} now"
        if fact == "python":
            versions = f"{before.get(fact)} -> {after.get(fact)}"
            return f"lower layer {name} has another Python ({versions})"
        return f"lower layer {name} has other launchers"
    return None


def ambiguous(part: Part) -> str | None:
    """Names of libraries that several layers below offer."""
    old, new = part.old or {}, part.new or {}
    for name in changed_names(old, new):
        state = "no longer" if name not in new else "now"
        return f"the library {name} is {state} ambiguous in the layers below"
    return None


def packages(part: Part) -> str | None:
    """What the lock chose: versions with digests in parentheses, by package."""
    return _lock_packages(
        *({name: text.partition(" ") for name, text in (x or {}).items()} for x in
          (part.old, part.new))
    )  # fmt: skip


def _lock_packages(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Of packages whose first value is the version."""
    names = changed_names(old, new)
    if not names:
        return None
    was, now = (x[names[0]][0] if names[0] in x else None for x in (old, new))
    told = package_change(names[0], was, now)
    if was is not None and now is not None and was != now:
        told = f"has a new version of {names[0]} ({was} -> {now})"
    return f"the lock {told}{and_more(len(names) - 1)}"


def requested(part: Part) -> str | None:
    """Which packages the requirements name."""
    old, new = part.old or [], part.new or []
    added = [name for name in new if name not in old]
    gone = [name for name in old if name not in new]
    more = and_more(len(added) + len(gone) - 1)
    if added:
        return f"requirements: {added[0]} is asked for by name now{more}"
    return f"requirements: {gone[0]} is no longer asked for by name{more}" if gone else None


def tagged(part: Part) -> str:
    """Whether names of outputs hold the platform."""
    return f"names of outputs hold the platform {'now' if part.new else 'no more'}"


def lock(part: Part) -> str | None:
    """What manifests say of a lock."""
    old, new = part.old or {}, part.new or {}
    versions = old.get("lock_version"), new.get("lock_version")
    return value_change("the lock's version", *versions) or "the lock changed"


def archive(part: Part) -> str | None:
    """What is known of an archive."""
    old, new = part.old or {}, part.new or {}
    return value_change("the archive's name", old.get("archive_name"), new.get("archive_name")) or (
        "the archive changed"
    )


def materials(part: Part) -> str | None:
    """What a bill of materials lists."""
    old, new = part.old or {}, part.new or {}
    told = _lock_packages(old.get("wheels") or {}, new.get("wheels") or {})
    return told or "what it is made of changed"


def manifests(part: Part) -> str | None:
    """The manifests of layers."""
    old, new = (
        {str(each.get("layer_name")): each for each in value or ()}
        for value in (part.old, part.new)
    )
    names = changed_names(old, new)
    if not names:
        return "the order of the layers changed"
    name = names[0]
    what = f"the manifest of {name}" if name in old and name in new else f"the layer {name}"
    return f"{content_change(what, old.get(name), new.get(name))}{and_more(len(names) - 1)}"
