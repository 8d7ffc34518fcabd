"""What layers take over from the layers below them: platforms and package indexes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from venvstacks_dag.graph.model import AnyLayerSpec
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.spec.model import RuntimeSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDisagreement:
    """Two layers want one package from different indexes.

    ``first`` and ``first_index`` have precedence; ``second`` may be accepted by the override
    ``{second_index = first_index}``.
    """

    package: str
    first: str
    first_index: str
    second: str
    second_index: str


def runtime_platforms(spec: RuntimeSpec, host_platform: str) -> tuple[str, ...]:
    """What a base runtime is built for, in the order of `PLATFORM_NAMES`.

    The Python of the host can be packed for the host's own platform only.
    """
    default = (host_platform,) if spec.uses_host_python else PLATFORM_NAMES
    return in_order(default if spec.platforms is None else spec.platforms)


def shared_platforms(below: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The platforms that all layers below are built for, in the order of `PLATFORM_NAMES`."""
    return tuple(name for name in PLATFORM_NAMES if all(name in names for names in below))


def in_order(platforms: Sequence[str]) -> tuple[str, ...]:
    """`platforms` in the order of `PLATFORM_NAMES`."""
    return tuple(name for name in PLATFORM_NAMES if name in platforms)


def merge_package_indexes(
    spec: AnyLayerSpec, below: Mapping[str, Sequence[tuple[str, str]]]
) -> tuple[tuple[tuple[str, str], ...], tuple[IndexDisagreement, ...]]:
    """Each package's index, sorted by package, and where the layers do not agree on it.

    ``below`` holds the package indexes of the layers that `spec` is put on directly, by their
    environment names in order of precedence; what those inherit is in theirs. The layer's own
    word comes first of all. An override accepts that another index is used instead.
    """
    overrides = dict(spec.index_overrides)
    merged: dict[str, tuple[str, str]] = {}
    disagreements: list[IndexDisagreement] = []

    def compare(package: str, first: tuple[str, str], second: tuple[str, str]) -> None:
        if first[1] not in (second[1], overrides.get(second[1])):
            disagreements.append(
                IndexDisagreement(
                    package=package,
                    first=first[0],
                    first_index=first[1],
                    second=second[0],
                    second_index=second[1],
                )
            )

    for layer, pairs in below.items():
        for package, index in pairs:
            compare(package, merged.setdefault(package, (layer, index)), (layer, index))
    for package, index in spec.package_indexes:
        own = (spec.env_name, index)
        compare(package, own, merged.get(package, own))
        merged[package] = own
    indexes = tuple(sorted((package, index) for package, (_, index) in merged.items()))
    return indexes, tuple(disagreements)
