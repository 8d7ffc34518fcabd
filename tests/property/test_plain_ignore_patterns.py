"""Lines of `.gitignore` that are read without pathspec mean what pathspec makes of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from venvstacks_dag.link.gitignore import any_pattern, plain_pattern

LINES = st.text(st.sampled_from("aB.*/-_!# [\\"), min_size=1, max_size=8)
PATHS = st.lists(st.text(st.sampled_from("aB.-_"), min_size=1, max_size=4), max_size=4).map(
    "/".join
)


@given(LINES, PATHS, st.booleans())
@example("*.a", "B/.a", False)
@example("a/*/B/", "a/a/B", True)
@example("a/*", "a/B/a", False)
@example("/a/", "a", True)
@example("*", "a/B", False)
@example("a.*.B", "a..B", False)
def test_both_readings_agree(line: str, path: str, is_folder: bool) -> None:
    plain, other = plain_pattern(line), any_pattern(line)
    if plain is None or not path:
        return
    assert other is not None
    assert plain.ignores == other.ignores
    asked = f"{path}/" if is_folder else path
    assert plain.fits(asked) == other.fits(asked)


@pytest.mark.parametrize(
    "line", ["__pycache__/", "*.egg-info/", "/dist", ".coverage.*", "docs/_build/", "specs/*/x/"]
)
def test_usual_lines_are_plain(line: str) -> None:
    assert plain_pattern(line) is not None


@pytest.mark.parametrize("line", ["!a", "a/**/b", "[ab]", "a?", "\\a", "a ", "/", "//a", ".", ".."])
def test_others_are_for_pathspec(line: str) -> None:
    assert plain_pattern(line) is None


def test_plain_lines_do_not_import_pathspec() -> None:
    code = (
        "import sys; from venvstacks_dag.link.gitignore import _patterns; "
        "_patterns('# note\\n*.pyc\\n/dist/\\n'); sys.exit('pathspec' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
