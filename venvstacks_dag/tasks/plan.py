"""The compiled plan: all that the tasks need to know of a stack, as plain JSON.

Reading the specification and the graph costs a TOML parser, packaging and networkx at every
start; a plan that is kept under the digest of what it was compiled from costs a JSON file. It
also fixes what the stages may look at: what is not in the plan cannot influence a build.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag._version import __version__
from venvstacks_dag.digest import canonical_json, parse_json, sha256_json
from venvstacks_dag.errors import DiskError, UnknownLayer
from venvstacks_dag.fs import LinkMode, check_names_encoding, read_bytes, write_if_changed
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.spec.packing import NOTHING_SAID
from venvstacks_dag.tasks.settings import PLATFORMLESS, BuildSettings

if TYPE_CHECKING:
    from venvstacks_dag.graph import LayerNode
    from venvstacks_dag.spec import UvSettings
    from venvstacks_dag.spec.model import ToolSettings

PLAN_SCHEMA = 6
# Variables that the specification's meaning depends on.
_ENVIRONMENT = ("MACOSX_DEPLOYMENT_TARGET", "UV_EXCLUDE_NEWER")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlan:
    """One layer, as the tasks see it. ``targets`` are `TargetPlatform.as_json` values.

    ``below`` names the layers below, nearest first. ``packing`` has format, profile and level of
    archives by platform, where the specification says something of it.
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
    exclude: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    packing: tuple[tuple[str, dict[str, Any]], ...] = ()

    @property
    def is_runtime(self) -> bool:
        """Whether this is a base runtime."""
        return self.kind == "runtimes"

    def is_built_for(self, platform: str) -> bool:
        """Whether the layer has that platform among its targets."""
        return any(target["name"] == platform for target in self.targets)


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
            import difflib

            near = difflib.get_close_matches(name, layers, n=1)
            raise UnknownLayer(
                f"there is no layer {name!r}",
                fix=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(layers)}",
            )
        return layers[name]

    def built_for(self, platform: str) -> tuple[LayerPlan, ...]:
        """The layers that are built for a platform, in build order."""
        return tuple(layer for layer in self.layers if layer.is_built_for(platform))


# What belongs to the stack as a whole is kept under a name that no layer can have.
STACK = LayerPlan(
    name=".stack", kind="stack", requirements=(), runtime="", below=(), targets=(),
    python_implementation="",
)  # fmt: skip


def task_name(settings: BuildSettings, stage: str, layer: str) -> str:
    """How doit calls a stage of a layer (or of `STACK`), for the platform of `settings`."""
    suffix = "" if stage in PLATFORMLESS else settings.suffix
    return f"{stage}{suffix}" if layer == STACK.name else f"{stage}:{layer}{suffix}"


def task_parts(task: str) -> tuple[str, str, str | None]:
    """Stage, layer (or `STACK`'s name) and platform of a task; None for the host's platform."""
    head, at, platform = task.rpartition("@")
    if not at or platform not in PLATFORM_NAMES:
        head, platform = task, ""
    stage, _, layer = head.partition(":")
    return stage, layer or STACK.name, platform or None


def named_platforms(words: Iterable[str]) -> tuple[str, ...]:
    """The platforms that words name as tasks do: by ``@platform`` at their ends."""
    found = (task_parts(word)[2] for word in words)
    return tuple(dict.fromkeys(platform for platform in found if platform))


def load_plan(
    settings: BuildSettings, environ: Mapping[str, str], *, keep: bool = True
) -> StackPlan:
    """The plan of a specification: the kept one where it still holds, else a new one.

    Without `keep`, a new one is not written into the build folder. Raises `SpecError` with every
    mistake in the specification, or `DiskError`, also where the names of files are not UTF-8.
    """
    check_names_encoding(sys.getfilesystemencoding())
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
    if keep:
        _keep(settings.plan, canonical_json({"key": key, "plan": compiled}))
    return _read_back(compiled)


def _keep(path: Path, plan: bytes) -> None:
    try:
        write_if_changed(path, plan)
    except DiskError as error:
        # Nobody's lock is held yet: a run that begins meanwhile takes what is half written for
        # a killed run's, and sweeps it away. The next run compiles the plan once more, then.
        if not isinstance(error.__cause__, FileNotFoundError):
            raise


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
            "platform": settings.host,
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
    graph = LayerGraph.of(stack, settings.host)
    layers = []
    for node in graph.nodes:
        spec = node.spec
        runtime = graph.node(node.runtime).spec
        options = stack.tool.layer(node.env_name)
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
                packing=_packing(stack.tool, node),
                exclude=options.exclude,
                overrides=options.overrides,
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


def _packing(tool: ToolSettings, node: LayerNode) -> tuple[tuple[str, dict[str, Any]], ...]:
    found = ((target.name, tool.packing_of(node.env_name, target.name)) for target in node.targets)
    return tuple((name, asdict(said)) for name, said in found if said != NOTHING_SAID)


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
