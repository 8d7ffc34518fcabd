"""The same locks give the same bytes, whoever builds them, where, when and how.

One stack with a bit of everything is locked and built for six platforms, in all five formats.
Then each test builds what a version control would hold of it with a store of its own, in other
surroundings, and compares all archives, manifests, bills of materials and trees.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.differences import (
    SUFFIXES,
    content_differences,
    differences,
    tree_differences,
)
from tests.support.elf import make_elf
from tests.support.index_server import LocalIndex
from tests.support.macho import make_macho
from tests.support.pe import make_pe
from tests.support.pythons import other_pythons, version_of
from tests.support.runtimes import make_install_only, write_checksums
from tests.support.stacks import (
    ROOT,
    Outcome,
    Project,
    add_package,
    add_small_packages,
    ended,
)
from tests.support.surroundings import Hook, Surroundings, another_user
from venvstacks_dag.platforms import PLATFORM_NAMES, host_platform
from venvstacks_dag.runtimes.archive_names import TRIPLES

VERSION = "3.12.7"
FORMATS = {
    "linux_x86_64": "tar.zst",
    "linux_aarch64": "tar.xz",
    "win_amd64": "zip",
    "win_arm64": "tar.zst",
    "macosx_arm64": "tar.gz",
    "macosx_x86_64": "tar",
}
YEAR = 366 * 24 * 3600
# SQLite takes paths of 512 bytes; doit's database is some way below.
DEEP = "/".join("deep" * 10 for _ in range(8))

VARIATIONS = {
    "again": Surroundings(),
    "path-with-spaces": Surroundings(place="a place with  spaces/& $signs and \\ too"),
    "path-in-unicode": Surroundings(place="größer/日本/\U0001f40d"),
    "path-deep": Surroundings(place=DEEP),
    "home": Surroundings(environ={"HOME": "/nonexistent", "USER": "nobody", "LOGNAME": "nobody"}),
    "umask-000": Surroundings(umask=0o000),
    "umask-077": Surroundings(umask=0o077),
    "east-hash-seed-0": Surroundings(environ={"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "0"}),
    "west-hash-seed-4242": Surroundings(environ={"TZ": "XYZ11:30", "PYTHONHASHSEED": "4242"}),
    "ascii": Surroundings(environ={"LC_ALL": "C", "LANG": "C"}),
    "optimized": Surroundings(environ={"PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "1"}),
    "one-task-at-a-time": Surroundings(options=["-n", "1"], hook=Hook(cpus=1)),
    "four-processes": Surroundings(options=["-n", "4", "-P", "process"]),
    "four-threads": Surroundings(options=["-n", "4", "-P", "thread"], hook=Hook(cpus=16)),
    "years-ago": Surroundings(hook=Hook(clock=-20 * YEAR)),
    "years-ahead": Surroundings(hook=Hook(clock=20 * YEAR)),
    "folders-shuffled-1": Surroundings(hook=Hook(seed=1)),
    "folders-shuffled-2": Surroundings(hook=Hook(seed=2)),
    "hard-links": Surroundings(environ={"VENVSTACKS_DAG_LINK_MODE": "hardlink"}),
    "copies": Surroundings(environ={"VENVSTACKS_DAG_LINK_MODE": "copy"}),
    "all-at-once": Surroundings(
        place="all at once/ü",
        environ={"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7", "VENVSTACKS_DAG_LINK_MODE": "copy"},
        umask=0o077,
        options=["-n", "3", "-P", "thread"],
        hook=Hook(clock=-7 * YEAR, seed=7, cpus=3),
    ),
}


@dataclass(frozen=True, kw_only=True)
class First:
    """The build that all others are compared with."""

    project: Project
    store: Path


# --- the stack ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny runtime for each of the six platforms."""
    folder = tmp_path_factory.mktemp("runtimes")
    for triple in TRIPLES:
        if "musl" not in triple:
            make_install_only(folder, VERSION, triple)
    write_checksums(folder)
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIndex]:
    """The packages of the small stack, one with all that a wheel may hold, one with libraries."""
    folder = tmp_path_factory.mktemp("wheels")
    with LocalIndex(cache_control="no-cache") as index:
        add_small_packages(index, folder)
        add_everything(index, folder)
        for platform in PLATFORM_NAMES:
            add_libraries(index, folder, platform)
        yield index


