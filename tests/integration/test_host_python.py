"""Packs the Pythons that this machine has, and runs them from another place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.images import host_image, materialize
from tests.support.pythons import other_pythons, version_of
from tests.support.runtimes import (
    PlainDownloader,
    make_real_install_only,
    write_checksums,
)
from venvstacks_dag.platforms import TargetPlatform
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.runtimes import (
    RuntimeRequest,
    RuntimeSettings,
    find_runtime,
    providers,
    runtime_image,
)
from venvstacks_dag.runtimes.elf import read_dynamic
from venvstacks_dag.runtimes.host_python import this_python
from venvstacks_dag.spec.model import ToolSettings
from venvstacks_dag.store import Image, Store

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or this_python().obstacle is not None,
    reason="this Python cannot be packed",
)

PROJECT = Path(__file__).parents[2]
PROBE = """
import json, sys, sysconfig
import ctypes, encodings, sqlite3, ssl
modules = [sys.modules[name].__file__ for name in ("os", "ssl", "_ssl", "ctypes", "json")]
data = {name: sysconfig.get_config_var(name) for name in ("prefix", "exec_prefix", "INCLUDEPY")}
print(json.dumps(
    [sys.prefix, sys.base_prefix, list(sys.version_info[:3]), sys.path, modules, data]
))
"""
COMPILE = """
import shlex, subprocess, sys, sysconfig
value = sysconfig.get_config_var
source, made = sys.argv[1], sys.argv[2] + value("EXT_SUFFIX")
command = [*shlex.split(value("CC")), *shlex.split(value("CCSHARED")), "-shared"]
subprocess.run([*command, "-I", value("INCLUDEPY"), source, "-o", made], check=True)
"""
EXTENSION = """
#include <Python.h>
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "answer", 0, -1, 0};
PyMODINIT_FUNC PyInit_answer(void) { return PyModule_Create(&definition); }
"""
PACK = """
import sys
from pathlib import Path
from tests.support.images import host_image, materialize
materialize(host_image(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def check_runs(runtime: Path, version: tuple[int, ...]) -> None:
    for name in ("python", "python3", f"python{version[0]}.{version[1]}"):
        done = subprocess.run(
            [runtime / "bin" / name, "-I", "-B", "-c", PROBE],
            env={},
            cwd="/",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        prefix, base_prefix, found, path, modules, data = json.loads(done.stdout)
        assert prefix == base_prefix == str(runtime)
        assert data["prefix"] == data["exec_prefix"] == str(runtime)
        assert data["INCLUDEPY"] == f"{runtime}/include/python{version[0]}.{version[1]}"
        assert tuple(found) == version
        assert all(place.startswith(str(runtime)) for place in [*path, *modules])


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return host_image(tmp_path_factory.mktemp("host") / "store")


def test_the_running_interpreter_runs_elsewhere(image: Image, tmp_path: Path) -> None:
    runtime = materialize(image, tmp_path / "it's moved" / "runtime")
    check_runs(runtime, sys.version_info[:3])
    prefix = str(this_python().prefix)
    for entry in image.entries:
        assert "site-packages/" not in entry.path
        assert "__pycache__" not in entry.path
        dynamic = read_dynamic(image.file(entry)) if entry.kind == "file" else None
        assert dynamic is None or not any(folder.startswith(prefix) for folder in dynamic.search)


def test_an_extension_is_compiled_by_what_a_moved_runtime_says(
    image: Image, tmp_path: Path
) -> None:
    runtime = materialize(image, tmp_path / "moved" / "runtime")
    old = str(this_python().prefix).encode()
    named = [
        entry.path
        for entry in image.entries
        if entry.kind == "file"
        and entry.path.startswith("lib/python")
        and entry.path.endswith((".py", "Makefile", ".pc", ".json"))
        and len(old) > len("/usr/local")
        and old in image.file(entry).read_bytes()
    ]
    assert named == []
    source = tmp_path / "answer.c"
    source.write_text(EXTENSION)
    python = runtime / "bin" / "python"
    subprocess.run([python, "-I", "-c", COMPILE, source, tmp_path / "answer"], check=True)
    subprocess.run([python, "-c", "import answer"], cwd=tmp_path, check=True)


def test_two_stores_get_the_same_image(image: Image, tmp_path: Path) -> None:
    again = host_image(tmp_path / "store")
    assert again.digest == image.digest
    assert again.entries == image.entries


def test_a_real_archive_gives_the_same_files(image: Image, tmp_path: Path) -> None:
    make_real_install_only(tmp_path / "archives", image)
    write_checksums(tmp_path / "archives")
    settings = RuntimeSettings.of(ToolSettings(runtime_archives="archives"), tmp_path, {})
    real = providers(lambda: settings, PlainDownloader(), Store(tmp_path / "store"))
    request = RuntimeRequest(
        layer="py",
        python_implementation=f"cpython@{image.property('version')}",
        target=TargetPlatform(name=image.property("platform")),
    )
    unpacked = runtime_image(find_runtime(request, real), real, NullReporter())
    assert unpacked.entries == image.entries
    assert unpacked.properties == image.properties


@pytest.mark.parametrize("python", other_pythons(), ids=str)
def test_other_interpreters_of_this_machine_run_elsewhere(python: Path, tmp_path: Path) -> None:
    version = version_of(python)
    if version < (3, 11):
        pytest.skip("the build does not run on this one")
    # Only pure modules of the build's own environment are imported by packing.
    path = os.pathsep.join([str(PROJECT), sysconfig.get_path("purelib")])
    runtime = tmp_path / "moved"
    subprocess.run(
        [python, "-B", "-c", PACK, str(tmp_path / "store"), str(runtime)],
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"]},
        check=True,
    )
    check_runs(runtime, version)
    check_finds_site_packages(runtime)


def check_finds_site_packages(runtime: Path) -> None:
    library = next((runtime / "lib").glob("python3.*"))
    (library / "site-packages").mkdir()
    (library / "site-packages" / "a_module.py").write_text("where = __file__\n")
    done = subprocess.run(
        [runtime / "bin/python", "-I", "-B", "-c", "import a_module; print(a_module.where)"],
        env={},
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(str(runtime)), done.stderr
