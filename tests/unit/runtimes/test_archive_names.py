from __future__ import annotations

import pytest

from venvstacks_dag.platforms import PLATFORM_NAMES, TargetPlatform
from venvstacks_dag.runtimes.archive_names import (
    TRIPLES,
    example_name,
    parse_archive_name,
    parse_archive_names,
)


@pytest.mark.parametrize(
    ("filename", "version", "platform", "date", "stripped"),
    [
        (
            "cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only.tar.gz",
            "3.12.7",
            "linux_x86_64",
            "20241016",
            False,
        ),
        (
            "cpython-3.13.0-aarch64-unknown-linux-gnu-install_only_stripped.tar.zst",
            "3.13.0",
            "linux_aarch64",
            "",
            True,
        ),
        (
            "cpython-3.11.1+20230116T1424-x86_64-pc-windows-msvc-shared-install_only.tar.gz",
            "3.11.1",
            "win_amd64",
            "20230116T1424",
            False,
        ),
        (
            "cpython-3.11.15+20260807-aarch64-pc-windows-msvc-install_only.tar.gz",
            "3.11.15",
            "win_arm64",
            "20260807",
            False,
        ),
    ],
)
def test_names_are_understood(
    filename: str, version: str, platform: str, date: str, stripped: bool
) -> None:
    name = parse_archive_name(filename)
    assert name is not None
    assert (name.version.full, name.platform, name.date, name.stripped) == (
        version,
        platform,
        date,
        stripped,
    )


@pytest.mark.parametrize(
    "filename",
    [
        "cpython-3.12.7+20241016-x86_64_v3-unknown-linux-gnu-install_only.tar.gz",
        "cpython-3.12.7+20241016-i686-pc-windows-msvc-install_only.tar.gz",
        "cpython-3.13.0+20241016-x86_64-apple-darwin-freethreaded-install_only.tar.gz",
        "cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-pgo+lto-full.tar.zst",
        "cpython-3.12.7+20241016-x86_64-unknown-linux-gnu-install_only.tar.xz",
        "cpython-3.12.7+2024-x86_64-unknown-linux-gnu-install_only.tar.gz",
        "pypy3.10-v7.3.17-linux64.tar.bz2",
        "SHA256SUMS",
    ],
)
def test_other_files_are_passed_over(filename: str) -> None:
    assert parse_archive_name(filename) is None
    assert parse_archive_names([filename]) == ()


def test_newest_version_then_newest_build_then_the_smaller_one_is_best() -> None:
    ordered = [
        "cpython-3.12.7-x86_64-apple-darwin-install_only.tar.gz",
        "cpython-3.12.7+20240101-x86_64-apple-darwin-install_only_stripped.tar.gz",
        "cpython-3.12.7+20241016-x86_64-apple-darwin-install_only.tar.gz",
        "cpython-3.12.7+20241016-x86_64-apple-darwin-install_only.tar.zst",
        "cpython-3.12.7+20241016-x86_64-apple-darwin-install_only_stripped.tar.gz",
        "cpython-3.12.10+20230101-x86_64-apple-darwin-install_only.tar.gz",
    ]
    names = parse_archive_names(reversed(ordered))
    assert [name.filename for name in sorted(names, key=lambda name: name.rank)] == ordered


def test_every_platform_has_a_triple_and_an_example() -> None:
    assert set(TRIPLES.values()) == set(PLATFORM_NAMES)
    targets = [TargetPlatform(name=name) for name in PLATFORM_NAMES]
    targets += [TargetPlatform(name=name, musl=(1, 2)) for name in PLATFORM_NAMES]
    for target in targets:
        name = parse_archive_name(example_name("3.12.7", target).replace("DATE", "20241016"))
        assert name is not None
        fitting = [other for other in targets if name.is_for(other)]
        assert target in fitting
        assert {(other.name, other.uses_musl) for other in fitting} == {
            (target.name, target.uses_musl)
        }
