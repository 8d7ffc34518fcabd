"""link: a tree of packages becomes a layer that runs on those below it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag import _injected
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import InputChanged
from venvstacks_dag.fs import TreeManifest, remove_path
from venvstacks_dag.platforms import PythonVersion
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import MissingInput, StageResult, facts_of
from venvstacks_dag.tasks.stages.modules import module_digests, module_paths, module_states
from venvstacks_dag.tasks.stages.trees import keep_manifest, manifest_damage, read_manifest
from venvstacks_dag.tasks.stamps import Parts, Stamp

if TYPE_CHECKING:
    from venvstacks_dag.link import LinkRequest, LowerLink, Offers
    from venvstacks_dag.platforms import LayerLayout

_POSTINSTALL = Path(_injected.__file__).with_name("postinstall.py")


class Link:
    """The stage."""

    name = "link"
    schema = 5

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        if layer.is_runtime:
            return f"add layer configuration and post-installation script to {layer.name}"
        return f"link {layer.name} to {', '.join(layer.below)}"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """The own tree, the modules, what layers below show upwards, and where the folder is.

        The folder counts since `pyvenv.cfg` and `sitecustomize.py` hold absolute paths.
        """
        return {
            "tree": facts_of(context, "install", layer.name)["tree"],
            "install_target": install_target(context, layer),
            # The order of the layers below is the import order: a list, since keys get sorted.
            "import_order": list(layer.below),
            "layers_below": {
                name: facts_of(context, "link", name)["shown"] for name in layer.below
            },
            # Only where something above asks for such a name does it matter.
            "ambiguous_below": _ambiguous_below(context, layer),
            "modules": module_states(context, layer),
            # Not its path: from wherever it is copied, it lies in one place here.
            "launch_module": Path(layer.launch_module).name if layer.launch_module else None,
            "target": context.target(layer).shown,
            "dynlib_exclude": list(layer.dynlib_exclude),
            "postinstall": sha256_file(_POSTINSTALL),
            "folder": str(context.settings.tree(layer.name)),
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether everything that was linked is still there, the deployed name included."""
        alias = _alias(context, layer, stamp.parts["install_target"])
        if alias is not None:
            if not alias.is_symlink():
                return f"{alias.name} is missing"
            if str(alias.readlink()) != layer.name:
                return f"{alias.name} points elsewhere"
        return manifest_damage(context, stamp, context.settings.tree(layer.name))

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Plan the links and write them."""
        from venvstacks_dag import link

        settings = context.settings
        _refuse_link(context, layer)
        launch, *support = module_paths(context, layer) or (None,)
        request = link.LinkRequest(
            layout=_layout(context, layer),
            env_name=layer.name,
            install_target=install_target(context, layer),
            below=tuple(_lower(context, context.plan.layer(name)) for name in layer.below),
            installed=read_manifest(context, "install", layer.name),
            launch_module=launch,
            support_modules=tuple(support),
            dynlib_exclude=layer.dynlib_exclude,
            runs_here=settings.is_host,
        )
        linked = link.link_layer(
            request,
            settings.tree(layer.name),
            previous=_linked_before(context, layer),
            reporter=reporter,
            facts_reader=link.remembering(context.store),
            announce=lambda either: keep_manifest(context, self.name, layer.name, either),
            mode=context.link_mode,
        )
        manifest = linked.manifest
        digest = keep_manifest(context, self.name, layer.name, manifest)
        shipped = TreeManifest.of(entry for entry in manifest.entries if not entry.local)
        return StageResult(
            facts={
                "shipped": shipped.digest,
                "shown": _shown(_as_lower(request, manifest)),
                "libraries": linked.offers.as_json(),
                # What manifests say of the modules must be said of those that were copied.
                "modules": module_digests(context, layer),
            },
            outputs={"manifest": digest},
            summary=_summary(layer, manifest),
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove what link put into the tree."""
        settings = context.settings
        tree = settings.tree(layer.name)
        # Behind a link lies what is not this build's to remove.
        before = None if tree.is_symlink() else _linked_before(context, layer)
        for entry in before.entries if before else ():
            remove_path(tree / entry.path)
        remove_path(settings.manifest(self.name, layer.name))
        stamp = context.stamped(self.name, layer.name)
        alias = _alias(context, layer, stamp.parts["install_target"]) if stamp else None
        if alias is not None:
            remove_path(alias)


