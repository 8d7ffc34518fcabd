from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tomli_w
from packaging.pylock import Pylock

from tests.support.fake_index import FakePackage
from tests.unit.resolve.support import FOLDER, PYTHON, document, lock, lower, wheel_table
from venvstacks_dag.errors import LockError
from venvstacks_dag.platforms import PythonVersion, TargetPlatform
from venvstacks_dag.resolve.file_names import lock_file_name
from venvstacks_dag.resolve.lockfile import parse_lock, render_lock
from venvstacks_dag.resolve.model import SHARED_CLAUSE, LayerLock
from venvstacks_dag.resolve.packages import own_marker, own_packages, shared_packages
from venvstacks_dag.resolve.pinned import pinned_wheels

PATH = FOLDER / "pylock.app-x.toml"
LINUX = TargetPlatform(name="linux_x86_64")
WINDOWS = TargetPlatform(name="win_amd64")
A = "a-1.0-py3-none-any.whl"


def parse(value: dict[str, Any]) -> LayerLock:
    return parse_lock(tomli_w.dumps(value).encode(), PATH, "app-x")


def with_wheel(**parts: Any) -> dict[str, Any]:
    value = document(A)
    value["packages"][0]["wheels"] = [wheel_table(A, **parts)]
    return value


def with_package(**parts: Any) -> dict[str, Any]:
    value = document(A)
    package = {**value["packages"][0], **parts}
    value["packages"] = [{key: item for key, item in package.items() if item is not None}]
    return value


def test_dots_in_a_layers_name_become_underscores() -> None:
    assert lock_file_name("cpython-3.12") == "pylock.cpython-3_12.toml"


def test_a_rendered_lock_is_plain_toml_in_single_quotes() -> None:
    made = lock(["a 1.0 | b; sys_platform == 'win32'", "b 1.0"], "a")
    text = render_lock(made).decode()
    assert text.startswith("# Made by venvstacks-dag")
    assert "marker = \"sys_platform == 'win32'\"" in text
    assert 'requires-python = "==3.12.*"' in text
    assert "\r" not in text


def test_shared_packages_are_spelt_as_venvstacks_spells_them() -> None:
    below = lower("cpython-3.12", "b 1.0", "c 1.0 ; sys_platform == 'win32'")
    made = lock(["b 1.0", "c 1.0"], "b", "c ; sys_platform == 'win32'", lower=(below,))
    text = render_lock(made).decode()
    assert "marker = \"sys_platform == 'from_lower_layer'\"" in text
    assert "marker = \"(sys_platform == 'win32') and sys_platform == 'from_lower_layer'\"" in text
    assert [package.name for package in shared_packages(made)] == ["b", "c"]
    assert own_packages(made) == ()
    assert pinned_wheels(made, LINUX, PYTHON, Path(FOLDER)) == ()


def test_shared_packages_may_come_without_wheels_as_venvstacks_writes_them() -> None:
    value = document(A, "b-1.0-py3-none-any.whl")
    for package in value["packages"]:
        del package["wheels"]
    value["packages"][0]["marker"] = SHARED_CLAUSE
    value["packages"][1]["marker"] = f"(sys_platform == 'linux') and {SHARED_CLAUSE}"
    found = parse(value)
    assert [package.name for package in shared_packages(found)] == ["a", "b"]
    assert all(package.wheels is None for package in found.pylock.packages)
    assert parse_lock(render_lock(found), PATH, "app-x") == found


