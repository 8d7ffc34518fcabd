"""What git ignores, told from `.gitignore` files alone: no git is run.

Rules that lie outside of what is committed (``.git/info/exclude``, a user's own excludes file)
and the index play no part: a layer must not depend on whose checkout it is built from.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from venvstacks_dag.fs import read_bytes

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

# What a plain pattern consists of: characters that stand for themselves, and ``*``.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+@*/")

# Sets of characters with names, as in ``[[:digit:]]`` (POSIX; git knows those of ASCII, and no set
# has the slash). pathspec does not read them. None begins with ``!``, which means all others.
_SETS = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": " \t",
    "cntrl": "\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "0-~!-.",
    "lower": "a-z",
    "print": " -.0-~",
    "punct": ":-@[-`{-~!-.",
    "space": "\t\n\r ",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_NAMED_SET = re.compile(r"\[:([a-z]+):\]")
_BRACKETS = re.compile(r"\\.|\[[!^]?\]?(?:\[:[a-z]+:\]|[^\]])*\]")


class _Pattern(NamedTuple):
    """One line that means something: whether it ignores what it names, and what that is.

    `fits` is asked with a path relative to the pattern's folder; a folder's ends with ``/``.
    """

    ignores: bool
    fits: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one `.gitignore`, relative to the folder it lies in, in its order."""

    folder: Path
    patterns: tuple[_Pattern, ...]


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules that hold in one folder of a repository, those of its top first (gitignore(5))."""

    _stack: tuple[_Rules, ...] = ()

    def enter(self, folder: Path) -> IgnoreRules:
        """The rules that hold inside `folder`. Raises `DiskError`."""
        path = folder / ".gitignore"
        # git does not follow a link here, so neither do we.
        if path.is_symlink() or not path.is_file():
            return self
        text = read_bytes(path).decode("utf-8-sig", "surrogateescape")
        return IgnoreRules((*self._stack, _Rules(folder, _patterns(text))))

    def ignores(self, path: Path, *, is_folder: bool) -> bool:
        """Whether the last rule that fits `path` ignores it; the deepest file's rules come last.

        The folders above must have been asked before: what is in an ignored one is ignored.
        """
        for rules in reversed(self._stack):
            relative = path.relative_to(rules.folder).as_posix()
            for pattern in reversed(rules.patterns):
                if pattern.fits(f"{relative}/" if is_folder else relative):
                    return pattern.ignores
        return False


def _patterns(text: str) -> tuple[_Pattern, ...]:
    found = []
    for written in text.split("\n"):
        line = written.removesuffix("\r")
        if line and not line.startswith("#"):
            pattern = plain_pattern(line) or any_pattern(line)
            if pattern is not None:
                found.append(pattern)
    return tuple(found)


def plain_pattern(line: str) -> _Pattern | None:
    """A line of names, with ``*`` in them and ``/`` around them or not; most lines are.

    None for all others, which are for `any_pattern` to read. That gives the same for these, but
    its library takes longer to import than a layer takes to look whether it is up to date.
    """
    wanted = line.removesuffix("/").removeprefix("/").split("/")
    if not _PLAIN.issuperset(line) or any(not name.strip(".") or "**" in name for name in wanted):
        return None
    only_folders = line.endswith("/")
    # A line with a slash before its end is about one place, any other about a name anywhere.
    anywhere = "/" not in line.removesuffix("/")

    def fits(path: str) -> bool:
        names = path.removesuffix("/").split("/")
        if only_folders and not path.endswith("/"):
            return False
        if anywhere:
            return _is_named(names[-1], wanted[0])
        return len(names) == len(wanted) and all(map(_is_named, names, wanted))

    return _Pattern(ignores=True, fits=fits)


def _is_named(name: str, wanted: str) -> bool:
    return fnmatchcase(name, wanted) if "*" in wanted else name == wanted


@cache
def any_pattern(line: str) -> _Pattern | None:
    """A line as pathspec reads it; None for one that names nothing."""
    # Takes a while to import, and many repositories of stacks do without.
    from pathspec.patterns.gitignore import GitIgnorePatternError  # noqa: PLC0415
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            # Of sets that may mean another thing in later Pythons: it is no user's affair.
            warnings.simplefilter("ignore", FutureWarning)
            pattern = GitIgnoreSpecPattern(_BRACKETS.sub(_spelt_out, line))
    except GitIgnorePatternError:
        return None  # To git, a line that is no pattern is one that never fits.
    if pattern.include is None:
        return None
    return _Pattern(pattern.include, partial(_fits, pattern))


def _spelt_out(brackets: re.Match[str]) -> str:
    if brackets[0].startswith("\\"):
        return brackets[0]
    # The bracket that opens the set is none that opens a name.
    inside = brackets[0][1:]
    return "[" + _NAMED_SET.sub(lambda named: _SETS.get(named[1], named[0]), inside)


def _fits(pattern: GitIgnoreSpecPattern, path: str) -> bool:
    """Whether `pattern` names `path` itself (a folder's ends with ``/``), as git asks it.

    pathspec's own matching also says yes where the pattern names a folder above, and then has to
    weigh such answers against others, which differs from git where rules undo one another.
    """
    regex = pattern.regex
    assert regex is not None
    if regex.groupindex:  # pathspec's mark for the slash that ends a folder's name
        return any(match.end() == len(path) for match in regex.finditer(path))
    # What is left are patterns such as `a/**`: all that is in a folder, but not the folder.
    match = regex.search(path)
    return match is not None and (match.end() < len(path) or not path.endswith("/"))


def repository_root(path: Path) -> Path | None:
    """The nearest folder at or above `path` with a `.git` (a folder, or a worktree's file)."""
    return next((folder for folder in (path, *path.parents) if (folder / ".git").exists()), None)


def rules_for(folder: Path) -> IgnoreRules | None:
    """The rules that hold inside `folder`; None outside of a repository. Raises `DiskError`.

    Where `folder` is ignored itself, or lies in a folder that is, they ignore everything.
    """
    root = repository_root(folder)
    if root is None:
        return None
    here, rules = root, IgnoreRules().enter(root)
    for part in folder.relative_to(root).parts:
        here = here / part
        if rules.ignores(here, is_folder=True):
            return IgnoreRules((_Rules(root, _patterns("*")),))
        rules = rules.enter(here)
    return rules
