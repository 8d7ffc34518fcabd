from __future__ import annotations

import os
from pathlib import Path

import pytest

from venvstacks_dag.errors import DiskError, SpecError
from venvstacks_dag.spec import load_stack

STACK = """
[[runtimes]]
name = "rt"
python_implementation = "cpython@3.12.7"
requirements = []

[[applications]]
name = "one"
runtime = "rt"
requirements = []
launch_module = "{launch}"
support_modules = [{support}]
"""


def _write(folder: Path, *, launch: str = "app.py", support: str = "") -> Path:
    path = folder / "stack" / "venvstacks.toml"
    path.parent.mkdir()
    path.write_text(STACK.format(launch=launch, support=support), encoding="utf-8")
    return path


def _problems(path: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load_stack(path, {})
    return [str(problem) for problem in caught.value.problems]


def test_a_stack_with_its_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path, launch="../main.py", support='"helpers"')
    (tmp_path / "main.py").touch()
    (path.parent / "helpers").mkdir()
    (path.parent / "venvstacks.uv.toml").write_text("no-index = true")
    monkeypatch.chdir(tmp_path)
    spec = load_stack(Path("stack/venvstacks.toml"), {})
    assert spec.path == path
    assert spec.uv.no_index
    assert spec.warnings == ()


def test_missing_modules_are_told_together_with_all_else(tmp_path: Path) -> None:
    path = _write(tmp_path, launch="src\\\\app.py", support='"gone.py", 3')
    assert _problems(path) == [
        "line 11, layer app-one, applications[0].launch_module: "
        "there is no file or folder 'src\\\\app.py' (write '/' between folders)",
        "line 12, layer app-one, applications[0].support_modules[1]: "
        "expected a string, found the integer 3",
        "line 12, layer app-one, applications[0].support_modules[0]: "
        f"there is no file or folder 'gone.py' (it would be {path.parent / 'gone.py'})",
    ]


def test_a_launch_module_has_to_be_python(tmp_path: Path) -> None:
    path = _write(tmp_path, launch="run", support='"data.json"')
    (path.parent / "run").touch()
    (path.parent / "data.json").touch()
    [problem] = _problems(path)
    assert problem == (
        "line 11, layer app-one, applications[0].launch_module: "
        "'run' is no Python module: its name does not end in .py"
    )


def test_a_path_that_the_system_refuses(tmp_path: Path) -> None:
    [problem] = _problems(_write(tmp_path, launch=f"{'x' * 300}/app.py"))
    assert "cannot be read: File name too long" in problem


def test_a_package_without_main_is_warned_about(tmp_path: Path) -> None:
    path = _write(tmp_path, launch="package", support='"other"')
    (path.parent / "package").mkdir()
    (path.parent / "other").mkdir()
    [warning] = load_stack(path, {}).warnings
    assert "'package' has no __main__.py" in warning
    (path.parent / "package" / "__main__.py").touch()
    assert load_stack(path, {}).warnings == ()


def test_no_file(tmp_path: Path) -> None:
    assert _problems(tmp_path / "venvstacks.toml") == [
        "there is no such file (name a venvstacks.toml)"
    ]
    assert _problems(tmp_path) == ["this is a folder (name the venvstacks.toml in it)"]


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot read"):
        load_stack(tmp_path / ("x" * 300), {})


def test_an_endless_file_is_not_read_to_its_end() -> None:
    if not os.path.exists("/dev/zero"):  # noqa: PTH110 - a device, not a path to work with
        pytest.skip("there is no endless file here")
    assert _problems(Path("/dev/zero")) == ["the file is larger than 8 MiB"]


def test_what_lies_beside_a_missing_module_may_have_been_meant(tmp_path: Path) -> None:
    path = _write(tmp_path, launch="ab", support='"helprs", "../stack/other.py"')
    (path.parent / "ab.py").touch()
    (path.parent / "helpers").mkdir()
    fixes = [problem.partition(" (")[2] for problem in _problems(path)]
    other = path.parent / "../stack/other.py"
    assert fixes == ["did you mean 'ab.py'?)", "did you mean 'helpers'?)", f"it would be {other})"]
