"""`doit plan` keeps its word: what it says will run does, and nothing that it does not mention."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conftest import HOST_VERSION
from tests.support.edits import EDITS, Edits, make_rich
from tests.support.index_server import LocalIndex
from tests.support.plans import keeps_its_word, plan_of, planned, traces
from tests.support.stacks import ALL_TASKS, Outcome, Project, each
from venvstacks_dag.fs import folder_lock
from venvstacks_dag.tasks.looking import PART_SOURCES
from venvstacks_dag.tasks.reasons import told_parts
from venvstacks_dag.tasks.settings import STATE
from venvstacks_dag.tasks.stages import STAGES
from venvstacks_dag.tasks.stamps import read_stamp

STEPS = 12


@pytest.fixture
def rich(project: Project, index: LocalIndex, tmp_path: Path) -> Project:
    """A stack in which there is much to change."""
    return make_rich(project, index, tmp_path / "more wheels")


@pytest.mark.parametrize("seed", range(3))
def test_a_build_runs_what_was_planned_after_any_edits(rich: Project, seed: int) -> None:
    chance = random.Random(seed)
    assert set(keeps_its_word(rich).runs) == ALL_TASKS
    done: list[str] = []
    for _ in range(STEPS):
        for _ in range(chance.choice([1, 1, 2, 3])):
            done.append(chance.choice(EDITS))
            Edits(rich, chance).do(done[-1])
        keeps_its_word(rich)
        after = planned(rich)
        assert (after.runs, after.perhaps, after.rests) == ({}, {}, len(ALL_TASKS)), done


@pytest.mark.parametrize("edit", EDITS)
def test_a_build_runs_what_was_planned_after_each_edit(rich: Project, edit: str) -> None:
    rich.build()
    chance = random.Random(edit)
    for _ in range(2):
        Edits(rich, chance).do(edit)
        keeps_its_word(rich)


# --- what is certain, what is not, and why ------------------------------------------------


def above(task: str) -> str:
    return f"{task} would run before it"


def test_an_edited_module_is_linked_for_certain_and_packed_perhaps(project: Project) -> None:
    project.build()
    project.write("one.py", "print('new words')\n")
    plan = keeps_its_word(project)
    assert plan.runs == {"link:app-one": "launch_module one.py changed"}
    assert plan.perhaps == {
        "archive:app-one": above("link:app-one"),
        "build:app-one": above("link:app-one"),
        "publish": "build:app-one may run before it",
    }


def test_a_module_of_a_versioned_app_counts_up_its_lock_and_leaves_the_packages(
    project: Project,
) -> None:
    project.layer("app-one")["versioned"] = True
    project.build()
    project.write("one.py", "print('second')\n")
    plan = keeps_its_word(project)
    # That the lock stays but for its number is known: so is the new name.
    assert plan.runs == {
        "resolve:app-one": "launch_module one.py changed",
        "link:app-one": "launch_module one.py changed",
        "archive:app-one": "its deployed name changed from 'app-one@1' to 'app-one@2'",
        "build:app-one": "its deployed name changed from 'app-one@1' to 'app-one@2'",
    }
    assert list(plan.perhaps) == ["publish"]


def test_a_requirement_is_named_with_its_index(rich: Project) -> None:
    rich.build()
    rich.layer("framework-left")["requirements"] = ["lefty==2.0", "native"]
    rich.layer("app-one")["requirements"].append("extra==1.0")
    plan = keeps_its_word(rich)
    assert plan.runs["resolve:framework-left"] == (
        "requirements[0] changed from 'lefty==1.0' to 'lefty==2.0'"
    )
    assert plan.runs["resolve:app-one"] == "requirements[1] 'extra==1.0' is new"
    assert plan.perhaps["install:app-one"] == above("resolve:app-one")
    untouched = each("resolve install link archive build", "py framework-right app-two")
    assert not untouched & {*plan.runs, *plan.perhaps}


def test_locks_that_come_with_the_specification_are_not_in_doubt(
    rich: Project, tmp_path: Path
) -> None:
    rich.build()
    other = rich.clone(tmp_path / "other")
    rich.layer("framework-left")["requirements"] = ["lefty==2.0", "native"]
    rich.save()
    assert rich.doit("resolve").code == 0
    # As if both had been pulled from a repository.
    shutil.rmtree(other.folder / "requirements")
    shutil.copytree(rich.folder / "requirements", other.folder / "requirements")
    other.build()
    rich.build()
    rich.layer("framework-left")["requirements"] = ["lefty==3.0", "native"]
    assert rich.doit("resolve").code == 0
    shutil.rmtree(other.folder / "requirements")
    shutil.copytree(rich.folder / "requirements", other.folder / "requirements")
    plan = keeps_its_word(other)
    assert plan.runs["resolve:framework-left"] == (
        "requirements[0] changed from 'lefty==2.0' to 'lefty==3.0'"
    )
    assert plan.runs["install:framework-left"] == (
        "the lock has a new version of lefty (2.0 -> 3.0)"
    )
    assert plan.runs["resolve:framework-upper"] == (
        "lower layer framework-left has a new lefty (2.0 -> 3.0)"
    )
    assert not {task for task in {**plan.runs, **plan.perhaps} if task.startswith("install:")} - {
        "install:framework-left"
    }


def test_what_is_new_below_is_named(rich: Project) -> None:
    rich.build()
    rich.layer("py")["requirements"] = ["base==2.0"]
    assert rich.doit("resolve:py").code == 0
    told = "lower layer py has a new base (1.0 -> 2.0)"
    plan = planned(rich)
    assert plan.runs["resolve:framework-left"] == told
    assert plan.runs["resolve:framework-right"] == told
    assert plan.runs["install:py"] == "the lock has a new version of base (1.0 -> 2.0)"
    assert told in rich.doit("info", "resolve:framework-left").output
    assert f"because {told}" in rich.build().output


def test_a_changed_tree_is_made_again_and_nothing_follows(project: Project) -> None:
    project.build()
    lost = next(project.tree("framework-left").rglob("lefty.py"))
    lost.unlink()
    path = lost.relative_to(project.tree("framework-left")).as_posix()
    plan = keeps_its_word(project)
    assert plan.runs == {
        "install:framework-left": f"the tree was changed: {path} is missing",
        "link:framework-left": "install:framework-left makes anew what it writes into",
    }
    assert not plan.perhaps


def test_what_an_edit_took_away_and_another_brings_back_is_perhaps(project: Project) -> None:
    project.build()
    project.layer("app-one")["requirements"] = []
    assert project.doit("install:app-one").code == 0
    project.layer("app-one")["requirements"] = ["helper"]
    plan = keeps_its_word(project)
    # It was packed with helper, and will be as it was.
    assert "archive:app-one" in plan.perhaps
    assert plan.perhaps["archive:app-one"].startswith("what is installed changed, and ")


def test_a_first_plan_lists_everything_in_an_order_in_which_it_can_run(project: Project) -> None:
    plan = planned(project)
    assert set(plan.runs) == ALL_TASKS
    assert set(plan.runs.values()) == {"no good run of it is on record"}
    order = list(plan.runs)
    assert order[-1] == "publish"
    assert order.index("resolve:py") < order.index("resolve:app-one")
    assert order.index("link:framework-upper") < order.index("link:app-one")


def test_a_plan_of_single_tasks(project: Project) -> None:
    assert set(planned(project, "link:app-two").runs) == each(
        "resolve install link", "py framework-right app-two"
    )
    unknown = project.doit("plan", "link:app-tow")
    assert unknown.code == 3
    assert "there is no task 'link:app-tow' (did you mean 'link:app-two'?)" in unknown.output


# --- without side effects -------------------------------------------------------------------


def test_nothing_is_written_locked_or_asked(project: Project, index: LocalIndex) -> None:
    project.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    project.save()
    before = traces(project.folder)
    said = project.process("plan")
    assert (said.code, traces(project.folder)) == (0, before), said.output
    assert said.output.endswith("31 of 31 tasks would run.\n")
    said = project.command("plan", "venvstacks.toml")
    assert (said.code, traces(project.folder)) == (0, before), said.output
    assert said.output.endswith("31 of 31 tasks would run.\n")
    project.build()
    project.layer("py")["requirements"].append("extra")
    project.save()
    asked, before = len(index.requests), traces(project.folder)
    with folder_lock(project.folder / "_build" / STATE / "run.lock", timeout=0):
        said = project.process("plan")
    assert (said.code, traces(project.folder)) == (0, before), said.output
    assert "resolve:py" in said.output
    assert len(index.requests) == asked


def test_copied_outputs_are_looked_at_without_being_touched(
    project: Project, tmp_path: Path
) -> None:
    project.build()
    for path in (project.archive("app-one"), *project.tree("app-one").rglob("helper.py")):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    next(project.tree("app-one").rglob("one.py")).chmod(0o600)
    before = traces(project.folder)
    assert not planned(project).runs
    assert traces(project.folder) == before
    assert project.build().did_nothing


def test_another_python_is_seen_without_asking_for_it(project: Project) -> None:
    major, minor, _ = HOST_VERSION.split(".")
    project.layer("py")["python_implementation"] = f"cpython@{major}.{minor}"
    project.build()
    project.layer("py")["python_implementation"] = "cpython@3.99"
    plan = planned(project)
    assert plan.runs["resolve:py"] == "python_implementation 'cpython@3.99' is not locked"
    assert plan.perhaps["install:py"] == above("resolve:py")


# --- what is printed -------------------------------------------------------------------------


def test_lines_for_people_and_the_exit_code_for_scripts(project: Project) -> None:
    project.build()
    idle = project.doit("plan", "--exit-code")
    assert (idle.code, idle.output) == (0, "Nothing to do: all 31 tasks are up to date.\n")
    one = project.doit("plan", "resolve:py")
    assert one.output == "Nothing to do: the task is up to date.\n"
    project.write("common.py", "GREETING = 'good morning'\n")
    assert project.doit("plan").code == 0
    said = project.doit("plan", "--exit-code")
    assert (said.code, said.output.splitlines()) == (
        1,
        [
            "  link:app-two     support_modules[0] common.py changed",
            "  archive:app-two  perhaps: link:app-two would run before it",
            "  build:app-two    perhaps: link:app-two would run before it",
            "  publish          perhaps: build:app-two may run before it",
            "1 of 31 tasks would run, and 3 more perhaps.",
        ],
    )


def test_the_command_plans_what_it_builds(project: Project) -> None:
    project.save()
    words = ["--include", "app-two", "--publish-dependencies", "venvstacks.toml"]
    plan = plan_of(project.command("plan", "--json", *words))
    built = project.command("build", "--lock-if-needed", "--publish", *words)
    assert set(plan.runs) == built.ran, built.output
    idle = project.command("plan", "--exit-code", *words)
    assert (idle.code, idle.output) == (
        0, f"Nothing to do: all {len(built.ran)} tasks are up to date.\n"
    )  # fmt: skip
    project.layer("app-two")["requirements"].append("helper")
    project.save()
    assert project.command("plan", "--exit-code", *words).code == 1


def shown_tasks(outcome: Outcome) -> Iterator[str]:
    """The tasks in the lines of a plan below a tree."""
    for line in outcome.output.splitlines():
        task = line.strip().split(" ")[0]
        if task.partition(":")[0] in STAGES:
            yield task


@pytest.mark.parametrize(
    "words",
    [
        ["lock", "--if-needed"],
        ["lock", "--include", "app-*"],
        ["build", "--lock-if-needed"],
        ["build", "--lock-if-needed", "--publish", "--clean"],
        ["build", "--lock-if-needed", "--publish", "--target", "all"],
    ],
)
def test_show_only_tells_what_the_command_runs_then(project: Project, words: list[str]) -> None:
    for _ in range(2):
        project.save()
        before = traces(project.folder)
        shown = project.command(*words, "--show-only", "venvstacks.toml")
        assert shown.code == 0, shown.output
        assert traces(project.folder) == before
        ran = project.command(*words, "venvstacks.toml")
        assert ran.code == 0, ran.output
        told = set(shown_tasks(shown))
        assert ran.ran <= told, shown.output
        certain = {line.split()[0] for line in shown.output.splitlines()
                   if line.strip().split(" ")[0] in told and "perhaps: " not in line}  # fmt: skip
        assert certain <= ran.ran, ran.output


def test_show_only_tells_what_would_be_refused(project: Project) -> None:
    project.build()
    project.layer("app-one")["requirements"] = []
    next(project.tree("app-two").glob("bin/python")).unlink()
    project.save()
    shown = project.command("publish", "--show-only", "venvstacks.toml")
    lines = {line.split()[0]: line for line in shown.output.splitlines() if line.strip()}
    assert lines["resolve:app-one"].split(maxsplit=1)[1] == (
        "is refused: requirements[0] 'helper' is gone"
    )
    assert lines["link:app-two"].split(maxsplit=1)[1] == (
        "is refused: the tree was changed: bin/python is missing"
    )
    done = project.command("publish", "venvstacks.toml")
    assert done.code == 1
    assert "resolve:app-one failed" in done.output
    assert "link:app-two failed" in done.output


def test_show_tells_it_and_does_it(project: Project) -> None:
    project.save()
    shown = project.command("build", "--lock-if-needed", "--show", "venvstacks.toml")
    assert shown.code == 0, shown.output
    assert "18 of 18 tasks would run.\n" in shown.output
    assert shown.ran == each("resolve install link", "py framework-left framework-right "
                             "framework-upper app-one app-two")  # fmt: skip


# --- words for everything -------------------------------------------------------------------


def test_all_parts_of_all_stages_can_be_told(rich: Project) -> None:
    for task in ("fetch", "build", "export"):
        outcome = rich.doit(task)
        assert outcome.code == 0 or task == "export", "the tiny runtime cannot finish an export"
    found: dict[str, set[str]] = {}
    for path in (rich.folder / "_build" / STATE).rglob("*.json"):
        stamp = read_stamp(path)
        if stamp is not None:
            found.setdefault(stamp.stage, set()).update(stamp.parts)
    assert set(found) >= {"resolve", "fetch", "install", "link", "archive", "build", "publish"}
    for stage, parts in found.items():
        assert parts - {"schema"} <= set(told_parts(stage)), stage
    for stage, sources in PART_SOURCES.items():
        assert set(sources) <= set(told_parts(stage)), stage
        assert set(" ".join(sources.values()).split()) <= set(STAGES)
