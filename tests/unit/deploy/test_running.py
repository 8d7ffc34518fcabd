"""Running applications: found by their names, and the process becomes theirs."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deploying import SITE, TARGETS, Publisher, deployed, make_layer
from venvstacks_dag.cli import main
from venvstacks_dag.deploy.finish import launcher_files
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.running import find_command
from venvstacks_dag.errors import DeployError, UnknownLayer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the layers need a shell")
COMMAND = Path(sys.executable).with_name("venvstacks-dag")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Layers side by side, as in a build folder or an export."""
    for target in TARGETS:
        make_layer(tmp_path / "build" / target, target, "1")
    (tmp_path / "build" / "py" / "bin" / "python").chmod(0o755)
    return tmp_path / "build"


@pytest.mark.parametrize("name", ["one", "app-one"])
def test_applications_are_found(folder: Path, name: str) -> None:
    python = str(folder / "app-one" / "bin" / "python")
    assert find_command(folder, name) == [python, "-P", "-m", "one"]


def test_versioned_applications_are_found(folder: Path) -> None:
    (folder / "app-one").rename(folder / "app-one@3")
    for name in ("one", "app-one", "app-one@3", "one@3"):
        assert "app-one@3" in find_command(folder, name)[0]


def test_the_current_version_of_a_deployment(tmp_path: Path) -> None:
    ended = deployed(Publisher(tmp_path / "a").publish("1"), tmp_path / "t", compile_modules=False)
    assert find_command(tmp_path / "t", "two")[0] == str(ended.folder / "app-two/bin/python")


@pytest.mark.parametrize(("name", "fix"), [("on", "app-one"), ("twoo", "app-two"), ("x", "there")])
def test_unknown_names_get_advice(folder: Path, name: str, fix: str) -> None:
    with pytest.raises(UnknownLayer) as caught:
        find_command(folder, name)
    assert fix in (caught.value.fix or "")


def test_folders_without_applications(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="no application"):
        find_command(tmp_path, "x")
    with pytest.raises(DeployError, match="cannot be read"):
        find_command(tmp_path / "nowhere", "x")
    assert main(["run", "--from", str(tmp_path), "x"]) == 1


def command(folder: Path, code: str, *arguments: str) -> list[str]:
    (folder / "app-one" / SITE / "one.py").write_text(code)
    return [str(COMMAND), "run", "--from", str(folder), "one", *arguments]


def test_arguments_and_exit_codes_are_the_applications(folder: Path) -> None:
    code = "import sys; print(sys.argv[1:]); sys.exit(3)"
    done = subprocess.run(
        command(folder, code, "--help", "-q", "--", "a b"), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (3, "['--help', '-q', '--', 'a b']\n")


def test_signals_reach_the_application(folder: Path) -> None:
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    process = subprocess.Popen(command(folder, code), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 9
    process.stdout.close()


def test_the_current_folder_is_not_imported_from(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("VERSION = 'of a stranger'\n")
    words = command(folder, "import mine; print(mine.VERSION)")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr


def test_launchers_for_windows(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "t"
    deployed(Publisher(tmp_path / "a").publish("1"), target, compile_modules=False)
    place = Place(target)
    version = place.current() or ""
    files = launcher_files(place.tree(version), place.stack(version), windows=True)
    assert files["app-one.cmd"] == b'@"%~dp0..\\app-one\\bin\\python" -P -m one %*\r\n'
