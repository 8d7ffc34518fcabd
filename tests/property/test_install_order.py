"""Invariant 2, reproducible: the order in which wheels are handed over plays no part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from venvstacks_dag.errors import InstallConflict
from venvstacks_dag.install import InstallRequest, LayerPlan, plan_layer
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform
from venvstacks_dag.store import Image, ImageEntry

PATHS = ("a", "A", "a/b", "a/B", "pkg/x.py", "pkg/y.py", "\u00e9", "e\u0301")
TARGETS = ("linux_x86_64", "win_amd64", "macosx_arm64")
CONTENTS = st.dictionaries(st.sampled_from(PATHS), st.sampled_from("01"), max_size=3)


def image(name: str, contents: dict[str, str]) -> Image:
    return Image(
        digest="0" * 64,
        folder=Path("/store") / name,
        entries=tuple(
            ImageEntry(scheme="purelib", path=path, sha256=content * 64)
            for path, content in contents.items()
        ),
        properties=(
            ("name", name),
            ("version", "1"),
            ("dist_info", f"{name}-1.dist-info"),
            ("root_is_purelib", "true"),
        ),
    )


def outcome(request: InstallRequest) -> LayerPlan | str:
    try:
        return plan_layer(request)
    except InstallConflict as error:
        return str(error)


@settings(max_examples=300)
@given(st.lists(CONTENTS, min_size=1, max_size=4), st.sampled_from(TARGETS), st.data())
def test_any_order_gives_the_same_plan(
    contents: list[dict[str, str]], target: str, data: st.DataObject
) -> None:
    images = [image(f"dist{index}", files) for index, files in enumerate(contents)]
    request = InstallRequest(
        layout=LayerLayout(
            target=TargetPlatform(name=target),
            python=PythonVersion(major=3, minor=12, micro=0),
            is_runtime=False,
        ),
        env_name="app-x",
        runtime=None,
        wheels=tuple(images),
        requested=frozenset(),
        destination=Path("/build/app-x"),
    )
    first = outcome(request)
    shuffled = data.draw(st.permutations(images))
    assert outcome(replace(request, wheels=tuple(shuffled))) == first
    if isinstance(first, LayerPlan):
        places = [f.place for planned in first.images for f in planned.files if not f.shared]
        assert len(places) == len(set(places))
        folders = {place.rpartition("/")[0] for place in places}
        assert folders <= set(first.folders)
        assert not set(places) & set(first.folders)
