"""Arguments in, the Python API called, exit code out."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from venvstacks_dag._version import __version__
from venvstacks_dag.cli import cache, commands, deploying, doctor, fetch, graph, tasks, why
from venvstacks_dag.cli.logs import set_up_logging
from venvstacks_dag.cli.options import CommandParser, HelpFormatter, add_global, verbosity_of
from venvstacks_dag.errors import BuildFailed, VenvstacksDagError
from venvstacks_dag.fs.processes import hear_of_children, shortage
from venvstacks_dag.tasks.output import open_streams, quiet_when_unread

_FAILED = 1

_EPILOG = """\
examples:
  venvstacks-dag lock venvstacks.toml                     lock, for all platforms
  venvstacks-dag build --publish venvstacks.toml          build and pack for this one
  venvstacks-dag COMMAND --help                           options of a command
"""


def run(arguments: Sequence[str] | None = None) -> int:
    """What `main` does; raises `KeyboardInterrupt`."""
    open_streams()
    hear_of_children()
    with quiet_when_unread():
        options = _parser().parse_args(arguments)
        set_up_logging(verbosity_of(options))
        return _carried_out(options)


def _carried_out(options: argparse.Namespace) -> int:
    try:
        # Commands that answer a question may say by the code what the answer is.
        code = int(options.run(options) or 0)
        sys.stdout.flush()
    except BuildFailed:
        return _FAILED  # What went wrong has been told.
    except BrokenPipeError:
        raise
    except (VenvstacksDagError, ValueError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        if options.debug:
            traceback.print_exc()
        return _FAILED
    except RuntimeError as error:
        told = shortage(error)
        if told is None:
            raise
        print(told, file=sys.stderr)
        return _FAILED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="venvstacks-dag",
        allow_abbrev=False,
        description="Lock, build, link, publish and export layered Python environments.",
        epilog=_EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"%(prog)s {__version__}")
    add_global(parser, suppress=False)
    subparsers = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=CommandParser
    )
    for room in (commands, fetch, deploying, graph, why, doctor, cache, tasks):
        room.register(subparsers)
    return parser
