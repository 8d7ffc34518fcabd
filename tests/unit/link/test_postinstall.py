"""The script that finishes a layer where it is deployed."""

from __future__ import annotations

import ast
import errno
import json
import marshal
import os
import shlex
import shutil
import signal
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import SimpleNamespace
from typing import Any

import pytest

from venvstacks_dag._injected import postinstall
from venvstacks_dag._injected.postinstall import Layer, LayerConfigError, resolve_layer

CONFIG: dict[str, Any] = {
    "python": "bin/python",
    "py_version": f"{sys.version_info[0]}.{sys.version_info[1]}.0",
    "base_python": "../py@2/bin/python",
    "site_dir": "lib/site-packages",
    "pylib_dirs": ["../framework-a/lib/site-packages", "../py@2/lib/site-packages"],
    "dynlib_dirs": ["../framework-a/share/venv/dynlib"],
}
ON_WINDOWS: dict[str, Any] = CONFIG | {
    "python": "Scripts/python.exe",
    "base_python": "../py/python.exe",
    "dynlib_dirs": ["../framework-a/Library/bin"],
}
SCRIPT = Path(postinstall.__file__)


def test_paths_are_resolved_beside_the_layer() -> None:
    layer = resolve_layer(PurePosixPath("/apps/app-x"), CONFIG)
    assert layer == Layer(
        folder=PurePosixPath("/apps/app-x"),
        python=PurePosixPath("/apps/app-x/bin/python"),
        py_version=CONFIG["py_version"],
        base_python=PurePosixPath("/apps/py@2/bin/python"),
        site_dir=PurePosixPath("/apps/app-x/lib/site-packages"),
        pylib_dirs=(
            PurePosixPath("/apps/framework-a/lib/site-packages"),
            PurePosixPath("/apps/py@2/lib/site-packages"),
        ),
        dynlib_dirs=(PurePosixPath("/apps/framework-a/share/venv/dynlib"),),
    )
    assert not layer.is_runtime
    assert not layer.is_windows


def test_pyvenv_cfg_leads_to_the_runtime() -> None:
    assert postinstall.pyvenv_cfg(resolve_layer(PurePosixPath("/apps/app-x"), CONFIG)) == (
        "home = /apps/py@2/bin\n"
        "include-system-site-packages = false\n"
        f"version = {CONFIG['py_version']}\n"
        "executable = /apps/py@2/bin/python\n"
    )


def _calls(source: str) -> list[tuple[str, str]]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            argument = node.args[0]
            if isinstance(argument, ast.Constant):
                found.append((node.func.attr, str(argument.value)))
    return found


@pytest.mark.parametrize(
    "name",
    ["plain", "it's", 'a "quoted" one', "a b", "back`tick$(x)", "{x}", "caf\u00e9 \u2028", "'''"],
)
def test_no_path_escapes_from_its_literal(name: str) -> None:
    layer = resolve_layer(PurePosixPath("/", name, "app-x"), CONFIG)
    source = postinstall.sitecustomize(layer)
    assert source.isascii()
    assert _calls(source) == [("addsitedir", str(folder)) for folder in layer.pylib_dirs]
    lines = postinstall.pyvenv_cfg(layer).split("\n")
    assert [line.partition(" = ")[0] for line in lines] == [
        "home",
        "include-system-site-packages",
        "version",
        "executable",
        "",
    ]


def test_windows_also_gets_dll_folders() -> None:
    layer = resolve_layer(PureWindowsPath("C:\\apps\\app-x"), ON_WINDOWS)
    assert layer.is_windows
    assert "home = C:\\apps\\py\n" in postinstall.pyvenv_cfg(layer)


DLLS = "C:\\apps\\framework-a\\Library\\bin"
GONE = "C:\\apps\\it's \\Library\\bin"


