"""Layers that were linked, run for real: a runtime, a framework with a C library, an application.

The runtime is a folder around the interpreter that runs the tests: its program and standard
library are links, all else is as in any runtime layer.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.stacks import Project
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.link import LinkRequest, LowerLink, link_layer
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform, host_platform
from venvstacks_dag.reporting import NullReporter

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or sys.implementation.name != "cpython",
    reason="runs layers for Linux on the CPython at hand",
)
GCC = shutil.which("gcc")
PYTHON = PythonVersion(
    major=sys.version_info[0], minor=sys.version_info[1], micro=sys.version_info[2]
)
ODD_NAME = 'it\'s a "place" $HOME `x` caf\u00e9'
ABOUT = (
    "import json, sys, os; print(json.dumps([sys.executable, sys.prefix, sys.base_prefix,"
    " sys.path, os.environ.get('LD_LIBRARY_PATH'), sys.argv]))"
)


@dataclass(frozen=True)
class About:
    """What a layer's Python says of itself."""

    executable: str
    prefix: str
    base_prefix: str
    path: list[str]
    libraries: str | None
    argv: list[str]


def layout(*, runtime: bool = False) -> LayerLayout:
    target = TargetPlatform(name=host_platform())
    return LayerLayout(target=target, python=PYTHON, is_runtime=runtime)


SITE = str(layout().site_packages)


