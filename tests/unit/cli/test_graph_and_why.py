"""The two commands on a stack of locks alone: nothing is built, and the network is away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w

from tests.support.inventories import lock_bytes
from venvstacks_dag.cli import main

ROOT = Path(__file__).parents[3]
LAYERS = {
    "py": ["numpy 2.0 100"],
    "framework-a": ["rich 13 240", "~numpy 2.0"],
    "framework-b": ["rich 13 240"],
}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "stack"
    spec = {
        "runtimes": [
            {
                "name": "py",
                "python_implementation": "cpython@3.12.7",
                "requirements": ["numpy"],
                "platforms": ["linux_x86_64"],
            }
        ],
        "frameworks": [{"name": n, "runtime": "py", "requirements": ["rich"]} for n in "ab"],
        "tool": {"uv": {"no-index": True}},
    }
    for layer, pins in LAYERS.items():
        (folder / "requirements" / layer).mkdir(parents=True)
        (folder / "requirements" / layer / f"pylock.{layer}.toml").write_bytes(lock_bytes(pins))
    (folder / "venvstacks.toml").write_text(tomli_w.dumps(spec))
    monkeypatch.chdir(folder)
    monkeypatch.setenv("VENVSTACKS_DAG_CACHE", str(tmp_path / "cache"))
    return folder


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(words) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    "words",
    [
        ["numpy"],
        ["numpy", "venvstacks.toml"],
        ["venvstacks.toml", "NumPy"],
        ["./", "numpy"],
        ["numpy", "."],
    ],
)
def test_words_come_in_any_order(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert shown(capsys, "why", *words) == (
        "numpy\n"
        "  locked in py: 2.0, 100 B\n"
        "    because of numpy\n"
        "  shared by framework-a, from py\n"
        "  There may be more reasons: what rich requires is not known\n"
    )


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("words", [[], ["--duplicates"], ["venvstacks.toml"]])
def test_duplicates(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    text = shown(capsys, "why", *words)
    assert text.startswith("1 package locked by several layers cost up to 240 B:\n\nrich\n")
    told = json.loads(shown(capsys, "why", "--json", *words))
    assert told["duplicates"][0]["best"]["layer"] == "py"


@pytest.mark.usefixtures("stack")
def test_why_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(shown(capsys, "why", "rich", "--json"))
    assert (told["package"], told["unlocked"]) == ("rich", [])


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["a", "b"], "name one package, not a and b"),
        (["a.toml", "b/"], "name one specification, not a.toml and b/"),
        (["a", "--duplicates"], "leave PACKAGE out"),
    ],
)
def test_words_that_do_not_fit(
    capsys: pytest.CaptureFixture[str], words: list[str], fault: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["why", *words])
    assert caught.value.code == 2
    assert fault in capsys.readouterr().err


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize(
    "words", [["numpy", "--json", "venvstacks.toml"], ["--json", "./venvstacks.toml", "numpy"]]
)
def test_options_stand_anywhere(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", *words]) == 0
    assert '"package": "numpy"' in capsys.readouterr().out


@pytest.mark.usefixtures("stack")
def test_errors_are_messages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "nunpy"]) == 1
    assert "did you mean numpy?" in capsys.readouterr().err
    assert main(["graph", "elsewhere.toml"]) == 1
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("mermaid", "flowchart TD\n"),
        ("dot", 'digraph "stack" {\n'),
        ("json", "{\n"),
        ("html", "<!DOCTYPE html>\n"),
    ],
)
def test_graphs_go_to_the_screen_or_a_file(
    capsysbinary: pytest.CaptureFixture[bytes], stack: Path, name: str, start: str
) -> None:
    assert main(["graph", ".", "--format", name]) == 0
    printed = capsysbinary.readouterr().out
    assert printed.decode().startswith(start)
    assert main(["graph", str(stack), "--format", name, "--output", "out/drawn"]) == 0
    assert (stack / "out" / "drawn").read_bytes() == printed
    assert not (stack / "_build").exists()


def test_it_works_before_locking(capsysbinary: pytest.CaptureFixture[bytes], stack: Path) -> None:
    for lock in stack.glob("requirements/*/*.toml"):
        lock.unlink()
    assert main(["graph", "."]) == 0
    assert capsysbinary.readouterr().out.count(b"not locked") == 3


@pytest.mark.parametrize("words", [["graph", "."], ["why", "numpy"], ["why", "--json"]])
def test_who_reads_no_further_is_no_error(stack: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", "import sys, venvstacks_dag.cli as c; sys.exit(c.main())", *words],
        cwd=stack,
        stdout=writing,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_the_parser_costs_no_library() -> None:
    heavy = ("networkx", "packaging", "requests", "venvstacks_dag.inventory")
    program = (
        "import sys\n"
        "from venvstacks_dag.cli.program import _parser\n"
        "_parser()\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
