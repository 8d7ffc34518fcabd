"""Reasons in the specification's terms: each stage, each kind of part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.tasks.builders import LAYERS, LINUX, WINDOWS, layer
from venvstacks_dag.tasks.reasons import Inputs, reason_of, told_parts
from venvstacks_dag.tasks.stages import STAGES

PY, FRAMEWORK = LAYERS[0], LAYERS[1]
APP = layer(
    "app-x",
    "framework-a",
    "py",
    launch_module="apps/one.py",
    support_modules=("common.py", "two/extra.py"),
)
UV: dict[str, Any] = {
    "indexes": [{"name": "own", "url": "https://a.test/simple", "default": False}],
    "sources": [["numpy", "own"]],
    "exclude_newer": None,
    "find_links": [],
    "no_index": False,
}
GLIBC = {"name": LINUX, "glibc": [2, 17]}
LONG = (
    "some-package @ https://files.example.test/a/very/long/path/some_package-1.0-py3-none-any.whl"
)

# Stage, part, its value before and now, and the reason.
CASES: list[tuple[str, str, Any, Any, str]] = [
    # --- resolve ---
    ("resolve", "schema", 1, 2, "this tool's schema of resolve changed (1 -> 2)"),
    (
        "resolve", "requirements", ["a", "lefty==1.0"], ["a", "lefty==2.0"],
        "requirements[1] changed from 'lefty==1.0' to 'lefty==2.0'",
    ),
    ("resolve", "requirements", ["a", "b"], ["a", "b", "c==1"], "requirements[2] 'c==1' is new"),
    ("resolve", "requirements", ["a", "b"], ["c", "a", "b"], "requirements[0] 'c' is new"),
    ("resolve", "requirements", ["a", "b"], ["b"], "requirements[0] 'a' is gone"),
    ("resolve", "requirements", ["a", "b"], ["b", "a"], "requirements: their order changed"),
    (
        "resolve", "requirements", [], ["a", "b", "c"],
        "requirements[0] 'a' is new (and 2 more)",
    ),
    (
        "resolve", "requirements", ["a", "b", "c"], ["x", "y", "c"],
        "requirements[0] changed from 'a' to 'x' (and 1 more)",
    ),
    (
        "resolve", "requirements", ["a"], [LONG],
        "requirements[0] changed from 'a' to 'some-package @ https://files.example.test/a/v...'",
    ),
    ("resolve", "requirements", [LONG + "1"], [LONG + "2"], "requirements[0] changed"),
    ("resolve", "exclude", None, ["bits"], "exclude[0] 'bits' is new"),
    ("resolve", "exclude", ["bits"], None, "exclude[0] 'bits' is gone"),
    ("resolve", "overrides", ["a<2"], ["a<3"], "overrides[0] changed from 'a<2' to 'a<3'"),
    ("resolve", "versioned", False, True, "versioned changed from false to true"),
    ("resolve", "version_inputs", {"one.py": "0"}, {"one.py": "1"},
     "launch_module apps/one.py changed"),
    ("resolve", "targets", [GLIBC], [GLIBC, {"name": WINDOWS}], "platforms: win_amd64 is new"),
    ("resolve", "targets", [GLIBC, {"name": WINDOWS}], [GLIBC], "platforms: win_amd64 is gone"),
    ("resolve", "targets", [GLIBC, {"name": WINDOWS}], [{"name": WINDOWS}, GLIBC],
     "platforms: their order changed"),
    ("resolve", "targets", [GLIBC], [{"name": LINUX, "glibc": [2, 28]}],
     "linux_target of linux_x86_64 changed from 'glibc@2.17' to 'glibc@2.28'"),
    ("resolve", "targets", [GLIBC], [{"name": LINUX, "musl": [1, 2]}],
     "linux_target of linux_x86_64 changed from 'glibc@2.17' to 'musl@1.2'"),
    ("resolve", "targets", [{"name": "macosx_arm64", "macos": [13, 0]}],
     [{"name": "macosx_arm64", "macos": [14, 0]}],
     "macosx_target of macosx_arm64 changed from '13.0' to '14.0'"),
    ("resolve", "package_indexes", [["numpy", "own"]], [["numpy", "other"]],
     "package_indexes.numpy changed from 'own' to 'other'"),
    ("resolve", "package_indexes", [], [["numpy", "own"]], "package_indexes.numpy 'own' is new"),
    ("resolve", "priority_indexes", ["own"], [], "priority_indexes[0] 'own' is gone"),
    ("resolve", "indexes", UV, {**UV, "exclude_newer": "2024-05-01T00:00:00+00:00"},
     "[tool.uv] exclude-newer '2024-05-01T00:00:00+00:00' is new"),
    ("resolve", "indexes", UV, {**UV, "no_index": True},
     "[tool.uv] no-index changed from false to true"),
    ("resolve", "indexes", UV, {**UV, "find_links": ["wheels"]},
     "[tool.uv] find-links[0] 'wheels' is new"),
    ("resolve", "indexes", UV, {**UV, "sources": []}, "[tool.uv] sources.numpy 'own' is gone"),
    ("resolve", "indexes", UV, {**UV, "indexes": []}, "[[tool.uv.index]] 'own' is gone"),
    ("resolve", "indexes", UV,
     {**UV, "indexes": [{**UV["indexes"][0], "default": True}], "no_index": True},
     "[[tool.uv.index]] 'own' changed (and 1 more)"),
    ("resolve", "exclude_below", None, {"framework-a": ["b"]},
     "lower layer framework-a: exclude[0] 'b' is new"),
    ("resolve", "overrides_below", {"py": ["b<1"]}, {"py": ["b<2"]},
     "lower layer py: overrides[0] changed from 'b<1' to 'b<2'"),
    ("resolve", "requirements_below", {"py": ["b"]}, {"py": []},
     "lower layer py: requirements[0] 'b' is gone"),
    ("resolve", "stacked_below", {"framework-b": ["py"]}, {"framework-b": ["framework-a", "py"]},
     "lower layer framework-b: the layers below it[0] 'framework-a' is new"),
    ("resolve", "python", "cpython@3.12.4", "cpython@3.12.5",
     "lower layer py has another Python (cpython@3.12.4 -> cpython@3.12.5)"),
    ("resolve", "lower_locks", [["framework-a", "0"], ["py", "0"]], [["py", "0"]],
     "frameworks: framework-a no longer lies below"),
    ("resolve", "lower_locks", [["py", "0"]], [["framework-a", "0"], ["py", "0"]],
     "frameworks: framework-a lies below now"),
    ("resolve", "lower_locks", [["py", "0"]], [["py", "1"]], "lower layer py has another lock"),
    ("resolve", "lower_targets", [[GLIBC], [GLIBC]], [[GLIBC], []],
     "lower layer py: platforms: linux_x86_64 is gone"),
    # --- fetch ---
    ("fetch", "wheels", {}, {"a-1-py3-none-any.whl": "0"},
     "the wheel a-1-py3-none-any.whl is new"),
    ("fetch", "runtimes", {LINUX: "0"}, {LINUX: "1"}, "the runtime for linux_x86_64 changed"),
    # --- install ---
    ("install", "packages", {"lefty": "1.0 (0)"}, {"lefty": "2.0 (1)"},
     "the lock has a new version of lefty (1.0 -> 2.0)"),
    ("install", "packages", {"lefty": "1.0 (0)"}, {"lefty": "1.0 (1)"},
     "the lock has another file of lefty 1.0"),
    ("install", "packages", {}, {"a": "1.0 (0)", "b": "1 (0)"},
     "the lock has a 1.0 now (and 1 more)"),
    ("install", "packages", {"lefty": "1.0 (0)"}, {}, "the lock has no lefty any more"),
    ("install", "requested", ["a"], ["a", "b"], "requirements: b is asked for by name now"),
    ("install", "requested", ["a", "b"], ["b"],
     "requirements: a is no longer asked for by name"),
    ("install", "target", LINUX, f"{LINUX} with musl", "linux_target names another C library"),
    ("install", "runtime", "0", "1", "the archive of its Python changed"),
    ("install", "python", "cpython@3.12", "cpython@3.13",
     "lower layer py has another Python (cpython@3.12 -> cpython@3.13)"),
    # --- link ---
    ("link", "launch_module", "a.py", "b.py", "launch_module changed from 'a.py' to 'b.py'"),
    ("link", "launch_module", None, "b.py", "launch_module 'b.py' is new"),
    ("link", "modules", {"one.py": "0"}, {"one.py": "1"}, "launch_module apps/one.py changed"),
    ("link", "modules", {"extra.py": "0"}, {"extra.py": "1"},
     "support_modules[1] two/extra.py changed"),
    ("link", "modules", {}, {"common.py": "0"}, "support_modules[0] common.py is new"),
    ("link", "modules", {"old.py": "0", "one.py": "1"}, {"one.py": "2"},
     "the module old.py is gone (and 1 more)"),
    ("link", "dynlib_exclude", [], ["liba.*"], "dynlib_exclude[0] 'liba.*' is new"),
    ("link", "import_order", ["a", "b", "py"], ["b", "a", "py"],
     "frameworks: b comes before a now"),
    ("link", "import_order", ["py"], ["a", "b", "py"],
     "frameworks: a lies below now (and 1 more)"),
    ("link", "import_order", ["old"], ["py"], "runtime: py lies below now (and 1 more)"),
    ("link", "install_target", "x@1", "x@2", "its deployed name changed from 'x@1' to 'x@2'"),
    ("link", "tree", "0", "1", "what is installed changed"),
    ("link", "layers_below", {"py": {"has_libraries": False}}, {"py": {"has_libraries": True}},
     "lower layer py has shared libraries now"),
    ("link", "layers_below", {"py": {"has_libraries": True}}, {"py": {"has_libraries": False}},
     "lower layer py has no shared libraries any more"),
    ("link", "layers_below", {"a": {"install_target": "a@1"}}, {"a": {"install_target": "a@2"}},
     "lower layer a is deployed as a@2 now"),
    ("link", "layers_below", {"py": {"python": "3.11"}}, {"py": {"python": "3.12"}},
     "lower layer py has another Python (3.11 -> 3.12)"),
    ("link", "layers_below", {"py": {"launchers": ["0"]}}, {"py": {"launchers": ["1"]}},
     "lower layer py has other launchers"),
    ("link", "ambiguous_below", {}, {"liba.so.1": {}},
     "the library liba.so.1 is now ambiguous in the layers below"),
    ("link", "ambiguous_below", {"liba.so.1": {}}, {},
     "the library liba.so.1 is no longer ambiguous in the layers below"),
    ("link", "target", LINUX, f"{LINUX} with musl", "linux_target names another C library"),
    ("link", "folder", "/a", "/b", "the build folder is another one"),
    ("link", "postinstall", "0", "1", "this tool's post-installation script changed"),
    # --- archive ---
    ("archive", "format", "zip", "tar", "archive_format changed from 'zip' to 'tar'"),
    ("archive", "level", 3, 9, "the level of its archive changed from 3 to 9"),
    ("archive", "tagged", False, True, "names of outputs hold the platform now"),
    ("archive", "install_target", "x@1", "x@2", "its deployed name changed from 'x@1' to 'x@2'"),
    ("archive", "tree", "0", "1", "what is installed changed"),
    ("archive", "links", "0", "1", "what link made changed"),
    ("archive", "time", 0, 9, "the time of its files changed from 0 to 9"),
    ("archive", "compressor", "zlib 1", "zlib 2",
     "the compressor changed from 'zlib 1' to 'zlib 2'"),
    # --- build, export ---
    ("build", "launch_module", "a.py", "b.py", "launch_module changed from 'a.py' to 'b.py'"),
    ("build", "support_modules", [], ["a.py"], "support_modules[0] 'a.py' is new"),
    ("build", "modules", {"one.py": "0"}, {"one.py": "1"}, "launch_module apps/one.py changed"),
    ("build", "exclude", None, ["b"], "excluded packages[0] 'b' is new"),
    ("build", "overrides", ["b<1"], None, "overrides[0] 'b<1' is gone"),
    ("build", "python", "3.11", "3.12", "lower layer py has another Python (3.11 -> 3.12)"),
    ("build", "platform", LINUX, WINDOWS, "it is built for another platform"),
    ("build", "toolchain", {"level": 8}, {"level": 9},
     "what archives are made with: level changed from 8 to 9"),
    ("build", "tagged", True, False, "names of outputs hold the platform no more"),
    ("build", "install_target", "x@1", "x@2", "its deployed name changed from 'x@1' to 'x@2'"),
    ("build", "runtime_layer", "py@1", "py@2",
     "the runtime's deployed name changed from 'py@1' to 'py@2'"),
    ("build", "required_layers", ["a@1"], ["a@2"],
     "required layers[0] changed from 'a@1' to 'a@2'"),
    ("build", "archive", {"archive_name": "a.zip"}, {"archive_name": "a.tar"},
     "the archive's name changed from 'a.zip' to 'a.tar'"),
    ("build", "archive", {"archive_sha256": "0"}, {"archive_sha256": "1"}, "the archive changed"),
    ("build", "lock", {"lock_version": 1}, {"lock_version": 2},
     "the lock's version changed from 1 to 2"),
    ("build", "lock", {"locked_at": "a"}, {"locked_at": "b"}, "the lock changed"),
    ("build", "materials", {"wheels": {"a": ["1", "0", None, None]}},
     {"wheels": {"a": ["2", "1", None, None]}}, "the lock has a new version of a (1 -> 2)"),
    ("build", "materials", {"tree": "0"}, {"tree": "1"}, "what it is made of changed"),
    ("export", "tree", "0", "1", "what is installed changed"),
    ("export", "links", "0", "1", "what link made changed"),
    ("export", "folder", "/a", "/b", "the export folder is another one"),
    # --- publish, local-export ---
    ("publish", "layers", [{"layer_name": "a", "v": 1}], [{"layer_name": "a", "v": 2}],
     "the manifest of a changed"),
    ("publish", "layers", [], [{"layer_name": "a"}], "the layer a is new"),
    ("publish", "layers", [{"layer_name": "a"}], [], "the layer a is gone"),
    ("publish", "layers", [{"layer_name": "a"}, {"layer_name": "b"}],
     [{"layer_name": "b"}, {"layer_name": "a"}], "the order of the layers changed"),
    ("publish", "boms", {"a": "0"}, {"a": "1"}, "the bill of materials of a changed"),
    ("publish", "locks", {"requirements/pylock.a.toml": "0"}, {"requirements/pylock.a.toml": "1"},
     "requirements/pylock.a.toml changed"),
    ("publish", "tagged", False, True, "names of outputs hold the platform now"),
    ("local-export", "layers", [], [{"layer_name": "a"}], "the layer a is new"),
    ("local-export", "folder", "/a", "/b", "the export folder is another one"),
    # --- what nothing is known of ---
    ("install", "novelty", ["a"], ["b"], "novelty[0] changed from 'a' to 'b'"),
    ("install", "some_novelty", {"a": 1}, {"a": 2}, "some novelty: a changed from 1 to 2"),
    ("install", "novelty", None, {"a": 2}, "novelty {'a': 2} is new"),
    ("install", "novelty", {"a": 2}, None, "novelty {'a': 2} is gone"),
    ("install", "novelty", {"a": 2}, ["a"], "novelty changed"),
    ("install", "novelty", "a" * 64, "a" * 64 + "b", "novelty changed"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "part", "old", "new", "reason"), CASES)
def test_a_part_that_differs_is_told_in_words(
    stage: str, part: str, old: Any, new: Any, reason: str
) -> None:
    before = {"other": 1} if old is None else {"other": 1, part: old}
    after = {"other": 1} if new is None else {"other": 1, part: new}
    inputs = Inputs(stage=stage, layer=APP, before=before, after=after)
    found = reason_of(inputs)
    assert found == reason
    assert len(found) < 100


@pytest.mark.parametrize("stage", STAGES)
def test_there_is_a_case_for_each_part_that_is_told(stage: str) -> None:
    tried = {part for name, part, *_ in CASES if name == stage}
    shared = {part for name, part, *_ in CASES if name in ("build", "publish")}
    told = set(told_parts(stage))
    assert told, "a stage without words for its parts"
    if stage in ("export", "local-export"):
        tried |= shared
    # The tables of what is archived and what is exported are one.
    others = {"folder", "tree", "links"} if stage in ("build", "publish") else set()
    assert told - others <= tried


def test_equal_inputs_are_no_reason() -> None:
    same = {"requirements": ["a"], "schema": 1}
    assert reason_of(Inputs(stage="resolve", layer=APP, before=same, after=dict(same))) is None
    # None stands for a part that is not there.
    without = Inputs(stage="archive", layer=APP, before={"level": None}, after={})
    assert reason_of(without) is None


def test_a_runtime_s_python_is_told_by_its_key() -> None:
    inputs = Inputs(
        stage="resolve",
        layer=PY,
        before={"python": "cpython@3.12.4"},
        after={"python": "cpython@3.13.1"},
    )
    told = "python_implementation changed from 'cpython@3.12.4' to 'cpython@3.13.1'"
    assert reason_of(inputs) == told


def test_what_the_user_wrote_is_told_before_what_follows_from_it() -> None:
    before = {"requirements": ["a"], "lower_locks": [["py", "0"]], "schema": 1}
    after = {"requirements": ["b"], "lower_locks": [["py", "1"]], "schema": 1}
    inputs = Inputs(stage="resolve", layer=APP, before=before, after=after)
    assert inputs.changed() == ["requirements", "lower_locks"]
    assert reason_of(inputs) == "requirements[0] changed from 'a' to 'b'"
    renewed = Inputs(stage="resolve", layer=APP, before=before, after={**after, "schema": 2})
    assert reason_of(renewed) == "this tool's schema of resolve changed (1 -> 2)"


@pytest.mark.parametrize(
    ("packages", "told"),
    [
        ({"numpy": ["1.0", "2.0"]}, "lower layer py has a new numpy (1.0 -> 2.0)"),
        (
            {"numpy": ["1.0", None], "pandas": [None, "2.0"]},
            "lower layer py has no numpy any more (and 1 more)",
        ),
        ({"numpy": [None, "2.0"]}, "lower layer py has numpy 2.0 now"),
        ({"numpy": ["2.0", "2.0"]}, "lower layer py has another file of numpy 2.0"),
        ({}, "lower layer framework-a has another lock"),
    ],
)
def test_what_is_new_in_a_lower_lock_is_told(
    packages: Mapping[str, list[str | None]], told: str
) -> None:
    asked: list[tuple[str, str]] = []

    def news(name: str, content: str) -> Mapping[str, list[str | None]]:
        asked.append((name, content))
        return packages if name == "py" else {}

    inputs = Inputs(
        stage="resolve",
        layer=APP,
        before={"lower_locks": [["framework-a", "0"], ["py", "1"]]},
        after={"lower_locks": [["framework-a", "2"], ["py", "3"]]},
    )
    assert reason_of(inputs, news) == told
    assert asked == [("framework-a", "0"), ("py", "1")]