def manifest_of(tree: Path) -> TreeManifest:
    return TreeManifest.of(
        TreeEntry(
            path=path.relative_to(tree).as_posix(),
            size=path.stat().st_size,
            sha256=sha256_file(path),
            package="some",
        )
        for path in tree.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def make_runtime(tree: Path) -> TreeManifest:
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (tree / SITE).mkdir(parents=True)
    (tree / SITE / "shared.py").write_text("home = 'runtime'\n")
    (tree / SITE / "base.py").write_text("home = 'runtime'\n")
    installed = manifest_of(tree)
    for entry in Path(sysconfig.get_path("stdlib")).iterdir():
        if entry.name not in ("site-packages", "dist-packages", "__pycache__"):
            (tree / SITE).with_name(entry.name).symlink_to(entry)
    return installed


@dataclass(frozen=True)
class Stack:
    """Three linked layers in one folder; each is named as in the build folder."""

    folder: Path
    layers: dict[str, LowerLink]

    def python(self, layer: str, *arguments: str, **kwargs: Any) -> str:
        return run(self.folder / layer / "bin" / "python", *arguments, **kwargs)


def run(python: Path | str, *arguments: str, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        [python, *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def about(python: Path | str, *, cwd: Path | None = None, **environment: str) -> About:
    return About(*json.loads(run(python, "-c", ABOUT, "an", "arg", cwd=cwd, **environment)))


def link(
    folder: Path, name: str, *below: LowerLink, target: str | None = None, **parts: Any
) -> LowerLink:
    runtime = not below
    tree = folder / name
    installed = make_runtime(tree) if runtime else manifest_of(tree)
    request = LinkRequest(
        layout=layout(runtime=runtime),
        env_name=name,
        install_target=target or name,
        below=below,
        installed=installed,
        **parts,
    )
    linked = link_layer(request, tree, previous=None, reporter=NullReporter())
    return LowerLink(
        env_name=name,
        install_target=request.install_target,
        layout=request.layout,
        installed=installed,
        linked=linked.manifest,
        offers=linked.offers,
    )


def compile_c(source: str, output: Path, *options: str) -> None:
    assert GCC is not None
    output.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [GCC, "-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", output, *options],
        input=source.encode(),
        check=True,
    )


def make_stack(folder: Path, *, versions: tuple[str, str, str] = ("", "", "")) -> Stack:
    """Layers py, framework-a and app-x; with a compiler, the framework has a C library."""
    site = folder / "framework-a" / SITE
    site.mkdir(parents=True)
    (site / "shared.py").write_text("home = 'framework'\n")
    (site / "middle.py").write_text("home = 'framework'\n")
    if GCC:
        library = site / "answers" / "lib" / "libanswer.so.7.1"
        compile_c("int answer(void) { return 42; }", library, "-Wl,-soname,libanswer.so.7")
    app = folder / "app-x" / SITE
    app.mkdir(parents=True)
    (app / "shared.py").write_text("home = 'app'\n")
    launch = folder / "src" / "hello.py"
    launch.parent.mkdir()
    launch.write_text("import base, middle, shared\nprint(base.home, middle.home, shared.home)\n")

    runtime = link(folder, "py", target=f"py{versions[0]}")
    framework = link(folder, "framework-a", runtime, target=f"framework-a{versions[1]}")
    linked = link(
        folder,
        "app-x",
        framework,
        runtime,
        target=f"app-x{versions[2]}",
        launch_module=launch,
    )
    layers = {layer.env_name: layer for layer in (runtime, framework, linked)}
    return Stack(folder=folder, layers=layers)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return make_stack(tmp_path_factory.mktemp("layers") / ODD_NAME)


def expect(found: About, layer: Path) -> None:
    folder = layer.parent
    assert found.executable == str(layer / "bin" / "python")
    assert found.prefix == str(layer)
    assert found.base_prefix == str(folder / "py")
    sites = [path for path in found.path if path.endswith("site-packages")]
    assert sites == [str(folder / name / SITE) for name in ("app-x", "framework-a", "py")]
    assert found.argv == ["-c", "an", "arg"]


def test_a_layer_is_its_own_environment(stack: Stack) -> None:
    layer = stack.folder / "app-x"
    expect(about(layer / "bin" / "python"), layer)
    expect(about(layer / "bin" / "python", cwd=Path("/")), layer)


def test_its_modules_come_first_and_those_of_the_layers_below_in_order(stack: Stack) -> None:
    assert stack.python("app-x", "-m", "hello") == "runtime framework app\n"
    assert stack.python("app-x", "-I", "-m", "hello") == "runtime framework app\n"
    code = "import base, shared; print(base.home, shared.home)"
    assert stack.python("framework-a", "-c", code) == "runtime framework\n"


@pytest.mark.parametrize("name", ["python3", f"python{PYTHON.short}"])
def test_other_names_of_the_interpreter(stack: Stack, name: str) -> None:
    layer = stack.folder / "app-x"
    found = about(layer / "bin" / name)
    assert found.prefix == str(layer)


@pytest.mark.parametrize(
    ("cwd", "command"),
    [
        ("app-x", "bin/python"),
        ("app-x/bin", "./python"),
        ("app-x/bin", "./python3"),
        ("app-x/lib", "../bin/python"),
        (".", "./app-x/bin/python3"),
        ("py/bin", "../../app-x/bin/python"),
    ],
)
def test_it_can_be_called_from_any_folder(stack: Stack, cwd: str, command: str) -> None:
    layer = stack.folder / "app-x"
    code = (
        f"cd {_quoted(stack.folder / cwd)} && {command} -c 'import sys, shared; print(sys.prefix)'"
    )
    assert _shell(code) == f"{layer}\n"


@pytest.mark.parametrize("path", ["", ".", "./", "app-x/bin"])
def test_it_can_be_found_on_a_path(stack: Stack, path: str) -> None:
    folder = stack.folder if path.startswith("app") else stack.folder / "app-x" / "bin"
    code = (
        f"cd {_quoted(folder)} && PATH={_quoted(path)}:$PATH && "
        "python -c 'import sys, shared; print(sys.prefix)'"
    )
    assert _shell(code) == f"{stack.folder / 'app-x'}\n"


def _quoted(path: Path | str) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _shell(code: str) -> str:
    return run("/bin/sh", "-c", code)


def test_its_folder_can_be_reached_through_a_link(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "a link").symlink_to(stack.folder / "app-x")
    found = about(tmp_path / "a link" / "bin" / "python", cwd=tmp_path)
    assert found.prefix == str(tmp_path / "a link")
    code = "import base, middle, shared; print(base.home, middle.home)"
    assert run(tmp_path / "a link" / "bin" / "python", "-c", code) == "runtime framework\n"


def test_what_a_parent_has_set_for_its_layers_is_right(stack: Stack) -> None:
    code = (
        "import subprocess, sys; "
        "sys.exit(subprocess.call([sys.executable, '-c', 'import shared, os; "
        'print(shared.home, os.environ.get("LD_LIBRARY_PATH"))\']))'
    )
    mine = about(stack.folder / "app-x" / "bin" / "python").libraries
    assert stack.python("app-x", "-c", code) == f"app {mine}\n"


def test_a_layer_without_libraries_below_it_is_a_plain_link(stack: Stack) -> None:
    python = stack.folder / "framework-a" / "bin" / "python"
    assert python.is_symlink()
    found = about(python)
    assert (found.prefix, found.libraries) == (str(stack.folder / "framework-a"), None)


def test_postinstall_writes_what_linking_wrote(stack: Stack) -> None:
    layer = stack.folder / "app-x"
    local = ("pyvenv.cfg", f"{SITE}/sitecustomize.py")
    before = [(layer / path).read_bytes() for path in local]
    for path in local:
        (layer / path).unlink()
    script = str(layer / "postinstall.py")
    run(stack.folder / "py" / "bin" / "python", "-I", "-S", script, "--no-compile")
    assert [(layer / path).read_bytes() for path in local] == before


def test_layers_run_where_they_are_deployed(tmp_path: Path) -> None:
    """Versioned layers: in the build folder as they are, and elsewhere as they are shipped."""
    build = tmp_path / "_build"
    stack = make_stack(build, versions=("@2", "@3", "@1"))
    assert stack.python("app-x", "-m", "hello") == "runtime framework app\n"
    target = tmp_path / "deployed"
    for layer in stack.layers.values():
        local = [Path(entry.path).name for entry in layer.linked.entries if entry.local]
        shutil.copytree(
            build / layer.env_name,
            target / layer.install_target,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__", *local),
        )
    shutil.rmtree(build)
    for layer in stack.layers.values():
        script = target / layer.install_target / "postinstall.py"
        run(target / "py@2" / "bin" / "python", "-I", "-S", str(script), "--no-compile")
    python = target / "app-x@1" / "bin" / "python"
    assert run(python, "-m", "hello") == "runtime framework app\n"
    assert about(python).prefix == str(target / "app-x@1")


# --- shared libraries -------------------------------------------------------------------

with_compiler = pytest.mark.skipif(GCC is None, reason="needs a C compiler")
LOAD = "import ctypes; print(ctypes.CDLL('libanswer.so.7').answer())"


def library_folder(stack: Stack) -> str:
    return f"{stack.folder}/app-x/bin/../../framework-a/share/venv/dynlib"


@with_compiler
def test_a_library_of_a_lower_layer_is_found(stack: Stack) -> None:
    assert not (stack.folder / "app-x" / "bin" / "python").is_symlink()
    assert stack.python("app-x", "-c", LOAD) == "42\n"
    assert about(stack.folder / "app-x" / "bin" / "python").libraries == library_folder(stack)


@with_compiler
@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("", "{own}"),
        ("/some/where", "/some/where:{own}"),
        ("/a b:/it's", "/a b:/it's:{own}"),
        ("{own}", "{own}"),
        ("{own}:/last", "{own}:/last"),
        ("/x{own}", "/x{own}:{own}"),
    ],
)
def test_what_is_set_already_stays_in_front(stack: Stack, preset: str, expected: str) -> None:
    own = library_folder(stack)
    python = stack.folder / "app-x" / "bin" / "python"
    found = about(python, LD_LIBRARY_PATH=preset.format(own=own))
    assert found.libraries == expected.format(own=own)


