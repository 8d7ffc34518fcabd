"""``venvstacks-dag cache``: looking after the user's store."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from venvstacks_dag.cli.options import HelpFormatter, add_global, plain_environ
from venvstacks_dag.cli.output import show, show_text
from venvstacks_dag.errors import BuildFailed

if TYPE_CHECKING:
    from venvstacks_dag.store import Store
    from venvstacks_dag.store.items import RoomSize
    from venvstacks_dag.store.upkeep import Checked

_DEFAULT_AGE = "30d"
_DESCRIPTION = """\
Look after the store that all builds share.

actions:
  dir     print its folder
  size    print what is in it, and how large that is
  verify  read all of it, drop what is damaged, and end with 1 if anything was
          or cannot be read
  gc      remove what has not been used for a while; builds may run meanwhile
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "cache",
        help="look after the store that all builds share",
        description=_DESCRIPTION,
        formatter_class=HelpFormatter,
        epilog="example: venvstacks-dag cache gc --older-than 90d --dry-run",
    )
    parser.add_argument("action", choices=list(_ACTIONS), metavar="ACTION", help="see above")
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        help=f"gc: what was not used for so long: 12h, 30d, 2w (default: {_DEFAULT_AGE})",
    )
    parser.add_argument("--all", action="store_true", help="gc: everything")
    parser.add_argument("--dry-run", action="store_true", help="gc: remove nothing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(usage_error=parser.error)
    add_global(parser, suppress=True)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Run the action. Raises `StoreError`, `DiskError`, `BuildFolderBusy` or `BuildFailed`."""
    from venvstacks_dag.store import Store

    if options.action != "gc" and (options.older_than or options.all or options.dry_run):
        options.usage_error("--older-than, --all and --dry-run belong to gc")
    if options.older_than and options.all:
        options.usage_error("everything is older than that: give --older-than or --all")
    if options.action == "dir" and options.json:
        options.usage_error("dir prints a line, no JSON")
    _ACTIONS[options.action](Store.of_user(plain_environ(options)), options)


def _dir(store: Store, options: argparse.Namespace) -> None:
    show_text(f"{store.root}\n")


def _size(store: Store, options: argparse.Namespace) -> None:
    from venvstacks_dag.store.items import room_sizes

    _show_rooms(room_sizes(store), "together", as_json=options.json)


def _verify(store: Store, options: argparse.Namespace) -> None:
    from venvstacks_dag.digest import pretty_json
    from venvstacks_dag.reporting.amounts import count_text
    from venvstacks_dag.store.upkeep import verify_store

    checked = verify_store(store)
    if options.json:
        damaged = [
            {
                "room": item.room,
                "sha256": item.digest,
                "path": str(item.path),
                "dropped": item not in checked.kept,
            }
            for item in checked.damaged
        ]
        unreadable = [{"path": str(each.path), "why": each.why} for each in checked.unreadable]
        show(pretty_json({"checked": checked.count, "damaged": damaged, "unreadable": unreadable}))
    else:
        lines = [f"{item.room} {item.digest}: {item.path}\n" for item in checked.damaged]
        lines += [f"cannot be read ({each.why}): {each.path}\n" for each in checked.unreadable]
        if lines or not options.quiet:
            files = count_text(checked.count, "file")
            show_text("".join((f"checked {files} and images, {_found(checked)}\n", *lines)))
    if checked.damaged or checked.unreadable:
        raise BuildFailed("the store is damaged, or cannot be read")


def _found(checked: Checked) -> str:
    """What came of it, in one line."""
    found = []
    if checked.damaged:
        found.append(f"{len(checked.damaged)} damaged and {_fate(checked)}")
    if checked.unreadable:
        found.append(f"{len(checked.unreadable)} that cannot be read and may be damaged or not")
    return f"{', '.join(found)}:" if found else "all of them good"


def _fate(checked: Checked) -> str:
    """What was done about the damage."""
    kept = len(checked.kept)
    if not kept:
        return "dropped"
    left = "all" if kept == len(checked.damaged) else str(kept)
    return f"{left} left there, since the store cannot be written to"


def _gc(store: Store, options: argparse.Namespace) -> None:
    from venvstacks_dag.store.upkeep import collect
    from venvstacks_dag.store.usage import parse_age

    age = None if options.all else parse_age(options.older_than or _DEFAULT_AGE)
    removed = collect(store, older_than=age, dry_run=options.dry_run)
    if options.json or not options.quiet:
        label = "would be freed" if options.dry_run else "freed"
        _show_rooms(removed, label, as_json=options.json)


def _show_rooms(rooms: Iterable[RoomSize], label: str, *, as_json: bool) -> None:
    from venvstacks_dag.digest import pretty_json
    from venvstacks_dag.reporting.amounts import size_text

    rows = [(room.room, room.count, room.size) for room in rooms]
    size = sum(row[2] for row in rows)
    if as_json:
        listed = [{"room": room, "count": count, "size": size} for room, count, size in rows]
        show(pretty_json({"rooms": listed, "size": size}))
        return
    rows.append((label, sum(row[1] for row in rows), size))
    width = max(len(row[0]) for row in rows)
    lines = (f"{room:<{width}} {count:>8,} {size_text(size):>11}\n" for room, count, size in rows)
    show_text("".join(lines))


_ACTIONS = {"verify": _verify, "gc": _gc, "dir": _dir, "size": _size}
