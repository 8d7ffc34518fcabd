"""`venvstacks-dag graph`: the layers and what is in them, as a drawing or as data."""

from __future__ import annotations

import argparse
from pathlib import Path

from venvstacks_dag.cli.options import HelpFormatter, add_global, plain_environ
from venvstacks_dag.cli.output import show

_FORMATS = ("mermaid", "dot", "json", "html")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    text = "draw the layers with their packages and sizes"
    parser = subparsers.add_parser(
        "graph",
        help=text,
        description=f"{text.capitalize()}. Works before locking, too.",
        formatter_class=HelpFormatter,
        epilog="example: venvstacks-dag graph venvstacks.toml --format html --output layers.html",
    )
    parser.add_argument("spec", type=Path, metavar="SPEC", help="path of venvstacks.toml")
    parser.add_argument(
        "--format", choices=_FORMATS, default="mermaid", help="default: %(default)s"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    add_global(parser, suppress=True)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the command. Raises `SpecError` or `DiskError`."""
    from venvstacks_dag import drawing
    from venvstacks_dag.digest import pretty_json
    from venvstacks_dag.fs import atomic_write
    from venvstacks_dag.tasks.contents import StackContents

    contents = StackContents(options.spec, plain_environ(options))
    inventory = contents.inventory
    if options.format == "json":
        data = pretty_json(drawing.graph_json(inventory))
    elif options.format == "html":
        data = drawing.page(inventory, platform=contents.settings.platform).encode()
    else:
        draw = drawing.mermaid if options.format == "mermaid" else drawing.dot
        data = draw(inventory).encode()
    if options.output is None:
        show(data)  # in UTF-8, as the page says of itself, whatever the terminal takes
    else:
        atomic_write(options.output, data)
