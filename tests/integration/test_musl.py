"""Layers for Linux with musl: locked and built anywhere, never on a Python for glibc."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import HOST_VERSION, TRIPLE
from tests.support.index_server import LocalIndex
from tests.support.runtimes import make_install_only, write_checksums
from tests.support.stacks import HOST, LAYERS, Project, add_package
from venvstacks_dag.platforms import host_platform

pytestmark = pytest.mark.skipif(
    not host_platform().startswith("linux"), reason="musl is a C library for Linux"
)


@pytest.fixture
def musl_project(project: Project, index: LocalIndex, tmp_path: Path) -> Project:
    for layer in LAYERS:
        project.layer(layer)["linux_target"] = "musl@1.2"
    arch = host_platform().removeprefix("linux_")
    for tag in (f"manylinux_2_17_{arch}", f"musllinux_1_1_{arch}"):
        files = {"native.py": f"tag = {tag!r}\n"}
        add_package(index, tmp_path, "native", tag=f"py3-none-{tag}", files=files, pure=False)
    project.layer("app-two")["requirements"] = ["native"]
    return project


def test_musl_layers_take_musllinux_wheels_and_a_runtime_for_musl(
    musl_project: Project, tmp_path: Path
) -> None:
    runtimes = tmp_path / "musl-runtimes"
    make_install_only(runtimes, HOST_VERSION, TRIPLE.replace("-gnu", "-musl"))
    write_checksums(runtimes)
    musl_project.environ["VENVSTACKS_DAG_RUNTIMES"] = str(runtimes)
    musl_project.build()
    lock = musl_project.lock("app-two").read_text("utf-8")
    assert "musllinux_1_1" in lock
    assert "manylinux" not in lock
    assert "sys_platform == 'linux'" in lock
    [native] = musl_project.tree("app-two").glob("lib/python3.*/site-packages/native.py")
    assert "musllinux" in native.read_text("utf-8")


def test_the_host_s_python_for_glibc_is_refused(musl_project: Project) -> None:
    musl_project.layer("py")["python_implementation"] = HOST
    failed = musl_project.doit("build")
    assert failed.code != 0
    assert "cpython@host cannot be had for" in failed.output
    assert "with musl" in failed.output
