"""The ways in: doit with a `dodo.py` of two lines, and the command without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.stacks import ALL_TASKS, DODO, LAYERS, Project, each

EVERY = " ".join(LAYERS)


def test_doit_without_words_builds_the_stack(project: Project) -> None:
    built = project.process()
    assert built.code == 0, built.output
    assert built.ran == ALL_TASKS


def test_a_dodo_needs_two_lines(project: Project) -> None:
    assert len([line for line in DODO.splitlines() if line]) == 2
    listed = project.process("list", "--all")
    assert listed.code == 0
    assert "install:app-one" in listed.output


@pytest.mark.parametrize("way", ["argument", "variable"])
def test_another_specification_can_be_named(project: Project, tmp_path: Path, way: str) -> None:
    caller = tmp_path / "elsewhere"
    caller.mkdir()
    (caller / "dodo.py").write_text(DODO)
    project.save()
    # Relative to where doit is called.
    named = Path("..", "project", "venvstacks.toml")
    if way == "argument":
        built = project.process("resolve:py", f"spec={named}", cwd=caller)
    else:
        built = project.process("resolve:py", cwd=caller, VENVSTACKS_DAG_SPEC=str(named))
    assert built.code == 0, built.output
    assert built.ran == {"resolve:py"}
    assert project.lock("py").is_file()
    assert not (caller / "requirements").exists()


def test_the_argument_wins_over_the_variable(project: Project) -> None:
    built = project.process(
        "resolve:py", "spec=venvstacks.toml", VENVSTACKS_DAG_SPEC="/nowhere/venvstacks.toml"
    )
    assert built.code == 0, built.output


def test_doit_can_be_called_from_a_folder_below(project: Project) -> None:
    below = project.folder / "two"
    built = project.process("--seek-file", "link:app-two", cwd=below)
    assert built.code == 0, built.output
    assert project.tree("app-two").is_dir()


def test_the_command_locks_builds_and_publishes(project: Project) -> None:
    spec = str(project.save())
    (project.folder / "dodo.py").unlink()
    steps = {
        ("lock", spec): each("resolve", EVERY),
        ("build", spec): each("install link", EVERY),
        ("publish", spec): each("archive build", EVERY) | {"publish"},
        ("local-export", spec): each("export", EVERY) | {"local-export"},
        ("lock", "--if-needed", spec): set(),
        ("build", "--publish", "--lock-if-needed", spec): set(),
    }
    for words, ran in steps.items():
        outcome = project.command(*words)
        assert outcome.code == 0, outcome.output
        assert outcome.ran == ran
    assert outcome.did_nothing


def test_the_command_builds_single_layers_into_other_folders(
    project: Project, tmp_path: Path
) -> None:
    spec = str(project.save())
    folders = ["--build-dir", str(tmp_path / "b"), "--output-dir", str(tmp_path / "o")]
    choice = ["--include", "*-two", "--include-dependencies"]
    words = ["build", "--lock-if-needed", "--publish", *folders, *choice, spec]
    outcome = project.command(*words)
    assert outcome.code == 0, outcome.output
    assert {path.name for path in (tmp_path / "o").glob("*.zst")} == {
        "py.tar.zst", "framework-right.tar.zst", "app-two.tar.zst"
    }  # fmt: skip
    assert (tmp_path / "b" / "app-two").is_dir()
    assert not (project.folder / "_build").exists()
    assert not (project.folder / "_artifacts").exists()


def test_the_command_shows_paths_from_where_it_is_called(project: Project) -> None:
    project.save()
    outcome = project.command("build", "--lock-if-needed", "--publish", "venvstacks.toml")
    assert "in _artifacts:" in outcome.output
    assert "  _build/app-one/bin/python -P -m one\n" in outcome.output


def test_the_command_lists_and_explains(project: Project) -> None:
    spec = str(project.save())
    listed = project.command("list", spec)
    assert listed.code == 0
    assert "archive:app-two" in listed.output
    info = project.command("info", spec, "install:app-two")
    assert "no good run of it is on record" in info.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--version"], 0, "venvstacks-dag "),
        (["--help"], 0, "publish"),
        ([], 2, "COMMAND"),
        (["paint", "venvstacks.toml"], 2, "paint"),
        (["build"], 2, "SPEC"),
        (["build", "nowhere.toml"], 1, "SpecError: "),
        (["build", "venvstacks.toml", "--include", "app-nine"], 1, "app-nine"),
        (["info", "venvstacks.toml", "install:app-nine"], 1, "app-nine"),
        (["build", "venvstacks.toml"], 1, "LockError: py: the layer is not locked"),
        (["publish", "venvstacks.toml"], 1, "LockError: py: the layer is not locked"),
        (["publish", "--dry-run", "venvstacks.toml"], 1, "NotBuilt: py: the environment is not"),
    ],
)
def test_the_command_s_answers(project: Project, words: list[str], code: int, said: str) -> None:
    outcome = project.command(*words)
    assert outcome.code == code, outcome.output
    assert said in outcome.output
    assert "Traceback" not in outcome.output


def test_the_command_shows_tracebacks_where_asked(project: Project) -> None:
    project.layer("py")["requirements"] = ["=="]
    spec = str(project.save())
    assert "Traceback" not in project.command("build", spec).output
    assert "Traceback" in project.command("--debug", "build", spec).output


def test_the_command_takes_nothing_from_another_project(project: Project) -> None:
    spec = str(project.save())
    project.write("pyproject.toml", "[tool.doit]\nverbosity = 0\ndep_file = 'elsewhere.db'\n")
    assert project.command("lock", spec).code == 0
    assert not list(project.folder.glob("elsewhere*"))
