"""Why a stage has to run again, in terms of the specification. Pure.

A stage's inputs are named parts. Each stage has a table of them, in the order in which they are
told: what the user wrote comes before what follows from it. The first part that differs is the
reason; `News` lets it be told what is new in the lock of a layer below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from venvstacks_dag.tasks import part_words as words
from venvstacks_dag.tasks.part_words import Part, Teller
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stamps import Parts
from venvstacks_dag.tasks.wording import and_more, package_change, value_change

# What changed in the lock of a layer since it had a digest: versions by package, before and now.
News = Callable[[str, str], Mapping[str, Sequence[str | None]]]

_RESOLVE: Mapping[str, Teller] = {
    "requirements": partial(words.items, "requirements"),
    "exclude": partial(words.items, "exclude"),
    "overrides": partial(words.items, "overrides"),
    "python": words.python,
    "targets": words.platforms,
    "versioned": partial(words.value, "versioned"),
    "version_inputs": words.modules,
    "package_indexes": partial(words.pairs, "package_indexes."),
    "priority_indexes": partial(words.items, "priority_indexes"),
    "indexes": words.uv_options,
    "exclude_below": partial(words.items_below, "exclude"),
    "overrides_below": partial(words.items_below, "overrides"),
    "requirements_below": partial(words.items_below, "requirements"),
    "stacked_below": partial(words.items_below, "the layers below it"),
}
_LINK: Mapping[str, Teller] = {
    "launch_module": partial(words.value, "launch_module"),
    "modules": words.modules,
    "dynlib_exclude": partial(words.items, "dynlib_exclude"),
    "import_order": words.order_below,
    "install_target": partial(words.value, "its deployed name"),
    "tree": partial(words.content, "what is installed"),
    "layers_below": words.shown_below,
    "ambiguous_below": words.ambiguous,
    "folder": partial(words.sentence, "the build folder is another one"),
    "target": words.platform,
    "postinstall": partial(words.sentence, "this tool's post-installation script changed"),
}
_ARCHIVE: Mapping[str, Teller] = {
    "format": partial(words.value, "archive_format"),
    "level": partial(words.value, "the level of its archive"),
    "tagged": words.tagged,
    "install_target": partial(words.value, "its deployed name"),
    "tree": partial(words.content, "what is installed"),
    "links": partial(words.content, "what link made"),
    "time": partial(words.value, "the time of its files"),
    "compressor": partial(words.value, "the compressor"),
}
# What manifests say of a layer, be it archived or exported.
_MANIFEST: Mapping[str, Teller] = {
    "launch_module": partial(words.value, "launch_module"),
    "support_modules": partial(words.items, "support_modules"),
    "modules": words.modules,
    "exclude": partial(words.items, "excluded packages"),
    "overrides": partial(words.items, "overrides"),
    "python": words.python,
    "platform": words.platform,
    "tagged": words.tagged,
    "folder": partial(words.sentence, "the export folder is another one"),
    "install_target": partial(words.value, "its deployed name"),
    "runtime_layer": partial(words.value, "the runtime's deployed name"),
    "required_layers": partial(words.items, "required layers"),
    "tree": partial(words.content, "what is installed"),
    "links": partial(words.content, "what link made"),
    "archive": words.archive,
    "toolchain": partial(words.mapping, "what archives are made with: "),
    "lock": words.lock,
    "materials": words.materials,
}
_STACK: Mapping[str, Teller] = {
    "layers": words.manifests,
    "boms": partial(words.contents, "the bill of materials of "),
    "locks": partial(words.contents, ""),
    "tagged": words.tagged,
    "folder": partial(words.sentence, "the export folder is another one"),
}
_TELLERS: Mapping[str, Mapping[str, Teller]] = {
    "resolve": _RESOLVE,
    "fetch": {
        "wheels": partial(words.contents, "the wheel "),
        "runtimes": partial(words.contents, "the runtime for "),
    },
    "install": {
        "packages": words.packages,
        "requested": words.requested,
        "python": words.python,
        "target": words.platform,
        "runtime": partial(words.content, "the archive of its Python"),
    },
    "link": _LINK,
    "archive": _ARCHIVE,
    "build": _MANIFEST,
    "publish": _STACK,
    "export": _MANIFEST,
    "local-export": _STACK,
}


def told_parts(stage: str) -> tuple[str, ...]:
    """The parts of a stage of which it is known how to tell of them."""
    more = ("lower_locks", "lower_targets") if stage == "resolve" else ()
    return (*_TELLERS.get(stage, {}), *more)


def _no_news(layer: str, content: str) -> Mapping[str, Sequence[str | None]]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of a stage of a layer: those of its last good run, and those of now."""

    stage: str
    layer: LayerPlan
    before: Parts
    after: Parts

    def changed(self) -> list[str]:
        """The names of the parts that differ, in the order in which they are told.

        A part that is None is one that is not there.
        """
        order = ["schema", *told_parts(self.stage)]
        names = [*order, *sorted({*self.before, *self.after} - set(order))]
        return [name for name in names if self.before.get(name) != self.after.get(name)]


def reason_of(inputs: Inputs, news: News = _no_news) -> str | None:
    """Why the stage would run, in one line; None where all its inputs are the same."""
    names = inputs.changed()
    if not names:
        return None
    name = names[0]
    old, new = inputs.before.get(name), inputs.after.get(name)
    if name == "schema":
        return f"this tool's schema of {inputs.stage} changed ({old} -> {new})"
    told: str | None
    if name == "lower_locks":
        told = _lower_locks(inputs, old or [], new or [], news)
    elif name == "lower_targets":
        told = _lower_targets(inputs, old or [], new or [])
    else:
        teller = _TELLERS.get(inputs.stage, {}).get(name, _generic)
        told = teller(Part(layer=inputs.layer, name=name, old=old, new=new))
    # What differs, differs, also where no words are known for how.
    return told or f"{_label(name)} changed"


def _lower_locks(inputs: Inputs, old: list[Any], new: list[Any], news: News) -> str | None:
    """Which lower layer has another lock, and what is new in it if that is known."""
    names = [name for name, _ in old], [name for name, _ in new]
    if names[0] != names[1]:
        return words.order_below(
            Part(layer=inputs.layer, name="lower_locks", old=names[0], new=names[1])
        )
    before = dict(old)
    changed = [name for name, content in new if before[name] != content]
    for name in changed:
        packages = news(name, before[name])
        if packages:
            package, (was, now) = min(packages.items())
            told = package_change(package, was, now)
            return f"lower layer {name} {told}{and_more(len(packages) - 1)}"
    return f"lower layer {changed[0]} has another lock" if changed else None


def _lower_targets(inputs: Inputs, old: list[Any], new: list[Any]) -> str | None:
    for name, was, now in zip(inputs.layer.below, old, new, strict=False):
        told = words.platforms(Part(layer=inputs.layer, name="targets", old=was, new=now))
        if told is not None:
            return f"lower layer {name}: {told}"
    return None


def _generic(part: Part) -> str | None:
    """What is said of parts of which nothing better is known."""
    if isinstance(part.old, list) and isinstance(part.new, list):
        return words.items(_label(part.name), part)
    if isinstance(part.old, dict) and isinstance(part.new, dict):
        return words.mapping(f"{_label(part.name)}: ", part)
    return value_change(_label(part.name), part.old, part.new)


def _label(name: str) -> str:
    return name.replace("_", " ")