def test_a_lock_knows_its_folder_where_its_path_is_absolute() -> None:
    data = tomli_w.dumps(document(A)).encode()
    assert parse_lock(data, PATH, "app-x").folder == FOLDER
    assert parse_lock(data, PurePosixPath("pylock.toml"), "app-x").folder is None


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no packages": ({"lock-version": "1.0", "created-by": "x"}, "'packages' must be an array"),
    "packages of another type": ({**document(), "packages": {}}, "'packages' must be an array"),
    "a package of another type": ({**document(), "packages": ["a"]}, "'packages' must be an array"),
    "a newer format": ({**document(A), "lock-version": "2.0"}, "version 2.0 is not supported"),
    "no format": ({"created-by": "x", "packages": []}, "lock-version"),
    "no source": (with_package(wheels=None), "Exactly one of"),
    "a source distribution": (
        with_package(sdist={"url": "https://files.example/a-1.0.tar.gz", "hashes": {"md5": "x"}}),
        "packages[0] has a sdist",
    ),
    "a folder": (with_package(wheels=None, directory={"path": "."}), "packages[0] has a directory"),
    "a repository": (
        with_package(wheels=None, vcs={"type": "git", "path": ".", "commit-id": "1"}),
        "packages[0] has a vcs",
    ),
    "an archive": (
        with_package(wheels=None, archive={"path": "a.zip", "hashes": {"sha256": "0"}}),
        "packages[0] has a archive",
    ),
    "no version": (with_package(version=None), "packages[0] (a) has no version"),
    "a name that is not normalised": (with_package(name="A"), "not normalized"),
    "a marker that is none": (with_package(marker="sys_platform ="), "marker"),
    "a marker that makes no sense": (with_package(marker="os_name ~= 'x'"), "makes no sense"),
    "an environment that makes no sense": (
        {**document(A), "environments": ["os_name ~= 'x'"]},
        "the marker of environments makes no sense",
    ),
    "a shared marker of another form": (
        with_package(marker=f"os_name == 'nt' or {SHARED_CLAUSE}"),
        "must stand in a clause of its own",
    ),
    "a shared marker without its clause": (
        with_package(marker="sys_platform != 'from_lower_layer'"),
        "must stand in a clause of its own",
    ),
    "a shared marker that would hold": (
        with_package(marker=f"os_name == 'nt' or os_name == 'posix' and {SHARED_CLAUSE}"),
        "must stand in a clause of its own",
    ),
    "md5 only": (with_wheel(hashes={"md5": "0" * 32}), "it has no sha256 digest"),
    "no digest": (with_wheel(hashes={}), "hash"),
    "a digest in capitals": (with_wheel(hashes={"sha256": "A" * 64}), "is no sha256 digest"),
    "a short digest": (with_wheel(hashes={"sha256": "a" * 63}), "is no sha256 digest"),
    "a negative size": (with_wheel(size=-1), "its size is negative"),
    "another project's wheel": (with_wheel(name="b-1.0-py3-none-any.whl"), "not consistent"),
    "another version's wheel": (with_wheel(name="a-2.0-py3-none-any.whl"), "not consistent"),
    "a file name that is none": (with_wheel(name="a.whl"), "Invalid wheel filename"),
    "a file name that is a path": (
        with_wheel(name="a-1.0-py3-none-any/evil.whl"),
        "a file name may hold",
    ),
    "a file name with an escape": (
        with_wheel(name="a-1.0-py3-none-\x1b[2J.whl"),
        "a file name may hold",
    ),
    "a control character in an address": (
        with_wheel(url=f"https://files.example/\x1b[2J/{A}"),
        "control characters",
    ),
    "a relative address": (with_wheel(url=A), "not relative"),
    "another scheme": (with_wheel(url=f"ftp://files.example/{A}"), "not ftp"),
    "no host": (with_wheel(url=f"https:///{A}"), "names no host"),
    "an address that cannot be parsed": (with_wheel(url=f"https://[::/{A}"), "cannot be parsed"),
    "credentials": (with_wheel(url=f"https://me:secret@files.example/{A}"), "holds credentials"),
    "a path to another file": (
        with_wheel(url=None, path="../wheels/b-1.0-py3-none-any.whl"),
        "does not end in",
    ),
    "a control character in a path": (
        with_wheel(url=None, path=f"../\x00/{A}"),
        "control characters",
    ),
    "a name whose tags multiply": (
        with_wheel(url=f"https://h/a-1.0-{'.'.join(f'p{n}' for n in range(90))}-none-any.whl"),
        "a file name of more than 255 characters",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_lock_says_what_is_wrong(case: str) -> None:
    value, fragment = REFUSED[case]
    with pytest.raises(LockError) as caught:
        parse(value)
    error = caught.value
    assert fragment in str(error)
    assert "secret" not in str(error)
    assert (error.layer, error.where) == ("app-x", str(PATH))
    assert error.fix


@pytest.mark.parametrize("data", [b"\xff", b"packages = [", b"a = 1\na = 2"])
def test_bytes_that_are_no_toml_are_refused(data: bytes) -> None:
    with pytest.raises(LockError, match="it is no TOML"):
        parse_lock(data, PATH, "app-x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        ("a = " + "9" * 5000, "a number of a thousand digits or more"),
        ("packages = [{name = 'a', version = '" + "9" * 5000 + "'}]", "a number of a thousand"),
        ("packages = 1\n" + "lock-version" + ".a" * 5000 + " = 1", "must be an array|too deeply"),
    ],
    ids=["deep", "number", "version", "deep keys"],
)
def test_toml_beyond_all_reason_is_refused(text: str, said: str) -> None:
    with pytest.raises(LockError, match=said) as caught:
        parse_lock(text.encode(), PATH, "app-x")
    assert caught.value.where == str(PATH)