@pytest.mark.parametrize(
    ("implementation", "path", "afterwards"),
    [
        ("cpython", "C:\\Windows;D:\\x", "C:\\Windows;D:\\x"),
        ("pypy", "C:\\Windows;D:\\x", f"{DLLS};C:\\Windows;D:\\x"),
        ("pypy", f"{DLLS};C:\\Windows", f"{DLLS};C:\\Windows"),
        ("pypy", "", DLLS),
    ],
)
@pytest.mark.parametrize("adds", [True, False])
def test_windows_finds_dlls_of_layers_below(
    monkeypatch: pytest.MonkeyPatch, implementation: str, path: str, afterwards: str, adds: bool
) -> None:
    """By the folders that are added or, where PyPy loads modules, by PATH: run with doubles."""
    config = ON_WINDOWS | {"dynlib_dirs": ["../framework-a/Library/bin", "../it's /Library/bin"]}
    source = postinstall.sitecustomize(resolve_layer(PureWindowsPath("C:\\apps\\app-x"), config))
    added: list[str] = []
    monkeypatch.setattr("site.addsitedir", lambda _path: None)
    monkeypatch.setattr("os.path.isdir", lambda path: path != GONE)
    monkeypatch.setattr("os.pathsep", ";")
    monkeypatch.setattr("sys.implementation", SimpleNamespace(name=implementation))
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setenv("PATH", path)
    monkeypatch.delattr("os.add_dll_directory", raising=False)
    if adds:
        monkeypatch.setattr("os.add_dll_directory", added.append, raising=False)
    exec(compile(source, "sitecustomize.py", "exec"), {})
    assert os.environ["PATH"] == afterwards
    assert added == ([DLLS] if adds else [])


def test_a_runtime_has_no_local_files() -> None:
    layer = resolve_layer(PurePosixPath("/apps/py"), CONFIG | {"base_python": "bin/python"})
    assert layer.is_runtime
    assert postinstall.local_files(layer) == ()


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "/bin/python",
        "..",
        "../../x",
        "../x/../../y",
        "a/../../x",
        "./a",
        "a//b",
        "a/",
        "C:/x",
        "../C:/x",
        "..\\..\\x",
        "a\nb",
        "a\rb",
        "a\x00b",
        "a\x85b",
        "\ud800",
        None,
        3,
        ["a"],
    ],
)
@pytest.mark.parametrize("key", ["python", "base_python", "site_dir", "pylib_dirs", "dynlib_dirs"])
def test_paths_that_are_refused(key: str, bad: object) -> None:
    value = [bad] if key.endswith("dirs") else bad
    with pytest.raises(LayerConfigError):
        resolve_layer(PurePosixPath("/apps/app-x"), CONFIG | {key: value})


@pytest.mark.parametrize("key", sorted(CONFIG))
def test_nothing_may_be_missing(key: str) -> None:
    config = {name: value for name, value in CONFIG.items() if name != key}
    with pytest.raises(LayerConfigError, match=key):
        resolve_layer(PurePosixPath("/apps/app-x"), config)


@pytest.mark.parametrize("version", ["3.11", "3.11.7\nhome = /evil", "3.11.x", "\u0663.11.7"])
def test_versions_that_are_refused(version: str) -> None:
    with pytest.raises(LayerConfigError, match="py_version"):
        resolve_layer(PurePosixPath("/apps/app-x"), CONFIG | {"py_version": version})


@pytest.mark.parametrize("folder", ["apps/app-x", "/apps\n/app-x", "/apps/\udcff/app-x"])
def test_folders_that_are_refused(folder: str) -> None:
    with pytest.raises(LayerConfigError):
        resolve_layer(PurePosixPath(folder), CONFIG)


# --- the script as it is run ------------------------------------------------------------


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """A layer and its runtime in a folder; the layer's path."""
    python = tmp_path / "py@2" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_bytes(b"")
    layer = tmp_path / "app-x"
    (layer / "lib" / "site-packages").mkdir(parents=True)
    (layer / "lib" / "site-packages" / "mod.py").write_text("x = 1\n")
    (layer / "lib" / "site-packages" / "broken.py").write_text("x = (\n")
    write_config(layer, CONFIG)
    shutil.copyfile(SCRIPT, layer / "postinstall.py")
    return layer


def write_config(layer: Path, config: object) -> None:
    path = layer / postinstall.LAYER_CONFIG
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))


