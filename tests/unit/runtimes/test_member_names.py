from __future__ import annotations

import pytest

from venvstacks_dag.runtimes.member_names import NameClaims, checked_link, checked_name


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("python/bin/python3", "python/bin/python3"),
        ("./python/lib/", "python/lib"),
        ("python/share/terminfo/x/xterm+256", "python/share/terminfo/x/xterm+256"),
        ("python/..hidden/a...b", "python/..hidden/a...b"),
    ],
)
def test_plain_names_pass(name: str, plain: str) -> None:
    assert checked_name(name, windows=False) == plain


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "no name"),
        ("./", "no name"),
        (".", "no name"),
        ("/etc/passwd", "absolute"),
        (".//etc/passwd", "absolute"),
        ("../up", "an empty part"),
        ("python/../../up", "an empty part"),
        ("python/..", "an empty part"),
        ("python//a", "an empty part"),
        ("python/./a", "an empty part"),
        ("python\\..\\a", "backslash"),
        ("C:/a", "colon"),
        ("python/a:stream", "colon"),
        ("python/a\nb", "control character"),
        ("python/a\0b", "control character"),
        ("python/\x7f", "control character"),
        ("a/" * 600, "longer than 1024"),
    ],
)
@pytest.mark.parametrize("windows", [False, True])
def test_names_that_could_lead_astray_are_refused(name: str, message: str, windows: bool) -> None:
    with pytest.raises(ValueError, match=message):
        checked_name(name, windows=windows)


@pytest.mark.parametrize(
    "name", ["a/con", "NUL.txt/b", "com1", "a./b", "a ", "a/b.", "a*b", 'a"b', "a?", "a|b", "<a>"]
)
def test_windows_has_rules_of_its_own(name: str) -> None:
    assert checked_name(name, windows=False) == name
    with pytest.raises(ValueError, match="Windows has no such file names"):
        checked_name(name, windows=True)


def test_names_that_only_look_reserved_pass_on_windows() -> None:
    for name in ("Lib/console.py", "Lib/aux_.py", "Lib/com10.py", "a.b/c"):
        assert checked_name(name, windows=True) == name


@pytest.mark.parametrize(
    ("path", "target", "leads_to"),
    [
        ("bin/python", "python3.12", "bin/python3.12"),
        ("lib/a/b", "../../share/c", "share/c"),
        ("lib64", "lib", "lib"),
        ("lib/terminfo", "../share/terminfo", "share/terminfo"),
        ("lib/up", "..", ""),
    ],
)
def test_links_inside_pass(path: str, target: str, leads_to: str) -> None:
    assert checked_link(path, target) == leads_to


@pytest.mark.parametrize(
    ("path", "target", "message"),
    [
        ("a", "..", "outside"),
        ("a/b", "../../c", "outside"),
        ("a/b", "/etc/passwd", "not a plain relative path"),
        ("a/b", "", "not a plain relative path"),
        ("a/b", "c/../../d", "not a plain relative path"),
        ("a/b", "./c", "not a plain relative path"),
        ("a/b", "c//d", "not a plain relative path"),
        ("a/b", "c\\d", "not a plain relative path"),
        ("a/b", "c\nd", "not a plain relative path"),
    ],
)
def test_links_out_and_around_are_refused(path: str, target: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checked_link(path, target)


def test_folders_may_come_late_and_twice() -> None:
    claims = NameClaims(fold=False)
    claims.claim("a/b/c", is_folder=False)
    claims.claim("a/b", is_folder=True)
    claims.claim("a", is_folder=True)
    claims.claim("a", is_folder=True)
    claims.claim("A/b/c", is_folder=False)
    assert len(claims) == 6


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (("a", False), ("a", False), "same name"),
        (("a", False), ("a", True), "same name"),
        (("a", True), ("a", False), "same name"),
        (("a/b", False), ("a", False), "same name"),
        (("a", False), ("a/b", False), "a, which it lies in, is not a folder"),
        (("a", False), ("a/b/c", True), "a, which it lies in, is not a folder"),
    ],
)
def test_a_name_is_taken_once(
    first: tuple[str, bool], second: tuple[str, bool], message: str
) -> None:
    claims = NameClaims(fold=False)
    claims.claim(first[0], is_folder=first[1])
    with pytest.raises(ValueError, match=message):
        claims.claim(second[0], is_folder=second[1])


def test_case_counts_unless_folded() -> None:
    NameClaims(fold=False).claim("a", is_folder=False)
    claims = NameClaims(fold=True)
    claims.claim("Lib/os.py", is_folder=False)
    claims.claim("lib/OS2.py", is_folder=False)
    with pytest.raises(ValueError, match="same name"):
        claims.claim("lib/OS.py", is_folder=False)