def add_everything(index: LocalIndex, folder: Path) -> None:
    """A wheel with data, headers, scripts, programs, entry points and names in Unicode."""
    data = "everything-1.0.data"
    add_package(
        index,
        folder,
        "everything",
        files={
            "everything/__init__.py": "",
            "everything/größe-日本.txt": "size\n",
            "everything/empty": "",
            "everything/helper.sh": "#!/bin/sh\n",
            f"{data}/data/share/everything/Data": "upper\n",
            f"{data}/data/share/everything/also data": "with a space\n",
            f"{data}/headers/everything.h": "int everything;\n",
            f"{data}/scripts/everything-script": "#!python\nprint('a script')\n",
            f"{data}/scripts/everything-program": b"\x7fELF not really",
            f"{data}/purelib/pure_one.py": "",
            f"{data}/platlib/plat_one.py": "",
        },
        executables=["everything/helper.sh", f"{data}/scripts/everything-program"],
        entry_points=(
            "[console_scripts]\neverything = everything:main\nanother = everything:other\n"
            "[gui_scripts]\neverything-gui = everything:gui\n"
        ),
    )


def add_libraries(index: LocalIndex, folder: Path, platform: str) -> None:
    """A wheel of a platform with two shared libraries for layers above."""
    system, _, arch = platform.partition("_")
    if system == "win":
        files = {f"native/{name}.dll": make_pe(exports=[name], arch=arch) for name in "ab"}
    elif system == "macosx":
        files = {
            f"native/lib{name}.dylib": make_macho(
                install_name=f"@rpath/lib{name}.dylib", exports=[name], arch=arch
            )
            for name in "ab"
        }
    else:
        files = {
            f"native/lib{name}.so.1": make_elf(soname=f"lib{name}.so.1", exports=[name], arch=arch)
            for name in "ab"
        }
    tag = platform.replace("linux_", "manylinux_2_17_").replace("macosx_", "macosx_11_0_")
    add_package(index, folder / platform, "native", tag=f"py3-none-{tag}", files=dict(files))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, packages: LocalIndex, runtimes: Path) -> First:
    """The stack, locked and built once."""
    folder = tmp_path_factory.mktemp("first")
    project = Project(
        folder / "project",
        index=packages.simple_url,
        cache=folder / "store",
        python=f"cpython@{VERSION}",
    )
    project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(runtimes)
    project.layer("py")["platforms"] = sorted(FORMATS)
    project.layer("framework-left")["requirements"] = ["lefty", "native"]
    project.layer("framework-right")["requirements"] = ["righty", "everything"]
    project.layer("framework-upper")["versioned"] = True
    project.write("two/data/größe.txt", "groß\n")
    project.write("two/Upper.py", "VALUE = 'ü'\n")
    project.write("two/tool.sh", "#!/bin/sh\n").chmod(0o755)
    project.spec["tool"] = {
        "venvstacks-dag": {
            "targets": {name: {"archive_format": form} for name, form in FORMATS.items()},
            "layers": {"framework-right": {"archive_profile": "release"}},
        }
    }
    project.save()
    built = Surroundings().build(project, folder, "target=all", "build")
    assert built.code == 0, built.output
    made = [path.name for path in artifacts(project).iterdir() if path.is_file()]
    assert {suffix for suffix in SUFFIXES for name in made if name.endswith(suffix)} == {*SUFFIXES}
    assert len(made) == 6 * len(FORMATS)
    return First(project=project, store=folder / "store")


def artifacts(project: Project) -> Path:
    return project.folder / "_artifacts"


def clone_of(
    first: First, folder: Path, tried: Surroundings, *, store: Path | None = None
) -> Project:
    """A checkout: files as the umask leaves them, with times of now."""
    (folder / tried.place).parent.mkdir(parents=True, exist_ok=True)
    clone = first.project.clone(folder / tried.place, cache=store or folder / "store")
    for path in [clone.folder, *clone.folder.rglob("*")]:
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod((0o777 if executable else 0o666) & ~tried.umask)
        os.utime(path)
    return clone


def check_same(first: First, other: Project, *, keep: Callable[[str], bool] = bool) -> None:
    found = [
        *differences(artifacts(first.project), artifacts(other), keep=keep),
        *tree_differences(first.project.folder / "_build", other.folder / "_build"),
    ]
    assert not found, "\n".join(found)
    assert other.locks() == first.project.locks()


