"""The scripts `bin/python`, each in the shells that may run it, in folders with odd names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.wrapper import lay_out
from venvstacks_dag.platforms import TargetPlatform

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sys.implementation.name != "cpython",
    reason="runs layers for Linux on the CPython at hand",
)
GLIBC = TargetPlatform(name="linux_x86_64")
MUSL = TargetPlatform(name="linux_x86_64", musl=(1, 2))
# Its script can be run by zsh anywhere; only what the variable is called differs.
MACOS = TargetPlatform(name="macosx_arm64")
ABOUT = (
    "import json, os, sys; print(json.dumps([sys.executable, sys.prefix,"
    " os.environ.get('DYLD_LIBRARY_PATH', os.environ.get('LD_LIBRARY_PATH')), sys.argv[1:]]))"
)
ODD = [
    'it\'s a "place"',
    "$HOME `x` $(false) ${0}",
    "a*[b]?{c,d}",
    "back\\slash \\n",
    "-e",
    "~",
    "#! % & | < > ( ) !!",
    "caf\u00e9 \u4f60\u597d \U0001f40d",
    " ends with space ",
]


def shells() -> Iterator[Any]:
    """A target, and how the script is run: as it is written, or by another `sh`."""
    yield pytest.param(GLIBC, None, id="bash")
    yield pytest.param(MUSL, None, id="sh")
    if Path("/bin/zsh").exists():
        yield pytest.param(MACOS, None, id="zsh")
    for name in ("dash", "busybox", "bash", "ksh", "zsh"):
        path = shutil.which(name)
        if path:
            yield pytest.param(MUSL, path, id=f"sh-is-{name}")


SHELLS = list(shells())


def make(folder: Path, target: TargetPlatform, shell: str | None) -> Path:
    """The layers' scripts in `folder`; with `shell`, run by a link called `sh` to that."""
    scripts = lay_out(folder, target)
    if shell is not None:
        home = folder.parent / "shell"
        home.mkdir(exist_ok=True)
        link = home / "sh"
        if not link.is_symlink():
            link.symlink_to(shell)
        text = (scripts / "python").read_text()
        (scripts / "python").write_text(text.replace("#!/bin/sh\n", f"#!{link}\n", 1))
    return scripts


def run(
    command: Sequence[str | Path], cwd: Path | None = None, /, **environ: str
) -> tuple[str, str, str | None, list[str]]:
    done = subprocess.run(
        [*command, "-c", ABOUT, "an argument", "*", "", "$x\n"],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    executable, prefix, libraries, arguments = json.loads(done.stdout)
    assert arguments == ["an argument", "*", "", "$x\n"]
    return executable, prefix, libraries, arguments


def expect(
    found: tuple[str, str, str | None, list[str]], scripts: Path, target: TargetPlatform
) -> None:
    executable, prefix, libraries, _ = found
    name = "python_" if target.uses_musl else "python"
    assert os.path.normpath(executable) == str(scripts / name)
    assert os.path.normpath(prefix) == str(scripts.parent)
    folders = [f"{scripts.parent.parent}/framework-{x}/share/venv/dynlib" for x in "ab"]
    assert libraries is not None
    assert [os.path.normpath(folder) for folder in libraries.split(":")] == folders


@pytest.mark.parametrize(("target", "shell"), SHELLS)
@pytest.mark.parametrize("name", ODD)
def test_any_folder_will_do(
    tmp_path: Path, name: str, target: TargetPlatform, shell: str | None
) -> None:
    scripts = make(tmp_path / name, target, shell)
    expect(run([scripts / "python"]), scripts, target)
    expect(run(["./python3"], linked(scripts)), scripts, target)
    expect(run(["app-x/bin/python"], tmp_path / name), scripts, target)
    expect(run(["../bin/python"], scripts), scripts, target)


def linked(scripts: Path) -> Path:
    if not (scripts / "python3").is_symlink():
        (scripts / "python3").symlink_to("python")
    return scripts


@pytest.mark.parametrize(("target", "shell"), SHELLS)
def test_it_can_be_called_through_links_and_found_on_a_path(
    tmp_path: Path, target: TargetPlatform, shell: str | None
) -> None:
    scripts = linked(make(tmp_path / "it's here", target, shell))
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "first").symlink_to(scripts / "python3")
    (elsewhere / "python").symlink_to("first")
    for command in ([elsewhere / "first"], [elsewhere / "python"], ["./python"]):
        expect(run(command, elsewhere), scripts, target)
    (elsewhere / "layer").symlink_to(scripts.parent)
    prefix = run([elsewhere / "layer" / "bin" / "python"])[1]
    # On macOS links are followed to where the layers lie.
    assert prefix == str(scripts.parent if target is MACOS else elsewhere / "layer")
    path = f"{scripts}:{os.environ['PATH']}"
    found = subprocess.run(
        ["/bin/sh", "-c", "python -c 'import sys; print(sys.prefix)'"],
        env={"PATH": path},
        capture_output=True,
        text=True,
    )
    assert found.stdout == f"{scripts.parent}\n"


