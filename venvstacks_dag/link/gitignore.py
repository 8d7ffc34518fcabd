"""What git ignores, told from `.gitignore` files alone: no git is run.

Rules that lie outside of what is committed (``.git/info/exclude``, a user's own excludes file)
and the index play no part: a layer must not depend on whose checkout it is built from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks_dag.fs import read_bytes

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one `.gitignore`, relative to the folder it lies in, in its order."""

    folder: Path
    patterns: tuple[GitIgnoreSpecPattern, ...]


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
                if _fits(pattern, f"{relative}/" if is_folder else relative):
                    return bool(pattern.include)
        return False


def _patterns(text: str) -> tuple[GitIgnoreSpecPattern, ...]:
    # Takes a while to import, and many repositories of stacks have no such file.
    from pathspec.patterns.gitignore import GitIgnorePatternError  # noqa: PLC0415
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern  # noqa: PLC0415

    found = []
    for line in text.split("\n"):
        try:
            pattern = GitIgnoreSpecPattern(line.removesuffix("\r"))
        except GitIgnorePatternError:
            continue  # To git, a line that is no pattern is one that never fits.
        if pattern.include is not None:
            found.append(pattern)
    return tuple(found)


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