def test_wheels_are_chosen_by_tag_then_build_tag_then_order() -> None:
    names = [
        "a-1.0-py3-none-any.whl",
        "a-1.0-1-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1.0-2-cp312-cp312-manylinux_2_17_x86_64.whl",
        "a-1.0-cp312-cp312-win_amd64.whl",
    ]
    value = with_package(wheels=[wheel_table(name) for name in names])
    found = parse(value)
    assert [w.filename for w in pinned_wheels(found, LINUX, PYTHON, Path(FOLDER))] == [names[2]]
    assert [w.filename for w in pinned_wheels(found, WINDOWS, PYTHON, Path(FOLDER))] == [names[3]]
    value["packages"][0]["wheels"].reverse()
    assert pinned_wheels(parse(value), LINUX, PYTHON, Path(FOLDER))[0].filename == names[2]


def test_a_pinned_wheel_has_all_that_fetching_needs(tmp_path: Path) -> None:
    (remote,) = pinned_wheels(parse(with_wheel(size=7)), LINUX, PYTHON, tmp_path)
    assert (remote.name, remote.version, remote.size) == ("a", "1.0", 7)
    assert (remote.url, remote.path) == (f"https://files.example/{A}", None)
    local = with_wheel(url=None, path=f"../wheels/{A}", size=None)
    (wheel,) = pinned_wheels(parse(local), LINUX, PYTHON, tmp_path)
    assert (wheel.url, wheel.size) == (None, None)
    assert wheel.path == tmp_path / ".." / "wheels" / A


def test_markers_decide_what_is_installed() -> None:
    found = parse(document(A, marker="sys_platform == 'win32'"))
    assert pinned_wheels(found, LINUX, PYTHON, Path(FOLDER)) == ()
    assert [w.name for w in pinned_wheels(found, WINDOWS, PYTHON, Path(FOLDER))] == ["a"]


def test_no_wheel_for_a_target_names_those_that_would_work() -> None:
    found = parse(document("a-1.0-cp312-cp312-win_amd64.whl"))
    with pytest.raises(LockError) as caught:
        pinned_wheels(found, LINUX, PYTHON, Path(FOLDER))
    assert "no wheel of a 1.0 for linux_x86_64" in str(caught.value)
    assert "its wheels are for win_amd64" in str(caught.value)
    assert caught.value.where == str(FOLDER)


def test_no_wheel_for_any_target_blames_the_python_version() -> None:
    found = parse(document("a-1.0-cp39-cp39-win_amd64.whl"))
    with pytest.raises(LockError, match="its wheels are for other Python versions"):
        pinned_wheels(found, WINDOWS, PYTHON, Path(FOLDER))


def test_two_versions_for_one_target_are_refused() -> None:
    found = parse(document(A, "a-2.0-py3-none-any.whl"))
    with pytest.raises(LockError, match="two versions of a are locked for linux_x86_64"):
        pinned_wheels(found, LINUX, PYTHON, Path(FOLDER))