@pytest.mark.parametrize(("target", "shell"), SHELLS)
@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("", "{a}:{b}"),
        ("/some/where", "/some/where:{a}:{b}"),
        ("/a b:/it's *", "/a b:/it's *:{a}:{b}"),
        ("{b}", "{b}:{a}"),
        ("{a}:/last:{b}", "{a}:/last:{b}"),
    ],
)
def test_what_is_set_already_stays_in_front(
    tmp_path: Path, target: TargetPlatform, shell: str | None, preset: str, expected: str
) -> None:
    scripts = make(tmp_path / "l[a]yers", target, shell)
    own = {x: f"{scripts}/../../framework-{x}/share/venv/dynlib" for x in "ab"}
    variable = "DYLD_LIBRARY_PATH" if target is MACOS else "LD_LIBRARY_PATH"
    found = run([scripts / "python"], **{variable: preset.format(**own)})
    assert found[2] == expected.format(**own)


@pytest.mark.parametrize(("target", "shell"), SHELLS)
def test_the_environment_of_a_shell_changes_nothing(
    tmp_path: Path, target: TargetPlatform, shell: str | None
) -> None:
    scripts = make(tmp_path / "layers", target, shell)
    start = tmp_path / "start"
    start.write_text("echo from the start-up file; exit 3\n")
    preset = {
        "BASH_ENV": str(start),
        "ENV": str(start),
        "CDPATH": "/",
        "IFS": "/",
        "PWD": "/nowhere",
    }
    if target is GLIBC:
        preset["BASH_FUNC_exec%%"] = "() { echo taken over; }"
    expect(run([scripts / "python"], **preset), scripts, target)
    expect(run(["bin/python"], scripts.parent, **preset), scripts, target)


@pytest.mark.parametrize(("target", "shell"), SHELLS)
def test_what_it_starts_finds_the_same(
    tmp_path: Path, target: TargetPlatform, shell: str | None
) -> None:
    scripts = make(tmp_path / "layers", target, shell)
    code = (
        "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c',"
        " 'import os, sys; print(os.environ[sys.argv[1]], sys.prefix)', sys.argv[1]]))"
    )
    variable = "DYLD_LIBRARY_PATH" if target is MACOS else "LD_LIBRARY_PATH"
    done = subprocess.run(
        [scripts / "python", "-c", code, variable], capture_output=True, text=True, env={}
    )
    folders = [f"{scripts}/../../framework-{x}/share/venv/dynlib" for x in "ab"]
    assert done.stdout == f"{':'.join(folders)} {scripts.parent}\n"


@pytest.mark.parametrize(("target", "shell"), SHELLS)
def test_exit_code_and_standard_input_are_pythons(
    tmp_path: Path, target: TargetPlatform, shell: str | None
) -> None:
    scripts = make(tmp_path / "layers", target, shell)
    code = b"import sys; sys.exit(7)\n"
    assert subprocess.run([scripts / "python", "-"], input=code).returncode == 7