def _refuse_link(context: BuildContext, layer: LayerPlan) -> None:
    """Raise `InputChanged` where the tree is a link: what is behind it is not to be written to."""
    tree = context.settings.tree(layer.name)
    if tree.is_symlink():
        raise InputChanged(
            "the environment was replaced by a symbolic link",
            layer=layer.name,
            where=f"{tree} -> {tree.readlink()}",
            fix=f"build again with install:{layer.name}, which puts a folder in its place",
        )


def _linked_before(context: BuildContext, layer: LayerPlan) -> TreeManifest | None:
    """What an earlier run put into the tree; None where there was none or its list is damaged."""
    try:
        return read_manifest(context, Link.name, layer.name)
    except InputChanged:
        return None


def _alias(context: BuildContext, layer: LayerPlan, target: str) -> Path | None:
    """The link by which layers above find a versioned layer in the build folder.

    None on Windows, where nothing asks for it, and `link_layer` makes none.
    """
    if target == layer.name or context.target(layer).is_windows:
        return None
    return context.settings.trees / target


def _layout(context: BuildContext, layer: LayerPlan) -> LayerLayout:
    # Of the lock, not of the tree: another last number of the version leaves trees as they are.
    python: str = facts_of(context, "resolve", layer.name)["python"]
    return context.layout(layer, PythonVersion.parse(python))


def _as_lower(request: LinkRequest, linked: TreeManifest) -> LowerLink:
    """A layer that was just linked, as the layers above will see it."""
    from venvstacks_dag.link import LowerLink

    return LowerLink(
        env_name=request.env_name,
        install_target=request.install_target,
        layout=request.layout,
        installed=request.installed,
        linked=linked,
    )


def stated_offers(context: BuildContext, layer: str) -> dict[str, Any]:
    """What linking a layer said of its libraries. Raises `MissingInput` where it has not run."""
    libraries: dict[str, Any] | None = facts_of(context, Link.name, layer).get("libraries")
    if libraries is None:
        raise MissingInput(f"{Link.name} of {layer} has not run since it looks at libraries")
    return libraries


def _offers(context: BuildContext, layer: str) -> Offers:
    from venvstacks_dag.link import Offers

    return Offers.from_json(stated_offers(context, layer))


def _ambiguous_below(context: BuildContext, layer: LayerPlan) -> dict[str, Any]:
    """The names that the layer must not ask for, without those of libraries that are clear."""
    if not any(stated_offers(context, name)["ambiguous"] for name in layer.below):
        return {}
    from venvstacks_dag.link import clashes_below

    clashes = clashes_below((name, _offers(context, name)) for name in layer.below)
    return {name: clash.as_json() for name, clash in clashes.items()}


def _lower(context: BuildContext, layer: LayerPlan) -> LowerLink:
    from venvstacks_dag.link import LowerLink

    return LowerLink(
        env_name=layer.name,
        install_target=install_target(context, layer),
        layout=_layout(context, layer),
        installed=read_manifest(context, "install", layer.name),
        linked=read_manifest(context, "link", layer.name),
        offers=_offers(context, layer.name),
    )


def _shown(layer: LowerLink) -> dict[str, Any]:
    """What the layers above depend on: names and places, but none of the layer's packages."""
    shown: dict[str, Any] = {
        "install_target": layer.install_target,
        "python": str(layer.layout.python),
        "has_libraries": layer.has_libraries,
    }
    if layer.layout.is_runtime and layer.layout.target.is_windows:
        shown["launchers"] = _launchers(layer)
    return shown


def _launchers(runtime: LowerLink) -> list[str]:
    """What is copied into the layers above, to run them."""
    if runtime.layout.python.implementation == "pypy":
        from venvstacks_dag.link import launcher_sources

        sources = launcher_sources(runtime.layout, runtime.installed)
        return [f"{entry.sha256} {name}" for name, entry in sources.items()]
    return [entry.sha256 for entry in runtime.installed.entries if entry.path.endswith(".exe")]


def _summary(layer: LayerPlan, linked: TreeManifest) -> str:
    libraries = sum("/dynlib/" in entry.path for entry in linked.entries)
    words = [f"{libraries} links to shared libraries"] if libraries else []
    if layer.launch_module:
        words.append(f"launches {Path(layer.launch_module).name.removesuffix('.py')}")
    return ", ".join(words)


def install_target(context: BuildContext, layer: LayerPlan) -> str:
    """The deployed name: versioned layers carry the version of their lock."""
    if not layer.versioned:
        return layer.name
    lock: dict[str, Any] = facts_of(context, "resolve", layer.name)["lock"]
    return f"{layer.name}@{lock['lock_version']}"
