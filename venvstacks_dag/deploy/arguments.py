"""What a deployment can be told on a command line; imports nothing of what carries it out."""

from __future__ import annotations

import argparse

SUMMARY = "unpack published layers, and make them the current version of a folder"
LOCK_PATIENCE = 600.0
_WORDS = "folder or http(s) address with the archives; folder to deploy to"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What a deployment can be told."""
    parser.add_argument("words", nargs="*", metavar="SOURCE TARGET", help=_WORDS)
    parser.add_argument(
        "--app",
        action="append",
        default=[],
        metavar="NAME",
        help="only this application and what it needs (repeatable)",
    )
    parser.add_argument(
        "--rollback", action="store_true", help="go back to the version before (no SOURCE)"
    )
    parser.add_argument(
        "--no-compile", action="store_true", help="leave modules to be compiled when imported"
    )
    parser.add_argument(
        "--relative",
        action="store_true",
        help="write no absolute paths: the version may be moved, and mounted read-only",
    )
    parser.add_argument(
        "--allow-older", action="store_true", help="take layers older than the deployed ones"
    )
    parser.add_argument(
        "--manifest-sha256", metavar="DIGEST", help="take no other manifest than this one"
    )
    parser.add_argument(
        "--keep",
        type=_count,
        default=1,
        metavar="N",
        help="how many earlier versions stay (default: 1)",
    )
    parser.add_argument(
        "--no-sync",
        action="store_true",
        help="do not wait until everything is on the disk: a loss of power may then do harm",
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=LOCK_PATIENCE,
        metavar="SECONDS",
        help="how long to wait for another deployment (default: %(default)g)",
    )


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 0:
        raise argparse.ArgumentTypeError("it cannot be negative")
    return value
