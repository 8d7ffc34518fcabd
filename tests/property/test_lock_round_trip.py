"""Locks are read back as they were written, and any PEP 751 installer takes the same wheels."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import PackageWheel

from tests.support.fake_index import FakeIndex, FakePackage
from tests.unit.resolve.support import FOLDER, PYTHON, lower
from venvstacks_dag.errors import PackageNotFound, ResolutionFailed
from venvstacks_dag.platforms import PLATFORM_NAMES, TargetPlatform, marker_environment
from venvstacks_dag.platforms.tags import wheel_tags
from venvstacks_dag.reporting import NullReporter
from venvstacks_dag.resolve.lock import lock_layer
from venvstacks_dag.resolve.lockfile import parse_lock, render_lock
from venvstacks_dag.resolve.model import LayerLock, LockRequest
from venvstacks_dag.resolve.packages import own_packages
from venvstacks_dag.resolve.pinned import pinned_wheels

_NAMES = ("a", "b", "c")
_TAGS = (
    "py3-none-any",
    "cp312-none-any",
    "py2.py3-none-any",
    "cp312-cp312-win_amd64",
    "cp312-cp312-win_arm64",
    "cp38-abi3-win_amd64",
    "cp312-cp312-manylinux_2_17_x86_64",
    "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp312-cp312-manylinux_2_17_aarch64",
    "py3-none-manylinux_2_17_x86_64.manylinux_2_17_aarch64",
    "cp312-cp312-macosx_11_0_universal2",
    "cp312-cp312-macosx_11_0_arm64",
    "py3-none-macosx_10_9_x86_64.macosx_11_0_arm64.win_amd64",
    "cp311-cp311-win_amd64",
)
_MARKERS = (
    "",
    " ; sys_platform == 'win32'",
    " ; sys_platform != 'win32'",
    " ; platform_machine == 'x86_64'",
    " ; platform_machine == 'arm64' or sys_platform == 'linux'",
)

_tags = st.lists(
    st.tuples(st.sampled_from(["", "", "1-", "2b-"]), st.sampled_from(_TAGS)).map("".join),
    min_size=1,
    max_size=4,
    unique=True,
)


@st.composite
def _packages(draw: st.DrawFn) -> list[FakePackage]:
    packages = []
    for name in _NAMES:
        for version in draw(st.sets(st.sampled_from(["1.0", "2.0", "2.0+local"]), min_size=1)):
            others = st.sampled_from([other for other in _NAMES if other != name])
            needs = st.tuples(others, st.sampled_from(_MARKERS)).map("".join)
            requires = tuple(draw(st.lists(needs, max_size=1)))
            packages.append(
                FakePackage(
                    name=name,
                    version=version,
                    tags=tuple(draw(_tags)),
                    requires=requires,
                    local=draw(st.booleans()),
                )
            )
    return packages


@settings(max_examples=150, deadline=None)
@given(
    packages=_packages(),
    roots=st.lists(
        st.tuples(st.sampled_from(_NAMES), st.sampled_from(_MARKERS)).map("".join),
        min_size=1,
        max_size=3,
    ),
    platforms=st.lists(st.sampled_from(PLATFORM_NAMES), min_size=1, max_size=4, unique=True),
    pins=st.lists(st.tuples(st.just("b 1.0"), st.sampled_from(_MARKERS)).map("".join), max_size=1),
)
def test_locks_round_trip_and_select_what_was_resolved(
    packages: list[FakePackage], roots: list[str], platforms: list[str], pins: list[str]
) -> None:
    if pins:
        packages = [p for p in packages if p.name != "b"] + [FakePackage(name="b")]
    request = LockRequest(
        env_name="app-x",
        requirements=tuple(roots),
        python=PYTHON,
        targets=tuple(TargetPlatform(name=name) for name in platforms),
        lower=(lower("cpython-3.12", *pins),),
        lock_folder=FOLDER,
    )
    try:
        lock = lock_layer(request, FakeIndex(packages), NullReporter(), workers=0)
    except (ResolutionFailed, PackageNotFound):
        return
    data = render_lock(lock)
    again = parse_lock(data, FOLDER / "pylock.app-x.toml", "app-x")
    assert again.pylock == lock.pylock
    assert render_lock(again) == data
    wanted = {wheel for name in platforms for wheel in _selected(lock, request, name)}
    listed = {w.filename for p in own_packages(lock) for w in p.wheels or ()}
    assert listed == wanted, "every wheel that is listed is installed somewhere"


def _selected(lock: LayerLock, request: LockRequest, platform: str) -> set[str]:
    """The wheels of a target: `pinned_wheels` and PEP 751's own selection agree on them."""
    target = TargetPlatform(name=platform)
    selection = lock.pylock.select(
        environment=marker_environment(target, request.python),  # type: ignore[arg-type]
        tags=wheel_tags(target, request.python),
    )
    theirs = {wheel.filename for _, wheel in selection if isinstance(wheel, PackageWheel)}
    ours = {w.filename for w in pinned_wheels(lock, target, request.python, Path(FOLDER))}
    assert ours == theirs
    return ours