def test_a_lock_for_another_python_is_refused() -> None:
    made = lock(["a 1.0"], "a")
    other = PythonVersion(major=3, minor=13, micro=0)
    with pytest.raises(LockError, match=r"the lock is for Python ==3\.12\.\*, not for 3\.13\.0"):
        pinned_wheels(made, LINUX, other, Path(FOLDER))


def test_a_target_that_the_lock_does_not_cover_is_refused() -> None:
    made = lock(["a 1.0"], "a", targets=(LINUX,))
    with pytest.raises(LockError, match="the lock does not cover win_amd64"):
        pinned_wheels(made, WINDOWS, PYTHON, Path(FOLDER))


def test_local_wheels_are_written_relative_to_the_lock() -> None:
    package = FakePackage(name="a", local=True)
    made = lock([package], "a", lock_folder=PurePosixPath("/project/requirements/app-x"))
    (written,) = made.pylock.packages
    assert written.index == "file:///wheels"
    assert [wheel.path for wheel in written.wheels or ()] == [f"../../../wheels/{A}"]
    assert [wheel.url for wheel in written.wheels or ()] == [None]
    (pinned,) = pinned_wheels(made, LINUX, PYTHON, Path("/project/requirements/app-x"))
    assert pinned.path == Path(f"/project/requirements/app-x/../../../wheels/{A}")


def test_an_empty_lock_has_an_empty_list_of_packages() -> None:
    made = lock([])
    assert "packages = []" in render_lock(made).decode()
    assert parse_lock(render_lock(made), PATH, "app-x").pylock == made.pylock


def test_a_lock_for_no_target_has_no_environments() -> None:
    made = lock([], targets=())
    assert made.pylock.environments is None
    assert "environments" not in render_lock(made).decode()


def test_markers_that_hold_single_quotes_keep_their_own() -> None:
    found = parse(document(A, marker='platform_version == "it\'s"'))
    assert parse_lock(render_lock(found), PATH, "app-x") == found


def test_locks_built_by_hand_need_no_folder() -> None:
    made = LayerLock(
        env_name="app-x",
        pylock=Pylock.from_dict(document("a-1.0-1-cp39-cp39-any.whl")),
        input_digest="",
    )
    with pytest.raises(LockError) as caught:
        pinned_wheels(made, LINUX, PYTHON, Path(FOLDER))
    assert caught.value.where is None


def test_markers_of_several_groups_come_back_whole() -> None:
    own = "(os_name == 'nt' or os_name == 'java') and (sys_platform == 'x' or sys_platform == 'y')"
    value = document(A, marker=f"({own}) and {SHARED_CLAUSE}")
    (package,) = parse(value).pylock.packages
    assert own_marker(package) == own
    unusual = document(A, marker=f"{own} and {SHARED_CLAUSE}")
    with pytest.raises(LockError, match="must stand in a clause of its own"):
        parse(unusual)


def test_a_package_for_other_pythons_is_refused() -> None:
    good = parse(with_package(**{"requires-python": ">=3.8"}))
    assert len(pinned_wheels(good, LINUX, PYTHON, Path(FOLDER))) == 1
    newer = parse(with_package(**{"requires-python": ">=3.13"}))
    with pytest.raises(LockError, match=r"a 1\.0 for Python >=3\.13, not for 3\.12\.7"):
        pinned_wheels(newer, LINUX, PYTHON, Path(FOLDER))


def test_a_platform_without_a_wheel_can_be_left_out() -> None:
    value = document("a-1.0-py3-none-win_amd64.whl")
    with pytest.raises(LockError) as caught:
        pinned_wheels(parse(value), LINUX, PYTHON, Path(FOLDER))
    assert "its wheels are for win_amd64" in str(caught.value)
    assert "leave out linux_x86_64 in the layer's platforms" in str(caught.value)


def test_an_empty_file_has_a_size() -> None:
    (wheel,) = pinned_wheels(parse(with_wheel(size=0)), LINUX, PYTHON, Path(FOLDER))
    assert wheel.size == 0