def succeeded(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.output
    return outcome


# --- the matrix -----------------------------------------------------------------------------


@pytest.mark.parametrize("tried", VARIATIONS.values(), ids=VARIATIONS)
def test_surroundings_do_not_show(first: First, tmp_path: Path, tried: Surroundings) -> None:
    clone = clone_of(first, tmp_path, tried)
    succeeded(tried.build(clone, tmp_path, "target=all", "build"))
    check_same(first, clone)


def test_another_user_makes_the_same(first: First, tmp_path: Path) -> None:
    tried = another_user(Surroundings())
    clone = clone_of(first, tmp_path, tried)
    succeeded(tried.build(clone, tmp_path, "target=all", "build"))
    if tried.user is not None:
        assert {path.stat().st_uid for path in artifacts(clone).iterdir()} == {tried.user}
    check_same(first, clone)


@pytest.mark.parametrize(("name", "charmap"), [("tr_TR", "UTF-8"), ("de_DE", "UTF-8")])
def test_a_locale_does_not_show(first: First, tmp_path: Path, name: str, charmap: str) -> None:
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not here")
    place = tmp_path / "locales"
    place.mkdir()
    command = ["localedef", "-i", name, "-f", charmap, str(place / f"{name}.{charmap}")]
    if subprocess.run(command, capture_output=True).returncode > 1:
        pytest.skip(f"the system has no sources of {name}")
    environ = {"LOCPATH": str(place), "LC_ALL": f"{name}.{charmap}", "LANG": f"{name}.{charmap}"}
    tried = Surroundings(environ=environ)
    clone = clone_of(first, tmp_path, tried)
    succeeded(tried.build(clone, tmp_path, "target=all", "build"))
    check_same(first, clone)


def test_a_locale_without_utf_8_is_refused(first: First, tmp_path: Path) -> None:
    """Names would be written in other bytes, or not at all; Python itself has it seldom so."""
    none = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    tried = Surroundings(environ=none)
    clone = clone_of(first, tmp_path, tried)
    refused = tried.build(clone, tmp_path, "build")
    assert refused.code == 3
    assert "does not take the names of files for UTF-8" in refused.output
    assert "set PYTHONUTF8=1" in refused.output
    assert "Traceback" not in refused.output


@pytest.mark.parametrize("python", other_pythons(), ids=str)
def test_a_python_of_another_patch_version(first: First, tmp_path: Path, python: Path) -> None:
    if version_of(python)[:2] != sys.version_info[:2]:
        pytest.skip("not the Python of the tests in another patch version")
    tried = Surroundings(python=python, modules=Path(sysconfig.get_path("purelib")))
    clone = clone_of(first, tmp_path, tried)
    succeeded(tried.build(clone, tmp_path, "target=all", "build"))
    check_same_but_for_zlib(first, clone, python)


@pytest.mark.network
@pytest.mark.parametrize("python", other_pythons(), ids=str)
def test_a_python_of_another_minor_version(
    first: First, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, python: Path
) -> None:
    if not (3, 11) <= version_of(python)[:2] != sys.version_info[:2]:
        pytest.skip("too old for the build, or the minor version that runs the tests")
    home = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", "--without-pip", home], check=True)
    mine = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(mine), "install", "-q"]
    # The compressing library's version is what archives may depend on.
    subprocess.run([*pip, "-c", str(ROOT / ".ci/constraints.txt"), "-e", str(ROOT)], check=True)
    tried = Surroundings(python=mine)
    clone = clone_of(first, tmp_path, tried)
    succeeded(tried.build(clone, tmp_path, "target=all", "build"))
    check_same_but_for_zlib(first, clone, mine)


def check_same_but_for_zlib(first: First, other: Project, python: Path) -> None:
    """As `check_same`; where Python has another zlib, what it packs is compared unpacked."""
    code = "import zlib; print(zlib.ZLIB_RUNTIME_VERSION)"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    if done.stdout.strip() == zlib.ZLIB_RUNTIME_VERSION:
        check_same(first, other)
        return
    packed = [name for name, form in FORMATS.items() if form in ("zip", "tar.gz")]
    check_same(first, other, keep=lambda name: not any(platform in name for platform in packed))
    archives = [path.name for path in artifacts(first.project).iterdir()]
    for name in archives:
        if name.endswith((".zip", ".tar.gz")):
            assert content_differences(artifacts(first.project), artifacts(other), name) == []


