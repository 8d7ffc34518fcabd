"""`venvstacks-dag why`: in which layers a package is, what asks for it, who imports which copy."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks_dag.cli.options import HelpFormatter, add_global, plain_environ
from venvstacks_dag.cli.output import show, show_text

if TYPE_CHECKING:
    from venvstacks_dag.tasks.contents import StackContents

_DEFAULT_SPEC = "venvstacks.toml"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    text = "say in which layers a package is, and what asks for it"
    parser = subparsers.add_parser(
        "why",
        help=text,
        description=f"{text.capitalize()}. Without PACKAGE: what several layers lock, "
        "what that costs, and where one copy would save most.",
        formatter_class=HelpFormatter,
        epilog="example: venvstacks-dag why numpy path/to/venvstacks.toml",
    )
    parser.add_argument(
        "words",
        nargs="*",
        action=_Words,
        metavar="PACKAGE or SPEC",
        help="in any order; what ends with .toml or has a slash is the specification, "
        f"which is {_DEFAULT_SPEC} by default",
    )
    parser.add_argument(
        "--duplicates", action="store_true", help="list what several layers lock (no PACKAGE)"
    )
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_global(parser, suppress=True)
    parser.set_defaults(run=run)


class _Words(argparse.Action):
    """Tells the package from the specification, and refuses two of a kind."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        assert isinstance(values, list)
        specs = [word for word in values if _is_path(word)]
        packages = [word for word in values if not _is_path(word)]
        for kind, words in (("specification", specs), ("package", packages)):
            if len(words) > 1:
                parser.error(f"name one {kind}, not {' and '.join(words)}")
        namespace.spec = Path(*specs) if specs else Path(_DEFAULT_SPEC)
        namespace.package = packages[0] if packages else None


def _is_path(word: str) -> bool:
    """A package's name never needs its dots: foo.toml is foo-toml, too (PEP 503)."""
    return word.endswith(".toml") or "/" in word or os.sep in word or word in (".", "..")


def run(options: argparse.Namespace) -> None:
    """Run the command. Raises `SpecError`, `UnknownPackage` or `DiskError`."""
    from venvstacks_dag.digest import pretty_json
    from venvstacks_dag.drawing import duplicates_json, duplicates_text
    from venvstacks_dag.inventory import duplicates
    from venvstacks_dag.tasks.contents import StackContents

    if options.package is not None and options.duplicates:
        options.usage_error("--duplicates lists all packages: leave PACKAGE out")
    contents = StackContents(options.spec, plain_environ(options))
    if options.package is not None:
        _about(contents, options.package, as_json=options.json)
        return
    found = duplicates(contents.inventory)
    if options.json:
        show(pretty_json(duplicates_json(found, contents.inventory)))
    else:
        show_text(duplicates_text(found, contents.inventory))


def _about(contents: StackContents, package: str, *, as_json: bool) -> None:
    from packaging.utils import canonicalize_name

    from venvstacks_dag.digest import pretty_json
    from venvstacks_dag.drawing import answer_json, answer_text
    from venvstacks_dag.inventory import explain

    with contents.requirements() as requirements:
        answer = explain(contents.inventory, canonicalize_name(package), requirements)
    if as_json:
        show(pretty_json(answer_json(answer, contents.inventory)))
        return
    error = requirements.fault
    fault = None if error is None else ": ".join(filter(None, (error.what, error.why)))
    show_text(answer_text(answer, contents.inventory, fault=fault))
