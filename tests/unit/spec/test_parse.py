from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from tests.cases.test_specs import SPECS
from venvstacks_dag.errors import SpecError
from venvstacks_dag.spec import ApplicationSpec, FrameworkSpec, RuntimeSpec, StackSpec, parse_stack

PATH = PurePosixPath("/stack/venvstacks.toml")


def _parsed(data: bytes, **environ: str) -> StackSpec:
    return parse_stack(data, PATH, uv_data=None, environ=environ)


def test_every_field_reaches_its_layer() -> None:
    data = (SPECS / "good" / "every_field.toml").read_bytes()
    spec = _parsed(data, MACOSX_DEPLOYMENT_TARGET="12.3")
    assert spec.runtimes == (
        RuntimeSpec(
            name="cpython-3.12",
            env_name="cpython-3.12",
            key="runtimes[0]",
            line=3,
            requirements=("numpy>=1.26 ; sys_platform != 'win32'", "Pillow"),
            platforms=("macosx_arm64", "linux_x86_64", "win_amd64"),
            glibc=(2, 17),
            macos=(11, 0),
            dynlib_exclude=("libpng16.*", "PIL/**/libz.*"),
            package_indexes=(("torch", "cpu"),),
            index_overrides=(("gpu", "cpu"),),
            priority_indexes=("cpu",),
            versioned=True,
            python_implementation="cpython@3.12",
        ),
    )
    assert spec.frameworks[0] == FrameworkSpec(
        name="torch",
        env_name="framework-torch",
        key="frameworks[0]",
        line=16,
        requirements=("torch[opt]==2.*",),
        platforms=("linux_x86_64", "macosx_arm64"),
        macos=(12, 3),
        runtime="cpython-3.12",
    )
    assert spec.applications == (
        ApplicationSpec(
            name="serve",
            env_name="app-serve",
            key="applications[0]",
            line=28,
            macos=(12, 3),
            frameworks=("torch", "http"),
            launch_module="src/serve.py",
            support_modules=("src/common", "../shared/helper.py"),
        ),
    )
    assert [layer.env_name for layer in spec.layers] == [
        "cpython-3.12",
        "framework-torch",
        "framework-http",
        "app-serve",
    ]


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n"])
def test_an_empty_file(data: bytes) -> None:
    with pytest.raises(SpecError, match="the file is empty") as caught:
        _parsed(data)
    assert len(caught.value.problems) == 1


def test_one_error_holds_all_problems() -> None:
    with pytest.raises(SpecError) as caught:
        _parsed(b'[[runtimes]]\nname="x"\nrequirements=3\n[[framework]]')
    assert len(caught.value.problems) == 3
    assert str(caught.value).startswith("/stack/venvstacks.toml: 3 mistakes")


@pytest.mark.parametrize(
    ("implementation", "good"),
    [
        ("cpython@3.12.7", True),
        ("cpython@3.12", True),
        ("cpython@host", True),
        ("pypy@3.10.14", True),
        ("pypy@3.10", True),
        ("cpython@3", False),
        ("cpython@2.7.18", False),
        ("cpython@3.012", False),
        ("cpython@3.12.7\n", False),
        ("cpython@3.12.", False),
        ("graalpy@3.11", False),
        ("", False),
    ],
)
def test_python_implementations(implementation: str, good: bool) -> None:
    text = implementation.replace("\n", "\\n")
    data = f'[[runtimes]]\nname="x"\nrequirements=[]\npython_implementation="{text}"'.encode()
    if good:
        assert _parsed(data).runtimes[0].python_implementation == implementation
    else:
        with pytest.raises(SpecError, match="unknown Python"):
            _parsed(data)


def test_only_the_problem_that_counts_is_told_of_hosts_and_variables() -> None:
    with pytest.raises(SpecError, match="MACOSX_DEPLOYMENT_TARGET: there is no macOS 9") as caught:
        _parsed(
            b'[[runtimes]]\nname="x"\nrequirements=[]\npython_implementation="cpython@3.12"',
            MACOSX_DEPLOYMENT_TARGET="9",
        )
    assert len(caught.value.problems) == 1
