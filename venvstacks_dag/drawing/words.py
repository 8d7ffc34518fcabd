"""Answers in words, for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from venvstacks_dag.drawing.platforms import alike
from venvstacks_dag.inventory import Answer, Duplicate, Inventory, LayerContents, LeftOut, Reasons
from venvstacks_dag.reporting.amounts import count_text, size_text
from venvstacks_dag.store import PinnedWheel


def answer_text(answer: Answer, inventory: Inventory, *, fault: str | None = None) -> str:
    """All about one package. ``fault`` is why some wheels' requirements are not known."""
    lines = [answer.name]
    for locked in answer.locked:
        for told, platforms in alike(
            {at: wheel_text(wheel) for at, wheel in locked.wheels.items()}
        ).items():
            lines.append(f"  locked in {locked.layer.name}: {told}{_on(platforms, locked.layer)}")
        lines += _because(locked.reasons, locked.layer)
    for shared in answer.shared:
        sources = {platform: each.source for platform, each in shared.packages.items()}
        for source, platforms in alike(sources).items():
            taken = f"from {source}" if source else "but no layer below has it: lock again"
            lines.append(f"  shared by {shared.layer.name}, {taken}{_on(platforms, shared.layer)}")
        lines += _because(shared.reasons, shared.layer)
    for left_out in answer.left_out:
        lines += _without(left_out)
    for name, found in answer.imports.items():
        for source, platforms in alike(found).items():
            where = _on(platforms, inventory.layers[name])
            lines.append(f"  imported by {name} from {source}{where}")
    if answer.duplicate is not None:
        lines += [f"  {line}" for line in _duplicate(answer.duplicate, inventory)]
    unknown = sorted(_unknown(answer))
    if unknown:
        lines.append(
            f"  There may be more reasons: what {', '.join(unknown)} requires is not known"
        )
        lines += [f"    ({fault})"] if fault else []
    return "\n".join([*lines, *_unlocked(inventory)]) + "\n"


def duplicates_text(found: Sequence[Duplicate], inventory: Inventory) -> str:
    """All duplicates, and what moving each to its best layer would save."""
    lines = ["No package is locked by more than one layer."]
    if found:
        cost = size_text(sum(each.largest_cost for each in found))
        lines = [f"{count_text(len(found), 'package')} locked by several layers cost up to {cost}:"]
    for duplicate in found:
        lines += ["", duplicate.name, *(f"  {line}" for line in _duplicate(duplicate, inventory))]
    return "\n".join([*lines, *_unlocked(inventory)]) + "\n"


def wheel_text(wheel: PinnedWheel) -> str:
    """A version and its size."""
    size = "size not known" if wheel.size is None else size_text(wheel.size)
    return f"{wheel.version}, {size}"


def advice(duplicate: Duplicate) -> str:
    """Where one copy would save most."""
    best = duplicate.best
    if best is None:
        return "no layer lies below two of them, so there is nothing to move"
    versions = ", in a version that fits all" if len(duplicate.versions) > 1 else ""
    saved = size_text(max(best.saving.values()))
    if best.layer in best.layers:
        others = ", ".join(layer for layer in best.layers if layer != best.layer)
        return f"let {others} take it from {best.layer}{versions}: saves {saved}"
    return f"require it in {best.layer}{versions}: saves {saved}"


def _duplicate(duplicate: Duplicate, inventory: Inventory) -> Iterator[str]:
    costs = {platform: size_text(cost) for platform, cost in duplicate.cost.items()}
    for copies, platforms in alike(
        {
            platform: tuple(f"{layer} ({wheel_text(wheel)})" for layer, wheel in found.items())
            for platform, found in duplicate.copies.items()
        }
    ).items():
        where = "" if platforms == inventory.platforms else f" on {', '.join(platforms)}"
        yield f"{len(copies)} copies{where} cost {costs[platforms[0]]}: {', '.join(copies)}"
    yield f"advice: {advice(duplicate)}"


def _without(left_out: LeftOut) -> Iterator[str]:
    layer = left_out.layer
    if not left_out.by:
        yield f"  left out of {layer.name} on purpose (its exclude says so)"
    for by, platforms in alike(left_out.by).items():
        why = "its exclude says so" if by == layer.name else f"{by} excludes it"
        yield f"  left out of {layer.name} on purpose ({why}){_on(platforms, layer)}"
    for chains, platforms in alike(
        {at: each.chains for at, each in left_out.reasons.items()}
    ).items():
        where = _on(platforms, layer)
        for chain in chains:
            yield f"    although {' > '.join(chain)} asks for it{where}"
    if left_out.reasons and not any(
        each.chains or each.unknown for each in left_out.reasons.values()
    ):
        yield "    nothing asks for it: the exclude changes nothing"


def _because(reasons: Mapping[str, Reasons], layer: LayerContents) -> Iterator[str]:
    for chains, platforms in alike({at: each.chains for at, each in reasons.items()}).items():
        where = _on(platforms, layer)
        for chain in chains:
            yield f"    because of {' > '.join(chain)}{where}"
        if not chains and not any(reasons[platform].unknown for platform in platforms):
            yield f"    because of no requirement that it has now: lock again{where}"


def _unknown(answer: Answer) -> set[str]:
    return {
        package
        for part in [
            *(each.reasons for each in answer.locked),
            *(each.reasons for each in answer.shared),
            *(each.reasons for each in answer.left_out),
        ]
        for reasons in part.values()
        for package in reasons.unknown
    }


def _unlocked(inventory: Inventory) -> Iterator[str]:
    if inventory.unlocked:
        told = ", ".join(f"{layer.name} ({layer.problem})" for layer in inventory.unlocked)
        yield f"Not counted: {told}"


def _on(platforms: Iterable[str], layer: LayerContents) -> str:
    """Which platforms are meant, unless it is all of the layer's."""
    named = tuple(platforms)
    return "" if set(named) == set(layer.platform_names) else f" (on {', '.join(named)})"