@with_compiler
def test_the_interpreter_can_be_called_through_a_link_from_elsewhere(
    stack: Stack, tmp_path: Path
) -> None:
    layer = stack.folder / "app-x"
    (tmp_path / "first").symlink_to(layer / "bin" / "python3")
    (tmp_path / "second").symlink_to("first")
    (tmp_path / "python").symlink_to("second")
    for name in ("first", "second", "python"):
        expect(about(tmp_path / name, cwd=tmp_path), layer)


@with_compiler
def test_start_up_files_and_functions_of_a_shell_change_nothing(
    stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "start").write_text("echo from the start-up file; exit 3\n")
    preset = {
        "BASH_ENV": str(tmp_path / "start"),
        "ENV": str(tmp_path / "start"),
        "SHELLOPTS": "noglob:xtrace",
        "CDPATH": "/",
        "IFS": "/",
        "BASH_FUNC_exec%%": "() { echo taken over; }",
        "BASH_FUNC_case%%": "() { false; }",
    }
    found = about(stack.folder / "app-x" / "bin" / "python", cwd=None, **preset)
    expect(found, stack.folder / "app-x")


@with_compiler
def test_the_script_changes_nothing_else_of_the_environment(stack: Stack) -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    folder = stack.folder / "app-x" / "bin"
    preset = {"PWD": "/", "SHLVL": "4", "A": "1"}
    through, past = (
        json.loads(run(folder / name, "-c", code, cwd=Path("/"), **preset))
        for name in ("python", "python_")
    )
    for environment in (through, past):
        environment.pop("_", None)
    assert through.pop("LD_LIBRARY_PATH") == library_folder(stack)
    assert through == past


