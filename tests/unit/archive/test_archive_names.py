"""Names and link targets that archives may and may not hold."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvstacks_dag.archive import names
from venvstacks_dag.archive.names import link_problem, name_problem

GOOD_NAMES = [
    "top",
    "app-x@3/bin/python",
    "top/lib/python3.11/site-packages/größe/日本.py",
    "top/.hidden",
    "top/with space/and;quotes'\".txt",
    "top/" + "n" * 255,
    "top/a..b",
    "top/C",
]
BAD_NAMES = [
    ("", "it is empty"),
    ("/etc/passwd", "absolute"),
    ("C:/x", "drive"),
    ("c:x", "drive"),
    ("top//x", "the part ''"),
    ("top/x/", "the part ''"),
    ("top/./x", "the part '.'"),
    ("top/../x", "the part '..'"),
    ("..", "the part '..'"),
    ("top/a\\b", "backslash"),
    ("top/a\nb", "control"),
    ("top/a\x00b", "control"),
    ("top/a\x9fb", "control"),
    ("top/a\u2028b", "control"),
    ("top/\udcff", "not UTF-8"),
    ("top/" + "n" * 256, "longer than 255"),
    ("top/" + "é" * 128, "longer than 255"),
    ("/".join(["n" * 100] * 50), "longer than 4096"),
]
BAD_ON_WINDOWS = [
    ("top/a:b", "character"),
    ("top/what?", "character"),
    ("top/trailing.", "dot or space"),
    ("top/trailing /x", "dot or space"),
    ("top/nul", "device"),
    ("top/Con.txt", "device"),
    ("top/COM1.tar.gz", "device"),
    ("top/lpt²", "device"),
    ("top/aux .py", "device"),
]
FINE_ON_WINDOWS = ["top/console.py", "top/com10", "top/nul_.py", "top/auxiliary/x", "top/.a.b"]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_names_that_are_allowed(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(("name", "why"), BAD_NAMES)
def test_names_that_are_not_allowed(name: str, why: str) -> None:
    problem = name_problem(name)
    assert problem is not None
    assert why in problem


@pytest.mark.parametrize(("name", "why"), BAD_ON_WINDOWS)
def test_names_that_only_windows_cannot_bear(name: str, why: str) -> None:
    assert name_problem(name) is None
    problem = name_problem(name, windows=True)
    assert problem is not None
    assert why in problem


@pytest.mark.parametrize("name", FINE_ON_WINDOWS)
def test_names_that_windows_can_bear(name: str) -> None:
    assert name_problem(name, windows=True) is None


GOOD_LINKS = [
    ("top/bin/python3", "python3.11"),
    ("top/bin/python", "../../cpython@2/bin/python3"),
    ("top/lib/a/b/c", "../../x/./y"),
    ("top/peer", "../other"),
    ("top/same", "."),
    ("top/lib/up", ".."),
]
BAD_LINKS = [
    ("top/x", "", "empty"),
    ("top/x", "/etc/passwd", "absolute"),
    ("top/x", "C:x", "drive"),
    ("top/x", "../../etc", "out of the layers"),
    ("top/bin/x", "../../../etc", "out of the layers"),
    ("top/x", "..", "out of the layers"),
    ("top/bin/x", "../..", "out of the layers"),
    ("top/bin/x", "a/../../../etc", "behind another name"),
    ("top/bin/x", "a/..", "behind another name"),
    ("top/bin/x", "./../y", "behind another name"),
    ("top/bin/x", "a//b", "empty part"),
    ("top/bin/x", "a/", "empty part"),
    ("top/bin/x", "a\\b", "backslash"),
    ("top/bin/x", "a\nb", "control"),
    ("top/bin/x", "\udcff", "not UTF-8"),
]


@pytest.mark.parametrize(("name", "target"), GOOD_LINKS)
def test_links_that_are_allowed(name: str, target: str) -> None:
    assert link_problem(name, target) is None


@pytest.mark.parametrize(("name", "target", "why"), BAD_LINKS)
def test_links_that_are_not_allowed(name: str, target: str, why: str) -> None:
    problem = link_problem(name, target)
    assert problem is not None
    assert why in problem


@given(st.text(st.sampled_from("aZ0._-+/: \\\n\u00e9"), max_size=20) | st.text(max_size=10))
def test_plain_names_are_told_by_the_same_rules(name: str) -> None:
    check_both_ways(name)


def check_both_ways(name: str) -> None:
    quick = name_problem(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "_PLAIN", re.compile("(?!)"))
        assert name_problem(name) == quick


@pytest.mark.parametrize("parts", [1, 39, 40, 41])
@pytest.mark.parametrize("length", [99, 100, 101])
def test_no_plain_name_is_too_long(parts: int, length: int) -> None:
    check_both_ways("/".join(["n" * length] * parts))