def run(layer: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [sys.executable, "-S", layer / "postinstall.py", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )


def contents(layer: Path) -> dict[str, bytes]:
    return {
        path.relative_to(layer).as_posix(): path.read_bytes()
        for path in layer.rglob("*")
        if path.is_file()
    }


def test_it_writes_the_local_files_and_bytecode_and_does_so_again(deployed: Path) -> None:
    done = run(deployed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    after = contents(deployed)
    home = deployed.parent / "py@2" / "bin"
    assert after["pyvenv.cfg"].startswith(f"home = {home}\n".encode())
    assert b"site.addsitedir" in after["lib/site-packages/sitecustomize.py"]
    tag = sys.implementation.cache_tag
    compiled = after[f"lib/site-packages/__pycache__/mod.{tag}.pyc"]
    # PEP 552: bit 0 says that a hash stands in for the time, bit 1 that it is to be checked.
    assert int.from_bytes(compiled[4:8], "little") == 0b01
    assert not any("broken" in path for path in after if path.endswith(".pyc"))
    times = (deployed / "pyvenv.cfg").stat().st_mtime_ns
    assert run(deployed).returncode == 0
    assert contents(deployed) == after
    assert (deployed / "pyvenv.cfg").stat().st_mtime_ns == times


def test_changed_modules_are_compiled_anew(deployed: Path) -> None:
    run(deployed)
    before = contents(deployed)
    (deployed / "lib" / "site-packages" / "mod.py").write_text("x = 2\n")
    run(deployed)
    path = f"lib/site-packages/__pycache__/mod.{sys.implementation.cache_tag}.pyc"
    assert contents(deployed)[path] != before[path]


def test_bytecode_can_be_left_out(deployed: Path) -> None:
    assert run(deployed, "--no-compile").returncode == 0
    assert (deployed / "pyvenv.cfg").is_file()
    assert not list(deployed.rglob("*.pyc"))


def move(layer: Path) -> Path:
    """Move a layer together with its runtime."""
    elsewhere = layer.parent / "elsewhere"
    elsewhere.mkdir()
    (layer.parent / "py@2").rename(elsewhere / "py@2")
    return layer.rename(elsewhere / layer.name)


def test_bytecode_of_the_place_before_is_forgotten(deployed: Path) -> None:
    assert run(deployed).returncode == 0
    moved = move(deployed)
    cache = moved / "lib" / "site-packages" / "__pycache__"
    [compiled] = cache.glob("sitecustomize.*.pyc")
    assert run(moved, "--no-compile").returncode == 0
    assert not compiled.exists()
    assert list(cache.glob("mod.*.pyc"))


def test_bytecode_that_no_longer_fits_is_forgotten(deployed: Path) -> None:
    """As after a stop between the writing of a file and of its bytecode."""
    assert run(deployed).returncode == 0
    [compiled] = (deployed / "lib/site-packages/__pycache__").glob("sitecustomize.*.pyc")
    compiled.write_bytes(
        compiled.with_name(compiled.name.replace("sitecustomize", "mod")).read_bytes()
    )
    assert run(deployed, "--no-compile").returncode == 0
    assert not compiled.exists()


def times(folder: Path) -> dict[Path, tuple[int, int]]:
    """Number and time of each file and folder: whatever is written somewhere changes one."""
    paths = (folder, *folder.rglob("*"))
    return {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in paths}


@pytest.mark.parametrize("options", [(), ("--no-compile",)], ids=["all", "no bytecode"])
def test_nothing_is_written_where_all_is_right(deployed: Path, options: tuple[str, ...]) -> None:
    write_modules(deployed)
    assert run(deployed).returncode == 0
    before = times(deployed)
    assert (run(deployed, *options).returncode, times(deployed)) == (0, before)


def write_modules(layer: Path) -> None:
    """Modules whose bytecode has much that is shared, enough of them for several processes."""
    for number in range(60):
        (layer / "lib" / "site-packages" / f"m{number}.py").write_text(
            f"import os, sys\nNAME = 'name{number % 7}'\n"
            f"def name{number % 5}(path, *, join{number % 3}=None):\n"
            "    return path in {'append', 'join', 'path', 'x y', ''} and (path.append, 1.5, b'')\n"
        )


def test_the_same_source_has_the_same_bytecode_wherever_it_lies(deployed: Path) -> None:
    """So a damaged one, made anew in another process and place, is the one that was noted."""
    write_modules(deployed)
    assert run(deployed).returncode == 0
    site = deployed / "lib" / "site-packages"
    before = {path.name: path.read_bytes() for path in site.glob("__pycache__/m*.pyc")}
    assert len(before) == 61
    assert not any(str(deployed.parent).encode() in data for data in before.values())
    shared = deployed.parent / "shared.pyc"
    os.link(next(site.glob("__pycache__/m0.*.pyc")), shared)
    moved = move(deployed)
    site = moved / "lib" / "site-packages"
    [damaged] = site.glob("__pycache__/m0.*.pyc")
    for path in sorted(set(site.glob("__pycache__/m*.pyc")) - {damaged})[::3]:
        path.unlink()
    damaged.write_bytes(before[damaged.name][:-1] + b"\xff")
    assert run(moved).returncode == 0
    assert {path.name: path.read_bytes() for path in site.glob("__pycache__/m*.pyc")} == before
    # It was replaced, not edited.
    assert (shared).read_bytes() != before[damaged.name]


def test_bytecode_that_cannot_be_written_is_said_so(deployed: Path) -> None:
    # Whoever runs the tests may write anywhere, so something is in the way.
    (deployed / "lib" / "site-packages" / "__pycache__").write_text("")
    done = run(deployed)
    assert done.returncode == 1
    assert done.stderr.startswith("postinstall: bytecode cannot be written to ")
    assert "(--no-compile leaves it out)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert run(deployed, "--no-compile").returncode == 0


def refuse(*_: object) -> int:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def die() -> int:
    process = os.fork()
    if not process:
        os.kill(os.getpid(), signal.SIGKILL)
    return process


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no copies of processes")
def with_many_modules(deployed: Path) -> Path:
    """The layer's folder of packages, with so many modules that helpers are worth it."""
    site = deployed / "lib" / "site-packages"
    for number in range(100):
        (site / f"module_{number}.py").write_text(f"VALUE = {number}\n")
    return site


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("fork", None),
        ("fork", refuse),
        ("fork", die),
        ("pipe", refuse),
        ("waitpid", lambda *_: refuse_to_tell()),
    ],
)
def test_everything_is_compiled_whatever_becomes_of_helpers(
    deployed: Path, monkeypatch: pytest.MonkeyPatch, name: str, instead: Any
) -> None:
    """Small containers have no processes to spare; those that run short of memory kill some."""
    site = with_many_modules(deployed)
    layer = postinstall.read_layer(deployed)
    own = {**vars(os), "sched_getaffinity": lambda _: {0, 1, 2}, "fork": os.fork}
    postinstall.compile_bytecode(layer)
    expected = {path: path.read_bytes() for path in (site / "__pycache__").iterdir()}
    assert len(expected) >= 100
    shutil.rmtree(site / "__pycache__")
    if instead is not None:
        own[name] = instead
    monkeypatch.setattr(postinstall, "os", SimpleNamespace(**own))
    postinstall.compile_bytecode(layer)
    assert {path: path.read_bytes() for path in (site / "__pycache__").iterdir()} == expected
    if name != "waitpid":
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)  # None is left.


