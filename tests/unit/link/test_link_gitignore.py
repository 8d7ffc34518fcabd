"""What git ignores, compared with git's own documented rules and with git itself."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from venvstacks_dag.link.gitignore import IgnoreRules, repository_root, rules_for


def ignored(rules: IgnoreRules, root: Path, path: str) -> bool:
    """Whether `path` (a folder if it ends with a slash) or a folder above it is ignored."""
    here = root
    parts = path.rstrip("/").split("/")
    for number, part in enumerate(parts, 1):
        here = here / part
        is_folder = number < len(parts) or path.endswith("/")
        if rules.ignores(here, is_folder=is_folder):
            return True
        rules = rules.enter(here)
    return False


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("*.log", "a/b.log", True),
        ("*.log\n!keep.log", "keep.log", False),
        ("!keep.log\n*.log", "keep.log", True),
        ("/build", "build", True),
        ("/build", "a/build", False),
        ("build/", "build", False),
        ("build/", "a/build/x", True),
        ("doc/x", "doc/x", True),
        ("doc/x", "a/doc/x", False),
        ("a/**/b", "a/x/y/b", True),
        ("a/**", "a/", False),
        ("a/**\n!a/b", "a/b", False),
        ("/*\n!/src", "src/x.py", False),
        ("/*\n!/src", "other.py", True),
        ("*\n!*/\n!*.py", "a/b.py", False),
        ("*\n!*/\n!*.py", "a/b.txt", True),
        ("a/\n!a/b", "a/b", True),
        ("# note\n\n  \nx", "# note", False),
        ("\\#x", "#x", True),
        ("x \r\ny", "x", True),
        ("!\n\\\nx", "x", True),
        ("[a-c]?", "bz", True),
        ("caf\u00e9", "caf\u00e9", True),
        ("*.[[:digit:]]", "man.1", True),
        ("*.[[:digit:]]", "man.x", False),
        ("*.[![:digit:]_]", "man.x", True),
        ("*.[![:digit:]_]", "man.1", False),
        ("x[[:upper:][:digit:]]y", "xAy", True),
        ("x[[:upper:][:digit:]]y", "xay", False),
        ("[:digit:]", "g", True),
        ("[:digit:]", "1", False),
        ("\\[[:digit:]]", "[1", False),
        ("\\[[[:digit:]]", "[1", True),
        ("[[]z", "[z", True),
        ("[]-]z", "-z", True),
    ],
)
def test_rules(tmp_path: Path, text: str, path: str, expected: bool) -> None:
    (tmp_path / ".gitignore").write_bytes(text.encode())
    assert ignored(IgnoreRules().enter(tmp_path), tmp_path, path) is expected


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbfx\n")
    assert ignored(IgnoreRules().enter(tmp_path), tmp_path, "x")


def test_deeper_files_have_the_last_word(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.txt\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".gitignore").write_text("!b.txt\n/only\n")
    rules = IgnoreRules().enter(tmp_path)
    assert ignored(rules, tmp_path, "b.txt")
    assert not ignored(rules, tmp_path, "a/b.txt")
    assert ignored(rules, tmp_path, "a/only")
    assert not ignored(rules, tmp_path, "only")


def test_a_linked_gitignore_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("*\n")
    (tmp_path / ".gitignore").symlink_to("rules")
    assert not ignored(IgnoreRules().enter(tmp_path), tmp_path, "x")


def test_a_repository_is_found_by_its_git_folder_or_file(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert repository_root(inner) != tmp_path
    (tmp_path / ".git").write_text("gitdir: /elsewhere\n")
    assert repository_root(inner) == tmp_path
    (tmp_path / "a" / ".git").mkdir()
    assert repository_root(inner) == tmp_path / "a"


def test_rules_above_a_folder_hold_in_it(tmp_path: Path) -> None:
    inner = tmp_path / "src" / "app"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("*.log\n")
    (inner / ".gitignore").write_text("*.tmp\n")
    rules = rules_for(inner)
    assert rules is not None
    assert rules.ignores(inner / "x.log", is_folder=False)
    assert rules.ignores(inner / "x.tmp", is_folder=False)
    assert not rules.ignores(inner / "x.py", is_folder=False)


def test_everything_in_an_ignored_folder_is_ignored(tmp_path: Path) -> None:
    inner = tmp_path / "generated" / "app"
    inner.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("/generated/\n")
    (inner / ".gitignore").write_text("!*\n")
    rules = rules_for(inner)
    assert rules is not None
    assert rules.ignores(inner / "x.py", is_folder=False)


_NAMES = ("a", "b", "c.py", "d.txt", "keep", "x")
_PATTERNS = re.findall(
    r"\S+",
    """
    * !*/ !*.py a/ !a/ /a /a/ a/* !a/b a/** **/b **/b/ !keep *.txt !a/keep b/keep /b x !x/ a/b/
    !b a/**/keep [a-c] ? !d.txt ** !**/keep /* !/a */b a* !c.py
    """,
)


def _grow(folder: Path, depth: int, choice: random.Random) -> None:
    for name in _NAMES:
        if depth < 3 and name in "abx" and choice.random() < 0.7:
            (folder / name).mkdir()
            _grow(folder / name, depth + 1, choice)
        elif choice.random() < 0.7:
            (folder / name).write_text("")
    if depth == 0 or choice.random() < 0.3:
        lines = choice.sample(_PATTERNS, choice.randint(1, 5))
        (folder / ".gitignore").write_text("\n".join(lines) + "\n")


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git itself")
@pytest.mark.parametrize("seed", range(12))
def test_git_says_the_same(tmp_path: Path, seed: int) -> None:
    _grow(tmp_path, 0, random.Random(seed))
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    paths = {
        path.relative_to(tmp_path).as_posix(): path.is_dir()
        for path in tmp_path.rglob("*")
        if not path.relative_to(tmp_path).as_posix().startswith(".git")
        and path.name != ".gitignore"
    }
    answer = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", "--no-index", "--stdin"],
        input="\n".join(paths),
        text=True,
        capture_output=True,
    )
    rules = IgnoreRules().enter(tmp_path)
    ours = {
        path
        for path, is_folder in paths.items()
        if ignored(rules, tmp_path, f"{path}/" if is_folder else path)
    }
    assert ours == set(answer.stdout.split())
