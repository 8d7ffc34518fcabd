"""The compiled plan: all that the tasks need to know of a stack, as plain JSON.

Reading the specification and the graph costs a TOML parser, packaging and networkx at every
start; a plan that is kept under the digest of what it was compiled from costs a JSON file. It
also fixes what the stages may look at: what is not in the plan cannot influence a build.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag._version import __version__
from venvstacks_dag.digest import canonical_json, parse_json, sha256_json
from venvstacks_dag.errors import UnknownLayer
from venvstacks_dag.fs import LinkMode, read_bytes, write_if_changed
from venvstacks_dag.tasks.settings import BuildSettings

if TYPE_CHECKING:
    from venvstacks_dag.spec import UvSettings

PLAN_SCHEMA = 4
# Variables that the specification's meaning depends on.
_ENVIRONMENT = ("MACOSX_DEPLOYMENT_TARGET", "UV_EXCLUDE_NEWER")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlan:
    """One layer, as the tasks see it. ``targets`` are `TargetPlatform.as_json` values.

    ``below`` names the layers below, nearest first.
    """

    name: str
    kind: str
    requirements: tuple[str, ...]
    runtime: str
    below: tuple[str, ...]
    targets: tuple[dict[str, Any], ...]
    python_implementation: str
    dynlib_exclude: tuple[str, ...] = ()
    package_indexes: tuple[tuple[str, str], ...] = ()
    priority_indexes: tuple[str, ...] = ()
    versioned: bool = False
    launch_module: str | None = None
    support_modules: tuple[str, ...] = ()

    @property
    def is_runtime(self) -> bool:
        """Whether this is a base runtime."""
        return self.kind == "runtimes"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """All layers in build order, where packages come from, and what to tell the user first."""

    layers: tuple[LayerPlan, ...]
    uv: dict[str, Any]
    runtime_archives: tuple[str, ...]
    warnings: tuple[str, ...]
    link_mode: LinkMode = "auto"

    def layer(self, name: str) -> LayerPlan:
        """The layer of that environment name. Raises `UnknownLayer`."""
        layers = {layer.name: layer for layer in self.layers}
        if name not in layers:
            near = difflib.get_close_matches(name, layers, n=1)
            raise UnknownLayer(
                f"there is no layer {name!r}",
                fix=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(layers)}",
            )
        return layers[name]

    def built_for(self, platform: str) -> tuple[LayerPlan, ...]:
        """The layers that are built for a platform, in build order."""
        return tuple(
            layer
            for layer in self.layers
            if any(target["name"] == platform for target in layer.targets)
        )


# What belongs to the stack as a whole is kept under a name that no layer can have.
STACK = LayerPlan(
    name=".stack", kind="stack", requirements=(), runtime="", below=(), targets=(),
    python_implementation="",
)  # fmt: skip


def task_name(stage: str, layer: LayerPlan) -> str:
    """How doit calls a stage of a layer."""
    return stage if layer is STACK else f"{stage}:{layer.name}"


def load_plan(settings: BuildSettings, environ: Mapping[str, str]) -> StackPlan:
    """The plan of a specification: the kept one where it still holds, else a new one.

    Raises `SpecError` with every mistake in the specification, or `DiskError`.
    """
    if not settings.spec.is_file():
        # Which says best what is wrong with the path.
        return _read_back(_compile(settings, environ))
    key = _plan_key(settings, environ)
    try:
        kept = parse_json(settings.plan.read_bytes())
        if kept["key"] == key:
            return _plan_from_json(kept["plan"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    compiled = _compile(settings, environ)
    write_if_changed(settings.plan, canonical_json({"key": key, "plan": compiled}))
    return _read_back(compiled)


def _read_back(compiled: Mapping[str, Any]) -> StackPlan:
    """The plan from its values: as it will be read next time, down to the types."""
    return _plan_from_json(parse_json(canonical_json(compiled)))


def _plan_key(settings: BuildSettings, environ: Mapping[str, str]) -> str:
    uv_file = settings.spec.with_name("venvstacks.uv.toml")
    return sha256_json(
        {
            "schema": PLAN_SCHEMA,
            "version": __version__,
            "path": str(settings.spec),
            "platform": settings.platform,
            "spec": read_bytes(settings.spec).decode("utf-8", "replace"),
            "uv": uv_file.read_text("utf-8", "replace") if uv_file.is_file() else None,
            "environ": {name: environ.get(name) for name in _ENVIRONMENT},
        }
    )


def _compile(settings: BuildSettings, environ: Mapping[str, str]) -> dict[str, Any]:
    """The plan's values, for JSON."""
    # Heavy rooms are only entered when the specification changed.
    from venvstacks_dag.graph import LayerGraph
    from venvstacks_dag.net.urls import without_login
    from venvstacks_dag.spec import load_stack

    stack = load_stack(settings.spec, environ)
    graph = LayerGraph.of(stack, settings.platform)
    layers = []
    for node in graph.nodes:
        spec = node.spec
        runtime = graph.node(node.runtime).spec
        layers.append(
            LayerPlan(
                name=node.env_name,
                kind=spec.kind,
                requirements=tuple(map(without_login, spec.requirements)),
                runtime=node.runtime,
                below=node.below,
                targets=tuple(target.as_json() for target in node.targets),
                python_implementation=runtime.python_implementation,  # type: ignore[union-attr]
                dynlib_exclude=spec.dynlib_exclude,
                package_indexes=node.package_indexes,
                priority_indexes=spec.priority_indexes,
                versioned=spec.versioned,
                launch_module=getattr(spec, "launch_module", None),
                support_modules=getattr(spec, "support_modules", ()),
            )
        )
    archives = stack.tool.runtime_archives
    plan = StackPlan(
        layers=tuple(layers),
        uv=_uv_json(stack.uv),
        runtime_archives=(archives,) if isinstance(archives, str) else archives or (),
        warnings=(*stack.warnings, *graph.warnings),
        link_mode=stack.tool.link_mode,
    )
    # Not `asdict`, which would copy each string of a thousand layers.
    return {**_values(plan), "layers": [_values(layer) for layer in plan.layers]}


def _values(plan: StackPlan | LayerPlan) -> dict[str, Any]:
    return {field.name: getattr(plan, field.name) for field in fields(plan)}


def _uv_json(uv: UvSettings) -> dict[str, Any]:
    """``[tool.uv]`` as plain values. Logins stay out: plans and locks are kept, and shared."""
    from venvstacks_dag.net.urls import without_login

    value: dict[str, Any] = asdict(uv)
    value["indexes"] = [{**index, "url": without_login(index["url"])} for index in value["indexes"]]
    value["find_links"] = [without_login(place) for place in value["find_links"]]
    value["exclude_newer"] = uv.exclude_newer.isoformat() if uv.exclude_newer else None
    return value


def _plan_from_json(value: Mapping[str, Any]) -> StackPlan:
    layers = [
        LayerPlan(**{name: _frozen(part) for name, part in layer.items()})
        for layer in value["layers"]
    ]
    return StackPlan(
        layers=tuple(layers),
        uv=value["uv"],
        runtime_archives=tuple(value["runtime_archives"]),
        warnings=tuple(value["warnings"]),
        link_mode=value["link_mode"],
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def module_path(settings: BuildSettings, written: str) -> Path:
    """Where a launch or support module lies: paths in a specification are relative to it."""
    return (settings.spec.parent / written).absolute()