def refuse_to_tell() -> tuple[int, int]:
    os.wait()
    raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))


def test_what_a_helper_cannot_write_is_said(
    deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = with_many_modules(deployed)
    (site / "__pycache__" / Path(cache_from_source("module_77.py")).name).mkdir(parents=True)
    own = {**vars(os), "sched_getaffinity": lambda _: {0, 1, 2}}
    monkeypatch.setattr(postinstall, "os", SimpleNamespace(**own))
    with pytest.raises(LayerConfigError, match="module_77"):
        postinstall.compile_bytecode(postinstall.read_layer(deployed))


def test_bytecode_that_says_the_same_stays(deployed: Path) -> None:
    """How it is written may depend on hashes, which are random, and on what else is imported."""
    assert run(deployed).returncode == 0
    [compiled, *_] = (deployed / "lib" / "site-packages" / "__pycache__").glob("mod.*.pyc")
    whole = compiled.read_bytes()
    code = marshal.loads(whole[16:])
    other = whole[:16] + marshal.dumps(code, 2)
    assert other != whole
    compiled.write_bytes(other)
    assert run(deployed).returncode == 0
    assert compiled.read_bytes() == other
    compiled.write_bytes(whole[:16] + marshal.dumps(code.replace(co_names=("other",)), 2))
    assert run(deployed).returncode == 0
    assert compiled.read_bytes() == whole


@pytest.mark.parametrize("before", [None, "", "1"])
def test_where_processes_cannot_be_copied_there_is_a_pool(
    deployed: Path, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    site = with_many_modules(deployed)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    own = {name: value for name, value in vars(os).items() if name != "fork"}
    own["sched_getaffinity"] = lambda _: {0, 1}
    monkeypatch.setattr(postinstall, "os", SimpleNamespace(**own))
    postinstall.compile_bytecode(postinstall.read_layer(deployed))
    assert len(list((site / "__pycache__").iterdir())) >= 100
    assert os.environ.get("PYTHONSAFEPATH") == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes on the disk")
@pytest.mark.parametrize("through_a_link", [True, False])
def test_what_is_no_file_in_the_place_of_bytecode_is_replaced(
    deployed: Path, through_a_link: bool
) -> None:
    site = deployed / "lib" / "site-packages"
    compiled = Path(cache_from_source(str(site / "mod.py")))
    compiled.parent.mkdir()
    pipe = site / "pipe" if through_a_link else compiled
    os.mkfifo(pipe)
    if through_a_link:
        compiled.symlink_to(pipe)
    assert run(deployed).returncode == 0
    assert compiled.is_file()
    assert not compiled.is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="there are no such modes")
@pytest.mark.parametrize("umask", [0o077, 0])
def test_modes_do_not_depend_on_the_umask(deployed: Path, umask: int) -> None:
    before = set(deployed.rglob("*"))
    old = os.umask(umask)
    try:
        assert run(deployed).returncode == 0
    finally:
        os.umask(old)
    made = set(deployed.rglob("*")) - before
    assert {path.stat().st_mode & 0o777 for path in made if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in made if path.is_dir()} == {0o755}


def test_it_can_be_run_through_a_link_from_anywhere(deployed: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "link").symlink_to(deployed)
    assert run(Path("link"), "--no-compile", cwd=elsewhere).returncode == 0
    assert f"home = {deployed.parent}/py@2/bin\n" in (deployed / "pyvenv.cfg").read_text()


def test_modules_in_the_layers_top_folder_are_not_run(deployed: Path) -> None:
    for name in ("json", "argparse", "re", "compileall"):
        (deployed / f"{name}.py").write_text("raise SystemExit('a package took over')\n")
    assert run(deployed, cwd=deployed).returncode == 0


def test_a_file_shared_by_a_hard_link_is_replaced_not_edited(deployed: Path) -> None:
    other = deployed.parent / "other.cfg"
    other.write_text("other")
    os.link(other, deployed / "pyvenv.cfg")
    assert run(deployed, "--no-compile").returncode == 0
    assert other.read_text() == "other"


def in_process(deployed: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(postinstall, "__file__", str(deployed / "postinstall.py"))
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    return postinstall.main(list(arguments))


def test_a_runtime_is_compiled_with_its_standard_library(
    deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(deployed, CONFIG | {"base_python": "bin/python"})
    (deployed / "bin").mkdir()
    (deployed / "bin" / "python").write_bytes(b"")
    (deployed / "lib" / "os.py").write_text("")
    assert in_process(deployed, monkeypatch) == 0
    assert len(list((deployed / "lib" / "__pycache__").iterdir())) == 1
    assert not (deployed / "pyvenv.cfg").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("text", "does not hold an object"),
        (CONFIG | {"base_python": "../nowhere/python"}, "runtime layer is not there"),
        (CONFIG | {"py_version": "2.7.1"}, "run it with"),
        (CONFIG | {"pylib_dirs": ["../../x"]}, "leads out"),
    ],
)
def test_errors_are_one_line(
    deployed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    config: object,
    message: str,
) -> None:
    write_config(deployed, config)
    assert in_process(deployed, monkeypatch) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def other_python(deployed: Path, script: str) -> None:
    """Have the layer be for a Python that is not the running one; the runtime's is a script."""
    write_config(deployed, CONFIG | {"py_version": "3.99.1"})
    python = deployed.parent / "py@2" / "bin" / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="the runtime's Python is a script here")
