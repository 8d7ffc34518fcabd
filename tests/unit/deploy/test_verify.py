"""Verifying: whatever is changed is found, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.deploying import SITE, TARGETS, Publisher, deployed, make_layer
from venvstacks_dag._injected import postinstall
from venvstacks_dag.cli import main
from venvstacks_dag.deploy.finish import local_files
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.running import find_command
from venvstacks_dag.deploy.verify import Report, verify_folder
from venvstacks_dag.errors import DeployError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the layers' Python is a shell script")

CACHED = f"{SITE}/__pycache__/mine.{sys.implementation.cache_tag}.pyc"


def edit(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])


def relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def swap_folder(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


CHANGES: list[tuple[str, str, Callable[[Path], object], set[str]]] = [
    ("a file is gone", f"{SITE}/mine.py", Path.unlink, {"missing", "changed"}),
    ("a file was edited", f"{SITE}/mine.py", edit, {"changed"}),
    ("a file was cut", f"{SITE}/mine.py", lambda p: p.write_bytes(b""), {"changed"}),
    ("a file can be run", f"{SITE}/mine.py", lambda p: p.chmod(0o755), {"changed"}),
    ("a file can be written", f"{SITE}/mine.py", lambda p: p.chmod(0o666), {"changed"}),
    ("a file became a link", f"{SITE}/mine.py", lambda p: relink(p, "one.py"), {"changed"}),
    ("a link leads elsewhere", "bin/python", lambda p: relink(p, "/bin/sh"), {"changed"}),
    ("a link is gone", "bin/python", Path.unlink, {"missing"}),
    ("a file is new", f"{SITE}/new.py", Path.touch, {"extra"}),
    ("an empty folder is new", f"{SITE}/new", Path.mkdir, {"extra"}),
    ("a link is new", "bin/sh", lambda p: p.symlink_to("/bin/sh"), {"extra"}),
    ("bytecode of nothing", f"{SITE}/__pycache__/no.x.pyc", Path.touch, {"extra"}),
    ("bytecode is empty", CACHED, lambda p: p.write_bytes(b""), {"changed"}),
    ("bytecode of another source", CACHED,
     lambda p: p.write_bytes(p.with_name(p.name.replace("mine", "one")).read_bytes()), {"changed"}),
    ("bytecode is a link", CACHED, lambda p: relink(p, "/dev/null"), {"changed"}),
    ("a folder became a link", "bin", swap_folder, {"missing", "extra"}),
    ("the place is another", "pyvenv.cfg", edit, {"changed"}),
    ("the place is unknown", "pyvenv.cfg", Path.unlink, {"missing"}),
    ("code that all runs start with", f"{SITE}/sitecustomize.py", edit, {"changed"}),
    ("the list of files", "share/venv/metadata/linked_files.json", edit, {"changed"}),
    ("the configuration", postinstall.LAYER_CONFIG, edit, {"changed"}),
    ("the configuration is gone", postinstall.LAYER_CONFIG, Path.unlink, {"changed"}),
]  # fmt: skip


@pytest.fixture
def target(tmp_path: Path) -> Path:
    deployed(Publisher(tmp_path / "artifacts").publish("1"), tmp_path / "target")
    return tmp_path / "target"


def entries_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for listed in manifest["layers"].values() for entry in listed]


def kinds(report: Report) -> set[str]:
    return {finding.kind for finding in report.findings}


@pytest.mark.parametrize(
    ("path", "change", "expected"), [case[1:] for case in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_changes_are_found(
    target: Path, path: str, change: Callable[[Path], object], expected: set[str]
) -> None:
    assert verify_folder(Place(target)).findings == ()
    change(target / "current" / "app-one" / path)
    report = verify_folder(Place(target))
    assert kinds(report) == expected
    # The launchers are found where the configuration is.
    assert {finding.layer for finding in report.findings} == {"app-one"}


def test_verifying_and_finding_an_application_write_nothing(target: Path) -> None:
    """As it must be where all is mounted read-only."""

    def times() -> dict[Path, tuple[int, int]]:
        paths = (target, *target.rglob("*"))
        return {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in paths}

    before = times()
    assert verify_folder(Place(target)).findings == ()
    subprocess.run(find_command(target, "one"), check=True, stdout=subprocess.DEVNULL)
    assert times() == before


def test_only_folders_that_are_empty_for_no_reason_are_extra(target: Path) -> None:
    layer = target / "current" / "app-one"
    (layer / "new" / "deeper").mkdir(parents=True)
    (layer / "new" / "other").mkdir()
    (layer / "cached" / "__pycache__").mkdir(parents=True)
    (layer / "filled" / "deeper").mkdir(parents=True)
    (layer / "filled" / "deeper" / "file").touch()
    (layer / SITE / "somewhere" / "__pycache__").mkdir(parents=True)
    (layer / SITE / "somewhere" / "mine.py").touch()
    for path in (layer / "bin").iterdir():
        path.unlink()
    extra = {each.path for each in verify_folder(Place(target)).findings if each.kind == "extra"}
    found = {"new", "cached", "filled/deeper/file", f"{SITE}/somewhere/mine.py"}
    assert extra == found


def test_what_lies_beside_the_layers_is_found(target: Path) -> None:
    version = target / "current"
    (version / "evil").mkdir()
    (version / "bin" / "evil").touch()
    (version / "bin" / "app-two").unlink()
    edit(version / "bin" / "app-one")
    found = {(f.layer, f.path, f.kind) for f in verify_folder(Place(target)).findings}
    assert found == {
        ("evil", "", "extra"),
        ("bin", "evil", "extra"),
        ("bin", "app-two", "missing"),
        ("bin", "app-one", "changed"),
    }


def test_a_layer_that_is_gone(target: Path) -> None:
    (target / "current" / "app-two").rename(target / "app-two")
    [finding] = verify_folder(Place(target)).findings
    assert str(finding) == "missing app-two"


def test_bytecode_that_python_makes_later_is_expected(tmp_path: Path) -> None:
    publisher, target = Publisher(tmp_path / "artifacts"), tmp_path / "target"
    ended = deployed(publisher.publish("1"), target, compile_modules=False)
    python = ended.folder / "app-one" / "bin" / "python"
    environ = {name: value for name, value in os.environ.items() if "PYTHON" not in name}
    subprocess.run([python, "-P", "-m", "one"], check=True, capture_output=True, env=environ)
    assert list(ended.folder.rglob("*.pyc"))
    assert verify_folder(Place(target)).findings == ()


# --- archives ---------------------------------------------------------------------------


def test_archives_and_their_manifests(tmp_path: Path) -> None:
    artifacts = Publisher(tmp_path / "artifacts").publish("1", format="tar.gz")
    (artifacts / "older.tar.gz").touch()
    report = verify_folder(Place(artifacts))
    assert (report.kind, report.layers, report.findings) == ("artifacts", 4, ())
    edit(artifacts / "py.tar.gz")
    (artifacts / "app-two.tar.gz").unlink()
    (artifacts / "__venvstacks__" / "env_metadata" / "app-one.json").write_text("{}")
    (artifacts / "__venvstacks__" / "env_metadata" / "framework-lower.json").unlink()
    found = {(f.layer, f.path, f.kind) for f in verify_folder(Place(artifacts)).findings}
    assert found == {
        ("py", "py.tar.gz", "changed"),
        ("app-two", "app-two.tar.gz", "missing"),
        ("app-one", "app-one.json", "changed"),
        ("framework-lower", "framework-lower.json", "missing"),
    }


def test_archives_hold_what_the_manifest_says(tmp_path: Path) -> None:
    artifacts = Publisher(tmp_path / "artifacts").publish("1")
    for path in (artifacts / "__venvstacks__").rglob("*.json"):
        value = json.loads(path.read_bytes())
        layers = [value] if "layers" not in value else entries_of(value)
        for layer in layers:
            layer["tree_digest"] = "0" * 64
        path.write_text(json.dumps(value))
    report = verify_folder(Place(artifacts))
    assert len(report.findings) == len(TARGETS)
    assert all("files" in finding.why for finding in report.findings)


# --- exports ----------------------------------------------------------------------------


def test_exports(tmp_path: Path) -> None:
    artifacts = Publisher(tmp_path / "artifacts").publish("1")
    export = tmp_path / "export"
    manifest = json.loads((artifacts / "__venvstacks__" / "venvstacks.json").read_bytes())
    for layer in entries_of(manifest):
        for key in [key for key in layer if key.startswith("archive_")]:
            del layer[key]
        tree = export / layer["install_target"]
        make_layer(tree, layer["install_target"], "1")
    (export / "py" / "bin" / "python").chmod(0o755)
    for target in TARGETS:
        for name, content in local_files(export / target, relative=False).items():
            (export / target / name).write_bytes(content)
    (export / "__venvstacks__").mkdir()
    (export / "__venvstacks__" / "venvstacks.json").write_text(json.dumps(manifest))
    report = verify_folder(Place(export))
    assert (report.kind, report.layers, report.findings) == ("export", 4, ())
    edit(export / "py" / SITE / "mine.py")
    assert kinds(verify_folder(Place(export))) == {"changed"}


# --- the command ------------------------------------------------------------------------


def test_the_command(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(target)]) == 0
    assert "all is as it should be" in capsys.readouterr().out
    edit(target / "current" / "py" / SITE / "mine.py")
    with pytest.raises(SystemExit) as caught:
        main(["verify", "--json", str(target)])
    assert caught.value.code == 1
    value = json.loads(capsys.readouterr().out)
    assert value["kind"] == "deployment"
    assert {finding["path"] for finding in value["findings"]} >= {f"{SITE}/mine.py"}
    artifacts = str(target.parent / "artifacts")
    assert main(["verify", str(target), "--repair", artifacts]) == 0
    captured = capsys.readouterr()
    assert f"changed py/{SITE}/mine.py" in captured.err
    assert captured.out.endswith("all is as it should be\n")


def test_only_deployments_are_repaired(tmp_path: Path) -> None:
    artifacts = Publisher(tmp_path / "artifacts").publish("1")
    edit(artifacts / "py.tar")
    with pytest.raises(SystemExit) as caught:
        main(["verify", str(artifacts), "--repair", str(artifacts)])
    assert caught.value.code == 2


def test_where_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match="nothing to verify"):
        verify_folder(Place(tmp_path))
    assert main(["verify", str(tmp_path)]) == 1
