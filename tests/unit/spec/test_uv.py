from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from venvstacks_dag.spec import IndexSettings, ToolSettings, UvSettings, parse_stack
from venvstacks_dag.spec.uv import parse_exclude_newer

RUNTIME = b'[[runtimes]]\nname="rt"\npython_implementation="cpython@3.12.7"\nrequirements=[]\n'
PATH = PurePosixPath("/stack/venvstacks.toml")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-08-27T00:00:00Z", datetime(2025, 8, 27, tzinfo=UTC)),
        ("2025-08-27 00:00:00+00:00", datetime(2025, 8, 27, tzinfo=UTC)),
        ("2025-08-27t02:00:00z", datetime(2025, 8, 27, 2, tzinfo=UTC)),
        ("2025-08-27T02:00:00.5+02:00", datetime(2025, 8, 27, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2025-08-27", datetime(2025, 8, 28, tzinfo=UTC)),
        ("2025-12-31", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_exclude_newer(text: str, moment: datetime) -> None:
    assert parse_exclude_newer(text) == moment
    assert parse_exclude_newer(text).utcoffset() == UTC.utcoffset(None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "7 days",
        "2025-08-27T00:00:00",
        "2025-13-01",
        "9999-12-31",
        "0001-01-01T00:00:00+23:00",
        "2025-08-27T25:00:00Z",
        "2025-08-27\n",
        "\u0662\u0660\u0662\u0665-08-27",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither an RFC 3339|not a date that exists"):
        parse_exclude_newer(text)


def test_all_settings_are_read() -> None:
    data = RUNTIME + (
        b'[tool.uv]\nexclude-newer="2025-08-27"\noverride-dependencies=["a>=2"]\n'
        b'constraint-dependencies=["b<3"]\nfind-links=["wheels"]\nno-index=true\n'
        b'prerelease="allow"\nsources.My_Pkg={index="one"}\n'
        b'[[tool.uv.index]]\nname="one"\nurl="https://example.invalid/simple"\nexplicit=true\n'
        b'[[tool.uv.index]]\nurl="../mirror"\ndefault=true\n'
        b'[tool.venvstacks-dag]\nruntime_archives="runtimes"\nmax_depth=3\n'
    )
    spec = parse_stack(data, PATH, uv_data=None, environ={})
    assert spec.uv == UvSettings(
        indexes=(
            IndexSettings(name="one", url="https://example.invalid/simple", explicit=True),
            IndexSettings(name=None, url="../mirror", default=True),
        ),
        sources=(("my-pkg", "one"),),
        exclude_newer=datetime(2025, 8, 28, tzinfo=UTC),
        override_dependencies=("a>=2",),
        constraint_dependencies=("b<3",),
        find_links=("wheels",),
        no_index=True,
        prerelease="allow",
    )
    assert spec.tool == ToolSettings(runtime_archives="runtimes", max_depth=3)
    assert spec.path == PATH


def test_runtime_archives_may_lie_in_several_places() -> None:
    data = RUNTIME + b'[tool.venvstacks-dag]\nruntime_archives=["a", "b#sha256=c"]\n'
    spec = parse_stack(data, PATH, uv_data=None, environ={})
    assert spec.tool == ToolSettings(runtime_archives=("a", "b#sha256=c"))


def test_the_file_beside_counts_only_without_settings_inline() -> None:
    beside = b"no-index = true"
    with_own = parse_stack(RUNTIME + b"[tool.uv]\n", PATH, uv_data=beside, environ={})
    without = parse_stack(RUNTIME, PATH, uv_data=beside, environ={})
    assert (with_own.uv.no_index, without.uv.no_index) == (False, True)


@pytest.mark.parametrize(
    ("environ", "moment"),
    [
        ({"UV_EXCLUDE_NEWER": "2020-01-01T00:00:00Z"}, datetime(2020, 1, 1, tzinfo=UTC)),
        ({"UV_EXCLUDE_NEWER": ""}, datetime(2025, 8, 28, tzinfo=UTC)),
        ({}, datetime(2025, 8, 28, tzinfo=UTC)),
    ],
)
def test_the_environment_wins(environ: dict[str, str], moment: datetime) -> None:
    data = RUNTIME + b'[tool.uv]\nexclude-newer="2025-08-27"\n'
    assert parse_stack(data, PATH, uv_data=None, environ=environ).uv.exclude_newer == moment
    alone = parse_stack(RUNTIME, PATH, uv_data=None, environ=environ).uv.exclude_newer
    assert alone == (moment if environ.get("UV_EXCLUDE_NEWER") else None)
