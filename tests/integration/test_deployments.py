"""Stacks that were built for real: deployed, verified, run, updated and gone back."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.support.stacks import Project, run_python


def command(project: Project, *words: str) -> str:
    outcome = project.command(*words)
    assert outcome.code == 0, outcome.output
    return outcome.output


def test_an_application_is_deployed_updated_and_gone_back_to(
    host_project: Project, tmp_path: Path
) -> None:
    project, target = host_project, tmp_path / "a target"
    project.build()
    for folder in ("_build", "_artifacts"):
        assert "all is as it should be" in command(project, "verify", folder)
    output = command(project, "deploy", "--no-sync", "_artifacts", str(target), "--app", "one")
    launcher = target / "current" / "bin" / "app-one"
    assert f"  {launcher}\n" in output
    value = json.loads(run_python(launcher, cwd=tmp_path))
    assert set(value["packages"]) == {"base", "lefty", "righty", "upper", "helper"}
    assert value["prefix"].startswith(f"{target}/versions/0001-")
    assert "all is as it should be" in command(project, "verify", str(target))
    assert "app-two" not in {path.name for path in (target / "current").iterdir()}

    text = (project.folder / "one.py").read_text()
    project.write("one.py", f"{text}\nprint('new')\n")
    project.build()
    output = command(project, "deploy", "--no-sync", "_artifacts", str(target), "--app", "one")
    assert output.count("as it is deployed") == 4
    assert run_python(launcher).endswith("new\n")
    assert command(project, "run", "--from", str(target), "one").endswith("new\n")
    assert command(project, "run", "one").endswith("new\n")
    assert "all is as it should be" in command(project, "verify", str(target))
    command(project, "deploy", "--rollback", str(target))
    assert not run_python(launcher).endswith("new\n")


def modes(folder: Path) -> set[str]:
    return {
        oct(path.stat().st_mode & 0o7777)
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink()
    }


def test_a_runtime_writes_nothing_by_itself(host_project: Project, tmp_path: Path) -> None:
    """Python makes bytecode of what it imports, and does so under the umask."""
    project = host_project
    project.build()
    old = os.umask(0o077)
    try:
        for name, words in (("full", ()), ("bare", ("--no-compile",))):
            target = str(tmp_path / name)
            command(project, "deploy", "--no-sync", *words, "_artifacts", target, "--app", "one")
        command(
            project, "local-export", "--output-dir", str(tmp_path / "export"), "venvstacks.toml"
        )
    finally:
        os.umask(old)
    for name in ("full", "bare"):
        assert modes(tmp_path / name / "versions") == {"0o644", "0o755"}
    assert list((tmp_path / "full").rglob("*.pyc"))
    assert not list((tmp_path / "bare").rglob("*.pyc"))
    assert modes(tmp_path / "export" / "py") == {"0o644", "0o755"}


def test_a_version_without_absolute_paths_runs_elsewhere(
    host_project: Project, tmp_path: Path
) -> None:
    project, target = host_project, tmp_path / "target"
    project.build()
    command(project, "deploy", "--no-sync", "--relative", "_artifacts", str(target))
    assert "all is as it should be" in command(project, "verify", str(target))
    moved = (target / "current").resolve().rename(tmp_path / "moved")
    value = json.loads(run_python(moved / "app-one" / "bin" / "python", "-P", "-m", "one"))
    assert value["prefix"] == str(moved / "app-one")
    assert not any(str(target) in path for path in value["path"])


def test_a_damaged_build_folder(project: Project) -> None:
    project.build()
    module = next((project.tree("app-one") / "lib").rglob("helper/__init__.py"), None) or next(
        (project.tree("app-one") / "lib").rglob("helper.py")
    )
    module.unlink()
    module.write_text("version = 'x'\n")
    (project.tree("framework-left") / "pyvenv.cfg").unlink()
    (project.tree("app-two") / "stray").touch()
    outcome = project.command("verify", "_build")
    assert outcome.code == 1
    for line in ("changed app-one/", "missing framework-left/pyvenv.cfg", "extra app-two/stray"):
        assert line in outcome.output
    (project.folder / "_build/.state/layers/app-two/link.files.json").write_text("[]")
    outcome = project.command("verify", "_build", "--json")
    assert "its list of files" in outcome.output