@with_compiler
def test_the_exit_code_and_standard_input_are_pythons(stack: Stack) -> None:
    python = stack.folder / "app-x" / "bin" / "python"
    done = subprocess.run([python, "-"], input=b"import sys; sys.exit(7)\n")
    assert done.returncode == 7


@with_compiler
def test_an_extension_module_may_lean_on_a_library_of_a_lower_layer(
    stack: Stack, tmp_path: Path
) -> None:
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").exists():
        pytest.skip("needs Python's headers")
    source = (
        "#include <Python.h>\n"
        "int answer(void);\n"
        "static PyObject *ask(PyObject *s, PyObject *a) { return PyLong_FromLong(answer()); }\n"
        'static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, ""}, {0}};\n'
        'static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "asking", 0, -1, methods};\n'
        "PyMODINIT_FUNC PyInit_asking(void) { return PyModule_Create(&def); }\n"
    )
    runtime, framework = stack.layers["py"], stack.layers["framework-a"]
    library = stack.folder / "framework-a" / SITE / "answers" / "lib" / "libanswer.so.7.1"
    site = stack.folder / "app-y" / SITE
    compile_c(source, site / "asking.so", f"-I{headers}", str(library))
    linked = link(stack.folder, "app-y", framework, runtime)
    assert stack.python("app-y", "-c", "import asking; print(asking.ask())") == "42\n"
    offered = [entry.path for entry in linked.linked.entries if "dynlib" in entry.path]
    assert offered == []


@with_compiler
def test_libraries_are_offered_under_both_names(stack: Stack) -> None:
    linked = stack.layers["framework-a"].linked
    offered = {entry.path: entry.target for entry in linked.entries if "dynlib" in entry.path}
    target = f"../../../{SITE}/answers/lib/libanswer.so.7.1"
    assert offered == {
        "share/venv/dynlib/libanswer.so.7": target,
        "share/venv/dynlib/libanswer.so.7.1": target,
    }


@with_compiler
def test_a_library_that_is_excluded_leaves_the_interpreter_a_link(stack: Stack) -> None:
    site = stack.folder / "framework-b" / SITE
    shutil.copytree(stack.folder / "framework-a" / SITE / "answers", site / "answers")
    runtime = stack.layers["py"]
    framework = link(stack.folder, "framework-b", runtime, dynlib_exclude=("answers/**",))
    (stack.folder / "app-z" / SITE).mkdir(parents=True)
    link(stack.folder, "app-z", framework, replace(runtime))
    assert (stack.folder / "app-z" / "bin" / "python").is_symlink()


def test_a_layer_is_made_again_by_its_recipe(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.build()
    before = project.trees()

    def never(request: object) -> None:
        raise AssertionError("there is a recipe")

    with monkeypatch.context() as patched:
        patched.setattr("venvstacks_dag.install.prepare.make_recipe", never)
        patched.setattr("venvstacks_dag.install.make_recipe", never, raising=False)
        shutil.rmtree(project.tree("framework-left"))
        assert "install:framework-left" in project.build().ran
    assert project.trees() == before


@pytest.mark.parametrize("damage", ["edited", "gone"])
def test_a_recipe_whose_image_was_damaged_is_not_followed(project: Project, damage: str) -> None:
    project.build()
    before = project.trees()
    [stored] = (project.folder.parent / "store" / "images").rglob("purelib/lefty.py")
    shutil.rmtree(project.tree("framework-left"))
    stored.parent.chmod(0o755)
    if damage == "gone":
        stored.unlink()
    else:
        stored.chmod(0o644)
        stored.write_text("# not what the wheel has\n")
    assert "install:framework-left" in project.build().ran
    assert project.trees() == before
