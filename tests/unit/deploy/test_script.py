"""The deployer as one file: complete, always the same, and content with the standard library."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.deploying import Publisher, told
from venvstacks_dag.cli import main
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.script import script_bytes
from venvstacks_dag.deploy.verify import verify_deployment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the layers need a shell")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "deploy.pyz"
    assert main(["deploy", "--write-script", str(path)]) == 0
    return path


def run(script: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it with nothing but the standard library within reach."""
    return subprocess.run(
        [sys.executable, "-I", "-S", script, *words], capture_output=True, text=True
    )


def test_it_deploys_updates_and_goes_back(script: Path, tmp_path: Path) -> None:
    publisher, target = Publisher(tmp_path / "artifacts"), tmp_path / "target"
    for version, archive_format in (("1", "tar.xz"), ("2", "zip")):
        publisher.publish(version, format=archive_format, locked=int(version))  # type: ignore[arg-type]
        done = run(script, "--no-sync", publisher.folder, target)
        assert done.returncode == 0, done.stderr
        assert told(target) == [version, version]
    assert run(script, "--rollback", target).returncode == 0
    assert told(target) == ["1", "1"]
    assert verify_deployment(Place(target)).findings == ()


def test_without_a_library_for_zstd_it_says_so_first(script: Path, tmp_path: Path) -> None:
    if sys.version_info >= (3, 14):
        pytest.skip("this Python has one")
    artifacts = Publisher(tmp_path / "artifacts").publish("1", format="tar.zst")
    done = run(script, artifacts, tmp_path / "target")
    assert done.returncode == 1
    assert "use Python 3.14" in done.stderr
    assert not (tmp_path / "target").exists()


def test_a_script_that_fails_is_noticed_where_signals_of_children_are_ignored(
    script: Path, tmp_path: Path
) -> None:
    """Some programs that start others ignore them, and what they start takes that over."""
    publisher, target = Publisher(tmp_path / "artifacts"), tmp_path / "target"
    publisher.script = "raise SystemExit('no luck')\n"
    publisher.publish("1", format="tar")
    done = subprocess.run(
        [sys.executable, "-I", "-S", script, "--no-sync", publisher.folder, target],
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
    )
    assert done.returncode == 1
    assert "no luck" in done.stderr
    assert Place(target).current() is None


def test_errors_have_no_traceback(script: Path, tmp_path: Path) -> None:
    done = run(script, tmp_path, tmp_path / "target")
    assert done.returncode == 1
    assert done.stderr.startswith("DeployError: there is no manifest")
    assert run(script).returncode == 2
    assert run(script, "--help").returncode == 0


def test_it_is_always_the_same(script: Path) -> None:
    assert script.read_bytes() == script_bytes()
    assert script.stat().st_mode & 0o777 == 0o755


def test_it_takes_no_folders() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["deploy", "a", "b", "--write-script", "c"])
    assert caught.value.code == 2