def test_another_python_hands_over_to_the_runtimes(deployed: Path) -> None:
    other_python(deployed, f'echo "$@" > {shlex.quote(str(deployed))}/called; exit 7')
    assert run(deployed, "--relative").returncode == 7
    called = (deployed / "called").read_text()
    assert called == f"-I -S -B {deployed / 'postinstall.py'} --relative\n"
    assert not (deployed / "pyvenv.cfg").exists(), "it is that one's to do"
    (deployed / "called").unlink()
    assert run(deployed, "--no-compile").returncode == 0
    assert (deployed / "pyvenv.cfg").is_file()
    assert not (deployed / "called").exists()


@pytest.mark.skipif(os.name == "nt", reason="the runtime's Python is a script here")
def test_a_runtime_of_another_version_than_it_says_is_asked_once(deployed: Path) -> None:
    other_python(deployed, f'exec {shlex.quote(sys.executable)} "$@"')
    done = run(deployed)
    assert done.returncode == 1
    assert "but the layer is for 3.99.1" in done.stderr


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_unreadable_configurations(deployed: Path, content: bytes | None) -> None:
    path = deployed / postinstall.LAYER_CONFIG
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LayerConfigError, match="cannot be read"):
        postinstall.read_layer(deployed)


def test_what_cannot_be_written_leaves_nothing_behind(
    deployed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (deployed / "pyvenv.cfg").mkdir()
    before = sorted(deployed.iterdir())
    assert in_process(deployed, monkeypatch, "--no-compile") == 1
    assert "pyvenv.cfg" in capsys.readouterr().err
    assert sorted(deployed.iterdir()) == before


def test_what_a_killed_run_left_is_in_nobodys_way(
    deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = deployed.parent / "elsewhere"
    elsewhere.write_text("kept", "utf-8")
    (deployed / f".pyvenv.cfg.{os.getpid()}").symlink_to(elsewhere)
    assert in_process(deployed, monkeypatch, "--no-compile") == 0
    assert elsewhere.read_text("utf-8") == "kept"
    assert (deployed / "pyvenv.cfg").read_text("utf-8").startswith("home = ")
    assert not list(deployed.glob(".pyvenv*"))


def test_local_files_are_complete_in_process(
    deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_process(deployed, monkeypatch) == 0
    assert in_process(deployed, monkeypatch, "--no-compile") == 0
    layer = postinstall.read_layer(deployed)
    for path, content in postinstall.local_files(layer):
        assert Path(path).read_bytes() == content


# --- layers that may be moved ------------------------------------------------------------


def test_relative_files_hold_no_absolute_paths() -> None:
    layer = resolve_layer(PurePosixPath("/apps/app-x"), CONFIG)
    files = {path.name: content for path, content in postinstall.relative_files(layer)}
    assert set(files) == {"pyvenv.cfg", "sitecustomize.py"}
    assert not any(b"/apps" in content for content in files.values())
    assert b"home" not in files["pyvenv.cfg"]
    assert f"version = {CONFIG['py_version']}\n".encode() in files["pyvenv.cfg"]
    source = files["sitecustomize.py"].decode()
    assert source.index("framework-a") < source.index("py@2")


def test_a_runtime_has_no_relative_files() -> None:
    layer = resolve_layer(PurePosixPath("/apps/py"), CONFIG | {"base_python": "bin/python"})
    assert postinstall.relative_files(layer) == ()


@pytest.mark.parametrize("name", ["plain", "it's", 'a "quoted" one', "{x}", "caf\u00e9 \u2028"])
def test_peers_are_found_beside_a_moved_layer(tmp_path: Path, name: str) -> None:
    config = CONFIG | {"pylib_dirs": [f"../{name}/lib"]}
    layer = resolve_layer(tmp_path / "here" / "app-x", config)
    peer = tmp_path / "there" / name / "lib"
    peer.mkdir(parents=True)
    site_dir = tmp_path / "there" / "app-x" / "lib" / "site-packages"
    site_dir.mkdir(parents=True)
    source = postinstall.relative_sitecustomize(layer)
    assert source.isascii()
    (site_dir / "sitecustomize.py").write_text(source)
    program = "import sys, sitecustomize; print(*map(ascii, sys.path), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(site_dir)},
        capture_output=True,
        text=True,
    )
    assert ascii(str(peer)) in done.stdout.splitlines(), done.stderr


def test_a_layer_that_starts_by_a_script_needs_absolute_paths(
    deployed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (deployed / "bin").mkdir()
    (deployed / "bin" / "python").write_text("#!/bin/bash\n")
    assert in_process(deployed, monkeypatch, "--no-compile", "--relative") == 1
    assert "only a layer whose Python is a link" in capsys.readouterr().err
    assert not (deployed / "pyvenv.cfg").exists()
    (deployed / "bin" / "python").unlink()
    (deployed / "bin" / "python").symlink_to("../../py@2/bin/python")
    assert in_process(deployed, monkeypatch, "--no-compile", "--relative") == 0
    assert "home" not in (deployed / "pyvenv.cfg").read_text()


def test_a_layer_reached_by_a_link_keeps_its_modules(tmp_path: Path) -> None:
    """What is imported after the link leads elsewhere comes from where it led at the start."""
    layer = resolve_layer(tmp_path / "one" / "app-x", CONFIG | {"pylib_dirs": []})
    site_dir = Path(layer.site_dir)
    site_dir.mkdir(parents=True)
    (site_dir / "sitecustomize.py").write_text(postinstall.sitecustomize(layer))
    (tmp_path / "current").symlink_to("one")
    by_link = tmp_path / "current" / site_dir.relative_to(tmp_path / "one")
    program = "import sys, sitecustomize; print(*sys.path, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(by_link)},
        capture_output=True,
        text=True,
    )
    assert str(site_dir) in done.stdout.splitlines(), done.stderr
    assert str(by_link) not in done.stdout.splitlines()


def _other_pythons() -> list[str]:
    """Other CPythons of this machine, by the names that such programs have."""
    names = (f"python3.{minor}" for minor in range(8, 20) if minor != sys.version_info[1])
    return [path for path in map(shutil.which, names) if path is not None and _starts(path)]


def _starts(python: str) -> bool:
    # A version manager's stand-in is there for versions that are not in use, too.
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("option", ["-IS", "-S", "-E"])
def test_it_runs_on_every_python_that_is_here(tmp_path: Path, option: str) -> None:
    """Layers may have an older Python than the one that builds them."""
    for number, python in enumerate([sys.executable, *_other_pythons()]):
        version = subprocess.run(
            [python, "-c", "import platform; print(platform.python_version())"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        folder = tmp_path / str(number)
        layer = folder / "app-x"
        (layer / "lib/site-packages").mkdir(parents=True)
        (layer / "lib/site-packages/module.py").write_text("x = 1\n")
        # The layer's own folder must not hide the standard library.
        (layer / "argparse.py").write_text("raise SystemExit('taken for the library')\n")
        (folder / "py@2/bin").mkdir(parents=True)
        (folder / "py@2/bin/python").write_text("")
        config = layer / postinstall.LAYER_CONFIG
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps(CONFIG | {"py_version": version.rstrip("+")}))
        shutil.copy(SCRIPT, layer / "postinstall.py")
        done = subprocess.run(
            [python, option, layer / "postinstall.py"], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), python
        assert (layer / "pyvenv.cfg").is_file()
        assert len(list((layer / "lib/site-packages/__pycache__").iterdir())) == 2


def test_its_syntax_is_that_of_old_pythons() -> None:
    """For machines that have none of them."""
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 8))
    assert "kw_only=True" not in SCRIPT.read_text("utf-8")
