"""From operations on layers to doit's tasks."""

from __future__ import annotations

from pathlib import Path

from tests.unit.tasks.builders import LAYERS, LINUX, WINDOWS
from venvstacks_dag.api.selection import Choice, Selection, Wish, select
from venvstacks_dag.api.work import TaskNames, build_work, export_work, lock_work, publish_work
from venvstacks_dag.tasks.settings import BuildSettings

HERE = BuildSettings(
    spec=Path("/s/venvstacks.toml"),
    build_dir=Path("/s/_build"),
    output_dir=Path("/s/_artifacts"),
    export_dir=Path("/s/_export"),
    platform=LINUX,
    host=LINUX,
    targets=(LINUX,),
)
NAMES = TaskNames(LAYERS, [HERE])
BOTH = TaskNames(LAYERS, [HERE, HERE.on(WINDOWS)])
ALL = {"py", "framework-a", "framework-b", "app-x"}


def chosen(
    choice: Choice, *, lock: Wish = False, build: bool = False, publish: bool = False
) -> Selection:
    return select(LAYERS, choice, lock=lock, build=build, publish=publish, platforms=[LINUX])


def of(stage: str, layers: set[str]) -> set[str]:
    return {f"{stage}:{layer}" for layer in layers}


def test_locking_is_afresh_unless_it_is_only_needed() -> None:
    work = lock_work(chosen(Choice(), lock=True))
    assert set(work.tasks) == set(work.afresh) == of("resolve", ALL)
    work = lock_work(chosen(Choice(reset_lock=["app-*"]), lock=None), clean=True)
    assert set(work.tasks) == of("resolve", ALL)
    assert work.afresh == {"resolve:app-x"}
    assert work.removed == ALL
    assert not work.kept


def test_upgrades_hold_the_other_pins_of_what_is_locked() -> None:
    selection = chosen(Choice(include=["app-x"], reset_lock=["framework-b"]), lock=True)
    work = lock_work(selection, upgrades=["numpy"])
    assert work.upgrades == {"resolve:app-x": {"numpy"}}
    assert "resolve:app-x" in work.afresh
    assert lock_work(selection).upgrades == {}


def test_building_keeps_locks_unless_asked() -> None:
    choice = Choice(reset_lock=["py"])
    work = build_work(chosen(choice, build=True), NAMES, lock=False, build=True, publish=False)
    assert work.tasks == ("link:py", "link:framework-a", "link:app-x")
    assert work.kept == of("resolve", ALL)
    assert not work.afresh
    selection = chosen(choice, lock=None, build=True, publish=True)
    work = build_work(selection, NAMES, lock=True, build=True, publish=True, clean=True)
    assert work.tasks[:4] == ("resolve:py", "resolve:framework-a", "resolve:framework-b",
                              "resolve:app-x")  # fmt: skip
    assert work.tasks[-1] == "publish"
    assert work.kept == frozenset()
    assert work.afresh == {"resolve:py", *of("archive", {"py", "framework-a", "app-x"})}
    assert work.removed == work.published == {"py", "framework-a", "app-x"}


def test_below_an_included_layer_locks_may_be_made() -> None:
    selection = chosen(Choice(include=["app-x"]), build=True)
    work = build_work(selection, NAMES, lock=False, build=True, publish=False)
    assert work.kept == of("resolve", {"framework-b", "app-x"})


def test_publishing_and_exporting_make_nothing_else() -> None:
    selection = chosen(Choice(include=["app-x"]), publish=True)
    here = {"py", "framework-a", "app-x"}
    kept = frozenset({*of("resolve", ALL), *of("install", here), *of("link", here)})
    work = publish_work(selection, NAMES)
    assert work.tasks == ("build:app-x", "publish")
    assert (work.kept, work.afresh) == (kept, frozenset())
    assert work.published == {"app-x"}
    assert publish_work(selection, NAMES, force=True).afresh == {"archive:app-x"}
    work = export_work(selection, NAMES, force=True)
    assert work.tasks == ("export:app-x", "local-export")
    assert (work.kept, work.afresh) == (kept, frozenset({"export:app-x"}))
    assert work.published == {"app-x"}
    unbuilt = build_work(
        chosen(Choice(), publish=True), NAMES, lock=False, build=False, publish=True
    )
    assert unbuilt.kept == kept


def test_each_platform_has_tasks_of_its_own() -> None:
    selection = select(
        LAYERS, Choice(), lock=False, build=True, publish=True, platforms=[LINUX, WINDOWS]
    )
    work = build_work(selection, BOTH, lock=False, build=True, publish=True)
    there = {"link:py@win_amd64", "link:framework-b@win_amd64"}
    assert {task for task in work.tasks if task.startswith("link:")} == {
        *of("link", {"py", "framework-a", "app-x"}),
        *there,
    }
    assert work.tasks[-2:] == ("publish", "publish@win_amd64")
    assert publish_work(selection, BOTH, force=True).afresh >= {
        "archive:py",
        "archive:py@win_amd64",
    }
    exported = export_work(selection, BOTH)
    assert not any("@" in task for task in exported.tasks), "only what runs here can be finished"
    assert {task for task in exported.kept if "@" in task} == set()
