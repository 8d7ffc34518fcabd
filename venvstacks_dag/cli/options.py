"""The options that several commands share, with venvstacks' names and meanings."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from venvstacks_dag.api.selection import Choice
from venvstacks_dag.spec.packing import ARCHIVE_FORMATS, ARCHIVE_PROFILES, LEVELS
from venvstacks_dag.tasks.settings import known_platform


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Compact help: one line for an option and its meaning, ``--[no-]name`` for a switch."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if isinstance(action, argparse.BooleanOptionalAction):
            return f"--[no-]{action.option_strings[0].removeprefix('--')}"
        return super()._format_action_invocation(action)


class CommandParser(argparse.ArgumentParser):
    """A parser of one command, whose options may stand between its other words as well."""

    _within = False

    def __init__(self, **settings: Any) -> None:
        # Abbreviated options would change their meaning with each new one.
        super().__init__(**settings, allow_abbrev=False)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse, which comes back here to parse options and other words in turn."""
        takes_the_rest = any(action.nargs == argparse.REMAINDER for action in self._actions)
        if self._within or takes_the_rest:
            return super().parse_known_args(args, namespace)
        self._within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._within = False


def add_command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    """A parser for a command on one specification, with the options that every command has."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example: venvstacks-dag {name} {example}",
        formatter_class=HelpFormatter,
        usage="%(prog)s [options] SPEC",
    )
    parser.add_argument("spec", type=Path, metavar="SPEC", help="path of venvstacks.toml")
    add_global(parser, suppress=True)
    parser.add_argument(
        "--build-dir", default="_build", metavar="DIR", help="environments (default: _build)"
    )
    return parser


def add_global(parser: argparse.ArgumentParser, *, suppress: bool) -> None:
    """Options that may stand before a command or after it."""

    # Without a default of its own, which would undo what was said before the command.
    def default(value: object) -> object:
        return argparse.SUPPRESS if suppress else value

    parser.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        default=default(False),
        help="say nothing but what goes wrong",
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=default(0),
        help="say more; -vv for everything",
    )
    parser.add_argument(
        "--offline", action="store_true", default=default(False), help="do not use the network"
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        default=default(False),
        # Whoever needs it is told of it by the error; each command's help has enough lines.
        help=argparse.SUPPRESS if suppress else "show tracebacks of errors",
    )


def add_output_dir(parser: argparse.ArgumentParser, default: str, what: str) -> None:
    """Where results go."""
    parser.add_argument(
        "--output-dir", default=default, metavar="DIR", help=f"{what} (default: {default})"
    )


def add_flag(
    parser: argparse.ArgumentParser, name: str, text: str, *, default: bool | None = False
) -> None:
    """``--name`` and ``--no-name``, of which help shows the one that changes something."""
    parser.add_argument(
        f"--{name}",
        action=argparse.BooleanOptionalAction,
        default=default,
        help=text,
    )


def add_include(parser: argparse.ArgumentParser, *relatives: str) -> None:
    """Which layers take part; `relatives` are the options for layers below and above them."""
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only layers that fit, as 'app-*' (repeatable)",
    )
    add_flag(parser, "allow-missing", "only warn of patterns that fit nothing")
    texts = {
        "dependencies": "{verb} what lies below these, too",
        "derived": "{verb} what lies above these, too",
    }
    for name in relatives:
        verb, _, relation = name.partition("-")
        add_flag(parser, name, texts[relation].format(verb=verb))


def add_reset_lock(parser: argparse.ArgumentParser) -> None:
    """Which locks are forgotten first."""
    parser.add_argument(
        "--reset-lock",
        action="append",
        default=[],
        metavar="PATTERN",
        help="lock layers that fit afresh, needed or not",
    )
    parser.add_argument(
        "--upgrade", action="store_true", help="lock all of them afresh, needed or not"
    )


def add_wheel_sources(parser: argparse.ArgumentParser) -> None:
    """Where locks take wheels from, beside what the specification says."""
    parser.add_argument(
        "--local-wheels",
        action="append",
        default=[],
        metavar="DIR",
        help="lock wheels of this folder, too (repeatable)",
    )
    add_flag(parser, "index", "ask package indexes when locking", default=True)


def add_target(parser: argparse.ArgumentParser, text: str) -> None:
    """The platforms that a command works for."""
    parser.add_argument(
        "--target", action="append", default=[], type=_target, metavar="NAME", help=text
    )


def _target(text: str) -> str:
    try:
        return known_platform(text)
    except ValueError as error:
        # What argparse says of a `ValueError` names no platform.
        raise argparse.ArgumentTypeError(str(error)) from None


def add_packing(parser: argparse.ArgumentParser) -> None:
    """How archives are packed, whatever the specification says of it."""
    parser.add_argument(
        "--format", choices=ARCHIVE_FORMATS, metavar="EXT", help=", ".join(ARCHIVE_FORMATS)
    )
    parser.add_argument("--profile", choices=ARCHIVE_PROFILES, help="quick to pack, or small")
    parser.add_argument("--level", type=_level, metavar="N", help="compression level")


def _level(text: str) -> int:
    """A level that some format has: which, is only known with the specification."""
    try:
        level = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    known = sorted(bound for bounds in LEVELS.values() for bound in bounds)
    if known[0] <= level <= known[-1]:
        return level
    there_are = f"there are: {known[0]} to {known[-1]}"
    raise argparse.ArgumentTypeError(f"no format has the level {level} ({there_are})")


def add_show(parser: argparse.ArgumentParser) -> None:
    """Showing what would be done."""
    add_flag(parser, "show", "show what is done with each layer, then do it")
    add_flag(parser, "show-only", "show that, and do nothing")
    add_flag(parser, "json", "the same as JSON (and with --show, do it)")


def choice_of(options: argparse.Namespace) -> Choice:
    """What was said about layers."""
    everything = getattr(options, "include_dependencies", None)

    def said(name: str) -> bool:
        value: bool = getattr(options, name, False)
        return value

    def below(name: str) -> bool:
        return said(name) if everything is None else bool(everything)

    return Choice(
        include=tuple(options.include),
        reset_lock=("*",) if said("upgrade") else tuple(getattr(options, "reset_lock", ())),
        allow_missing=options.allow_missing,
        lock_dependencies=below("lock_dependencies"),
        build_dependencies=below("build_dependencies"),
        publish_dependencies=below("publish_dependencies"),
        build_derived=said("build_derived"),
        publish_derived=said("publish_derived"),
    )


def verbosity_of(options: argparse.Namespace) -> int:
    """-1 for errors only, 0, or more."""
    return -1 if options.quiet else int(options.verbose)


def plain_environ(options: argparse.Namespace) -> dict[str, str]:
    """The environment as the rooms should see it, after what was said on the command line."""
    environ = dict(os.environ)
    if options.debug:
        environ["VENVSTACKS_DAG_DEBUG"] = "1"
    if options.offline:
        environ["VENVSTACKS_DAG_OFFLINE"] = "1"
    return environ