def test_a_store_that_has_everything(first: First, tmp_path: Path) -> None:
    clone = clone_of(first, tmp_path, Surroundings(), store=first.store)
    succeeded(Surroundings().build(clone, tmp_path, "target=all", "build"))
    check_same(first, clone)


def test_a_store_elsewhere(first: First, tmp_path: Path) -> None:
    """On another disk, from which nothing can be linked, where there is one."""
    shared = Path("/dev/shm")
    other = shared.is_dir() and shared.stat().st_dev != tmp_path.stat().st_dev
    with tempfile.TemporaryDirectory(dir=shared if other else None) as name:
        clone = clone_of(first, tmp_path, Surroundings(), store=Path(name) / "a störe")
        succeeded(Surroundings().build(clone, tmp_path, "target=all", "build"))
    check_same(first, clone)


def test_the_time_that_is_asked_for(first: First, tmp_path: Path) -> None:
    tried = [
        Surroundings(environ={"SOURCE_DATE_EPOCH": "1500000000"}, place="one"),
        Surroundings(environ={"SOURCE_DATE_EPOCH": "1500000000", "TZ": "Asia/Tokyo"}, place="two"),
    ]
    clones = []
    for number, each in enumerate(tried):
        (tmp_path / str(number)).mkdir()
        clones.append(clone_of(first, tmp_path / str(number), each))
        succeeded(each.build(clones[-1], tmp_path / str(number), "target=all", "build"))
    check_same(replace(first, project=clones[0]), clones[1])
    found = differences(artifacts(first.project), artifacts(clones[0]))
    assert any("py-linux_x86_64-1.tar.zst: py: mtime: " in line for line in found), found


def test_one_target_alone_and_one_after_the_other(first: First, tmp_path: Path) -> None:
    """All at once or not: one target's files are the same."""
    clone = clone_of(first, tmp_path, Surroundings())
    for number, target in enumerate(("win_arm64", "macosx_x86_64,linux_aarch64", "all")):
        folder = tmp_path / str(number)
        folder.mkdir()
        succeeded(Surroundings().build(clone, folder, f"target={target}", "build"))
    check_same(first, clone)


def test_the_number_of_threads_of_a_large_layer(
    tmp_path: Path, packages: LocalIndex, runtimes: Path
) -> None:
    """More than what one thread takes at a time, so that several have work."""
    lines = "".join(f"{n * 2654435761 % 2**32:x} and {n}\n" for n in range(1_200_000))
    add_package(packages, tmp_path / "wheels", "large", files={"large.txt": lines})
    made: list[bytes] = []
    for cpus in (1, 5):
        folder = tmp_path / str(cpus)
        project = Project(
            folder / "project",
            index=packages.simple_url,
            cache=folder / "store",
            python=f"cpython@{VERSION}",
        )
        project.spec = {
            "runtimes": [
                {
                    "name": "py",
                    "python_implementation": f"cpython@{VERSION}",
                    "requirements": ["large"],
                    "platforms": [host_platform()],
                }
            ]
        }
        project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(runtimes)
        project.save()
        tried = Surroundings(hook=Hook(cpus=cpus))
        succeeded(tried.build(project, folder, "archive:py"))
        made.append(project.archive("py").read_bytes())
    assert len(lines) > 20 << 20
    assert made[0] == made[1]


# --- what a difference would look like ------------------------------------------------------


def test_a_difference_is_told_by_archive_member_and_field(first: First, tmp_path: Path) -> None:
    """The comparison itself: an edit shows, where it is and what it is."""
    clone = clone_of(first, tmp_path, Surroundings())
    (clone.folder / "two" / "data" / "größe.txt").write_text("klein\n", encoding="utf-8")
    (clone.folder / "two" / "tool.sh").chmod(0o644)
    (clone.folder / "two" / "more.py").touch()
    succeeded(ended(clone.start("doit", "target=all", "build")))
    found = differences(artifacts(first.project), artifacts(clone))
    for platform, suffix in FORMATS.items():
        lines = [line for line in found if line.startswith(f"app-two-{platform}-1.{suffix}: ")]
        text = "\n".join(lines)
        assert "data/größe.txt: content: \n    -groß\n    +klein" in text
        assert "two/more.py: only in the other" in text
        assert "two/tool.sh: mode: " in text
    assert not any(line.startswith(("app-one", "py-", "framework-")) for line in found)
    trees = tree_differences(first.project.folder / "_build", clone.folder / "_build")
    assert any("app-two" in line and "größe.txt: content" in line for line in trees)
