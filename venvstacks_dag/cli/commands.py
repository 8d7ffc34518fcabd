"""venvstacks' commands: their options, and what they do, through the Python API."""

from __future__ import annotations

import argparse

from venvstacks_dag.api.selection import Wish
from venvstacks_dag.api.work import build_work, export_work, lock_work, publish_work
from venvstacks_dag.cli.options import (
    add_command,
    add_flag,
    add_include,
    add_output_dir,
    add_packing,
    add_reset_lock,
    add_show,
    add_target,
    add_wheel_sources,
    choice_of,
)
from venvstacks_dag.cli.output import show_text
from venvstacks_dag.cli.stacks import (
    as_json,
    goes_on,
    opened,
    print_preview,
    print_prunable,
    print_state,
    warn,
)

_SPEC = "path/to/venvstacks.toml"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands to the parser; each sets ``run`` to what carries it out."""
    _register_show(commands)
    _register_lock(commands)
    _register_build(commands)
    _register_plan(commands)
    _register_publish(commands)
    _register_export(commands)
    _register_gc(commands)


def _register_show(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands,
        "show",
        "show the layers and whether they are locked",
        f"--include 'app-*' {_SPEC}",
    )
    add_include(parser)
    add_flag(parser, "json", "as JSON")
    parser.set_defaults(run=_show)


def _register_lock(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "lock", "lock each layer's requirements for all its platforms", _SPEC
    )
    add_flag(parser, "if-needed", "leave good locks alone")
    add_flag(parser, "clean", "remove the layers' environments as well")
    add_include(parser, "lock-dependencies")
    add_reset_lock(parser)
    add_wheel_sources(parser)
    parser.add_argument(
        "--upgrade-package",
        action="append",
        default=[],
        metavar="NAME",
        help="renew the pin of this package, and keep the others (repeatable)",
    )
    add_show(parser)
    parser.set_defaults(run=_lock)


def _register_build(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands,
        "build",
        "build the layers' environments from their locks",
        f"--lock-if-needed --publish {_SPEC}",
    )
    add_output_dir(parser, "_artifacts", "archives and manifests")
    add_flag(parser, "lock-if-needed", "first make locks that are missing or outdated")
    parser.add_argument(
        "--lock", dest="lock_if_needed", action=argparse.BooleanOptionalAction,
        help=argparse.SUPPRESS, default=argparse.SUPPRESS,
    )  # fmt: skip
    add_flag(parser, "build", "build environments", default=True)
    add_flag(parser, "publish", "make archives and manifests, too")
    _add_archives(parser)
    add_flag(parser, "clean", "build (and publish) from nothing")
    _add_choice_of_build(parser)
    add_wheel_sources(parser)
    add_show(parser)
    parser.set_defaults(run=_build)


def _register_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands,
        "plan",
        "say which tasks `build --lock-if-needed --publish` would run, and why",
        f"--include app-x {_SPEC}",
    )
    add_output_dir(parser, "_artifacts", "archives and manifests")
    _add_archives(parser)
    _add_choice_of_build(parser)
    parser.add_argument("--exit-code", action="store_true", help="end with 1 if any would run")
    add_flag(parser, "json", "as JSON")
    parser.set_defaults(run=_plan)


def _register_publish(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "publish", "pack built environments into archives, with manifests", _SPEC
    )
    add_output_dir(parser, "_artifacts", "archives and manifests")
    _add_archives(parser)
    add_flag(parser, "prune", "then remove what the specification no longer makes")
    _add_shipping(parser)
    parser.set_defaults(run=_publish)


def _register_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands,
        "local-export",
        "copy built environments to another folder, ready to run",
        f"--output-dir /srv/stack {_SPEC}",
    )
    add_output_dir(parser, "_export", "where to")
    _add_shipping(parser)
    parser.set_defaults(run=_export)


def _register_gc(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = add_command(
        commands, "gc", "remove what the specification no longer makes", f"--dry-run {_SPEC}"
    )
    add_output_dir(parser, "_artifacts", "archives and manifests")
    parser.add_argument("--export-dir", default="_export", help="exports (default: _export)")
    add_flag(parser, "tag-outputs", "put platform and build number into names")
    add_target(parser, "for this platform, or 'all' (repeatable)")
    add_flag(parser, "dry-run", "only say what would be removed")
    parser.set_defaults(run=_gc)


def _add_archives(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "tag-outputs", "put platform and build number into names")
    add_target(parser, "for this platform, or 'all' (repeatable)")
    add_packing(parser)


def _add_choice_of_build(parser: argparse.ArgumentParser) -> None:
    add_include(
        parser,
        "lock-dependencies",
        "build-dependencies",
        "publish-dependencies",
        "build-derived",
        "publish-derived",
    )
    add_flag(parser, "include-dependencies", "all three --*-dependencies at once", default=None)
    add_reset_lock(parser)


def _add_shipping(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "force", "also where nothing has changed")
    add_flag(parser, "dry-run", "only print the manifest that would be made")
    add_include(parser, "publish-dependencies", "publish-derived")
    add_show(parser)


def _show(options: argparse.Namespace) -> None:
    stack = opened(options)
    # Layers below and above the included ones are shown with them.
    selection = stack.select(choice_of(options), lock=True, build=False, publish=False)
    warn(selection)
    print_state(stack, selection, in_json=options.json, operations=False)


def _lock(options: argparse.Namespace) -> None:
    stack = opened(options)
    wish: Wish = None if options.if_needed and not options.upgrade_package else True
    selection = stack.select(choice_of(options), lock=wish, build=False, publish=False)
    upgrades = stack.locked_packages(selection, options.upgrade_package)
    work = lock_work(selection, clean=options.clean, upgrades=upgrades)
    if goes_on(stack, work, options):
        stack.run(work)


def _build(options: argparse.Namespace) -> None:
    stack = opened(options)
    lock: Wish = None if options.lock_if_needed else False
    selection = stack.select(
        choice_of(options), lock=lock, build=options.build, publish=options.publish
    )
    work = build_work(
        selection,
        stack.task_names,
        lock=options.lock_if_needed,
        build=options.build,
        publish=options.publish,
        clean=options.clean,
    )
    if goes_on(stack, work, options):
        stack.run(work)


def _plan(options: argparse.Namespace) -> int:
    stack = opened(options, keep_plan=False)
    selection = stack.select(choice_of(options), lock=None, build=True, publish=True)
    warn(selection)
    work = build_work(selection, stack.task_names, lock=True, build=True, publish=True)
    is_something = print_preview(stack, work, in_json=options.json)
    return int(options.exit_code and is_something)


def _publish(options: argparse.Namespace) -> None:
    _ship(options, archives=True)


def _export(options: argparse.Namespace) -> None:
    _ship(options, archives=False)


def _ship(options: argparse.Namespace, *, archives: bool) -> None:
    stack = opened(options)
    selection = stack.select(choice_of(options), lock=False, build=False, publish=True)
    make_work = publish_work if archives else export_work
    work = make_work(selection, stack.task_names, force=options.force)
    if not goes_on(stack, work, options):
        return
    if options.dry_run:
        print(as_json(stack.publication(selection, archives=archives)))
        if archives and options.prune:
            print_prunable(stack.prunable(selection))
        return
    stack.run(work)
    if archives and options.prune:
        stack.prune()


def _gc(options: argparse.Namespace) -> None:
    stack = opened(options, keep_plan=False if options.dry_run else None)
    show_text("".join(f"{line}\n" for line in stack.collect(dry_run=options.dry_run)))
