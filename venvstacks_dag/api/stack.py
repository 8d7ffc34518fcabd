"""A stack as a Python object: what the command line can do, programs can do as well."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from venvstacks_dag.api.selection import Choice, Selection, Wish, select
from venvstacks_dag.api.status import StackState, stack_state
from venvstacks_dag.api.work import (
    TaskNames,
    Work,
    build_work,
    export_work,
    fetch_work,
    lock_work,
    publish_work,
)
from venvstacks_dag.errors import BuildFailed, DiskError, SelectionError
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.spec.packing import packing_options
from venvstacks_dag.tasks.context import BuildContext, RunFlags
from venvstacks_dag.tasks.display import QuietDisplay
from venvstacks_dag.tasks.plan import LayerPlan, load_plan
from venvstacks_dag.tasks.settings import BuildSettings

if TYPE_CHECKING:
    from venvstacks_dag.link.examine import LayerReport
    from venvstacks_dag.tasks.verdicts import Expected

_ALL = Choice()


def load_stack(
    spec: str | os.PathLike[str],
    *,
    build_dir: str | os.PathLike[str] = "_build",
    output_dir: str | os.PathLike[str] = "_artifacts",
    export_dir: str | os.PathLike[str] = "_export",
    tag_outputs: bool = False,
    offline: bool = False,
    targets: Iterable[str] = (),
    fetched: Iterable[str] = (),
    local_wheels: Iterable[str | os.PathLike[str]] = (),
    index: bool = True,
    archive_format: str | None = None,
    archive_profile: str | None = None,
    archive_level: int | None = None,
    environ: Mapping[str, str] | None = None,
    verbosity: int = 0,
    keep_plan: bool = True,
) -> Stack:
    """The stack of a ``venvstacks.toml``, or of the folder that holds one.

    Folders are relative to that of the specification. `tag_outputs` puts the platform into the
    names of archives and manifests. `offline` keeps all runs off the network. `targets` are the
    platforms to build for ("all" for those of the layers), where not for the host's; `fetched` are
    those that `Stack.fetch` is for, where not for all. `local_wheels` are folders whose wheels
    locks may take, too; without `index` they take no others but those of find-links.
    `archive_format`, `archive_profile` and `archive_level` count more than what the specification
    says. `verbosity` is how much runs tell on standard output: -1 for nothing, 0 for what people
    like to read, 1 for plain lines only. Without `keep_plan`, the compiled specification is not
    kept in the build folder for the next time.

    Raises `SpecError` with every mistake that was found, `DiskError` where there is no such folder
    of wheels, `ValueError` for an unknown platform, `SelectionError` for one that no layer has.
    """
    settings = BuildSettings.of(
        Path(spec),
        build_dir=build_dir,
        output_dir=output_dir,
        export_dir=export_dir,
        tag_outputs=tag_outputs,
        offline=offline,
        targets=targets,
        fetched=fetched,
        local_wheels=local_wheels,
        index=index,
        packing=packing_options(archive_format, archive_profile, archive_level),
    )
    for folder in settings.local_wheels:
        if not folder.is_dir():
            raise DiskError("there is no such folder of wheels", where=str(folder))
    return Stack(
        settings, os.environ if environ is None else environ, verbosity, keep_plan=keep_plan
    )


class Stack:
    """A loaded stack. Its methods raise `VenvstacksDagError`: `BuildFailed` where tasks failed."""

    def __init__(
        self,
        settings: BuildSettings,
        environ: Mapping[str, str],
        verbosity: int = 0,
        *,
        keep_plan: bool = True,
    ) -> None:
        self.settings = settings
        self.environ = environ
        self.verbosity = verbosity
        self.plan = load_plan(settings, environ, keep=keep_plan)
        self._check_targets()

    def _check_targets(self) -> None:
        settings = self.settings
        # "all" stands for those of the layers, and layers for other platforms can be locked here.
        if settings.targets in (PLATFORM_NAMES, (settings.host,)):
            return
        for name in settings.targets:
            if not self.plan.built_for(name):
                raise SelectionError(
                    f"no layer of the stack is built for {name}",
                    where=str(settings.spec),
                    fix="add it to the platforms of the layers, or leave it out",
                )

    @property
    def layers(self) -> tuple[LayerPlan, ...]:
        """All layers in build order: what lies below comes first."""
        return self.plan.layers

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to tell the user about the specification."""
        return self.plan.warnings

    def select(self, choice: Choice = _ALL, *, lock: Wish, build: bool, publish: bool) -> Selection:
        """The operations on each layer. Raises `SelectionError`."""
        platforms = self.settings.targets
        return select(
            self.layers, choice, lock=lock, build=build, publish=publish, platforms=platforms
        )

    @property
    def task_names(self) -> TaskNames:
        """How the tasks of the stack are called, for the platforms that are built for."""
        platforms = [view.settings for view in self.context().views()]
        return TaskNames(self.layers, platforms)

    def state(
        self,
        selection: Selection | None = None,
        *,
        operations: bool = False,
        dependencies: bool = True,
    ) -> StackState:
        """Which layers are locked, what they are called when deployed, and what is to be done."""
        from venvstacks_dag.tasks.locked import locked_versions

        if selection is None:
            selection = self.select(lock=True, build=False, publish=False)
        return stack_state(
            str(self.settings.spec),
            self.layers,
            locked_versions(self.context()),
            selection,
            operations=operations,
            dependencies=dependencies,
        )

    def lock(
        self,
        choice: Choice = _ALL,
        *,
        if_needed: bool = False,
        clean: bool = False,
        upgrade_packages: Iterable[str] = (),
    ) -> None:
        """Lock the layers, afresh or (`if_needed`) where their locks are missing or outdated.

        With `upgrade_packages`, locks are made anew (needed or not) in which all other pins stay
        where they fit.
        """
        packages = tuple(upgrade_packages)
        wish: Wish = None if if_needed and not packages else True
        selection = self.select(choice, lock=wish, build=False, publish=False)
        upgrades = self.locked_packages(selection, packages)
        self.run(lock_work(selection, clean=clean, upgrades=upgrades))

    def locked_packages(self, selection: Selection, packages: Iterable[str]) -> frozenset[str]:
        """The normalised names of `packages`, each in some lock that is to be made anew.

        Raises `SelectionError` for others: nothing would be done about them.
        """
        from venvstacks_dag.tasks.locked import locked_packages

        relocked = [
            layer
            for layer in self.layers
            if layer.name in selection.operations and selection.operations[layer.name].lock
        ]
        return locked_packages(self.context(), relocked, packages)

    def build(
        self,
        choice: Choice = _ALL,
        *,
        lock_if_needed: bool = False,
        build: bool = True,
        publish: bool = False,
        clean: bool = False,
    ) -> None:
        """Build the environments; with `publish`, archives and manifests too."""
        lock: Wish = None if lock_if_needed else False
        selection = self.select(choice, lock=lock, build=build, publish=publish)
        self.run(
            build_work(
                selection,
                self.task_names,
                lock=lock_if_needed,
                build=build,
                publish=publish,
                clean=clean,
            )
        )

    def publish(self, choice: Choice = _ALL, *, force: bool = False, prune: bool = False) -> None:
        """Archive environments that are built, and write the manifests.

        With `prune`, what the specification no longer makes goes out of the output folder.
        """
        selection = self.select(choice, lock=False, build=False, publish=True)
        self.run(publish_work(selection, self.task_names, force=force))
        if prune:
            self.prune()

    def prune(self) -> tuple[str, ...]:
        """Remove archives and manifests that the specification no longer makes; their names.

        Those of other platforms stay as long as layers have these. Raises `DiskError`.
        """
        from venvstacks_dag.tasks.folders import folder_of
        from venvstacks_dag.tasks.prune import prune

        context = self.context()
        with folder_of(context):
            found = prune(context)
        for name in found:
            context.run.display.line(f"removed {name}")
        return found

    def prunable(self, selection: Selection) -> tuple[str, ...]:
        """The names of what pruning would remove after publishing; nothing is written or removed.

        Raises `NotBuilt`, `DiskError`.
        """
        from venvstacks_dag.tasks.folders import folder_of
        from venvstacks_dag.tasks.prune import prunable

        context = self.context()
        with folder_of(context):
            return prunable(context, _published(selection))

    def collect(self, *, dry_run: bool = False) -> tuple[str, ...]:
        """Remove all that the specification no longer makes, as `doit gc`; what is told of it.

        Of removed layers all but the locks goes, for all platforms, and archives of earlier
        versions. With `dry_run`, nothing is removed. Raises `DiskError`, `BuildFolderBusy`.
        """
        from venvstacks_dag.tasks.collecting import collect_lines

        return collect_lines(self.context(), dry_run=dry_run)

    def export(self, choice: Choice = _ALL, *, force: bool = False) -> None:
        """Copy environments that are built to the export folder, ready to run there.

        Only for the host's platform: layers are finished by their own Python.
        """
        selection = self.select(choice, lock=False, build=False, publish=True)
        self.run(export_work(selection, self.task_names, force=force))

    def fetch(self) -> None:
        """Fetch what builds need of the network into the user's store; lock before, if needed."""
        selection = self.select(lock=None, build=False, publish=False)
        self.run(fetch_work(selection))

    def publication(self, selection: Selection, *, archives: bool) -> dict[str, Any]:
        """The manifest that publishing (or, without `archives`, exporting) would write.

        Sizes and hashes of archives are not in it. Where more than one platform is built for, the
        manifests by platform. Raises `NotBuilt`.
        """
        from venvstacks_dag.tasks.forecast import forecast

        found = {
            view.settings.platform: forecast(view, _published(selection), archives=archives)
            for view in self.context().views()
        }
        return found if len(found) > 1 else next(iter(found.values()))

    def library_reports(self, system: Iterable[str] = ()) -> tuple[LayerReport, ...]:
        """Which libraries the binaries of each built layer get; changes nothing.

        `system` are patterns of names that the target's system has, beside what all systems
        of its kind have. Raises `NotBuilt`.
        """
        from venvstacks_dag.tasks.libraries import library_reports

        wanted = tuple(system)
        return tuple(
            report for view in self.context().views() for report in library_reports(view, wanted)
        )

    def context(self) -> BuildContext:
        """The surroundings of one run."""
        context = BuildContext(self.settings, self.plan, self.environ)
        context.run.verbosity = self.verbosity
        if self.verbosity < 0:
            context.run.display = QuietDisplay(sys.stdout)
        return context

    @property
    def nothing_asked(self) -> str:
        """What is said where work has no tasks."""
        platforms = ", ".join(self.settings.targets)
        return f"Nothing to do: nothing is asked of a layer for {platforms}."

    def preview(self, work: Work) -> tuple[Expected, ...]:
        """What running the work's tasks, and those that they need, would do, in that order.

        Nothing is run, written, locked, or asked of the network.
        """
        from doit.loader import generate_tasks

        from venvstacks_dag.tasks.factory import stack_tasks
        from venvstacks_dag.tasks.preview import preview

        if not work.tasks:
            return ()
        tasks = generate_tasks("task_stack", stack_tasks(self._context_of(work)))
        return preview(tasks, work.tasks)

    def _context_of(self, work: Work) -> BuildContext:
        context = self.context()
        context.run.published = work.published
        context.run.flags = RunFlags(
            debug=context.run.flags.debug,
            afresh=work.afresh,
            kept=work.kept,
            removed=work.removed,
            upgrades=work.upgrades,
        )
        return context

    def run(self, work: Work) -> None:
        """Run tasks. Raises `BuildFailed` after what went wrong has been reported."""
        context = self._context_of(work)
        if not work.tasks:
            context.run.display.line(self.nothing_asked)
            return
        # What does not depend on a failure goes on, so that all failures are told at once.
        if self.doit(["run", "--continue", *work.tasks], context):
            raise BuildFailed("not everything could be done")

    def doit(self, words: Sequence[str], context: BuildContext | None = None) -> int:
        """Call doit for the stack's tasks, as on its command line; its exit code."""
        from doit.cmd_base import ModuleTaskLoader
        from doit.doit_cmd import DoitMain

        from venvstacks_dag.tasks.factory import namespace
        from venvstacks_dag.tasks.reporter import bound_reporter

        if context is None:
            context = self.context()
        loader = ModuleTaskLoader(dict(namespace(context, bound_reporter(context))))
        # No configuration of a project that happens to be in the current folder.
        code: int | None = DoitMain(loader, config_filenames=()).run(list(words))
        return code or 0


def _published(selection: Selection) -> list[str]:
    return [name for name, what in selection.operations.items() if what.publish]
