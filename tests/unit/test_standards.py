"""What holds markers is read in one thread at a time, and nowhere else."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import InvalidMarker
from packaging.pylock import Pylock, PylockValidationError
from packaging.requirements import InvalidRequirement

import venvstacks_dag
from venvstacks_dag import standards

DEEP = "(" * 5000 + "os_name == 'nt'" + ")" * 5000
ENDLESS = "1" * 5000
LOCK: dict[str, Any] = {"lock-version": "1.0", "created-by": "test", "packages": []}
READERS: tuple[Callable[[Any], object], ...] = (
    standards.read_requirement,
    standards.read_marker,
    standards.read_pylock,
)


def test_texts_are_read_as_packaging_reads_them() -> None:
    requirement = standards.read_requirement("a[b] >=1 ; os_name == 'nt'")
    assert (requirement.name, requirement.extras) == ("a", {"b"})
    assert str(standards.read_marker("os_name == 'nt'")) == 'os_name == "nt"'
    assert standards.read_pylock(LOCK).packages == []


@pytest.mark.parametrize(
    ("read", "text", "error"),
    [
        (standards.read_requirement, "a ==", InvalidRequirement),
        (standards.read_marker, "os_name = 'nt'", InvalidMarker),
        (standards.read_pylock, {"lock-version": "1.0"}, PylockValidationError),
        (standards.read_requirement, f"a ; {DEEP}", InvalidRequirement),
        (standards.read_requirement, f"a=={ENDLESS}", InvalidRequirement),
        (standards.read_marker, f"python_version < '{ENDLESS}'", InvalidMarker),
        (standards.read_marker, DEEP, InvalidMarker),
        (standards.read_pylock, LOCK | {"environments": [DEEP]}, PylockValidationError),
    ],
)
def test_faults_are_told_and_the_next_text_is_read(
    read: Callable[[Any], object], text: object, error: type[Exception]
) -> None:
    for _ in range(2):
        with pytest.raises(error):
            read(text)
    assert standards.read_requirement("a").name == "a"


class _Crowd:
    """Stands in for packaging's classes; knows how many threads were in at once."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self._meet = threading.Event()

    def read(self, _: object) -> str:
        self.inside += 1
        self.most = max(self.most, self.inside)
        # Long enough for the others to come in too, if they could.
        self._meet.wait(0.02)
        self.inside -= 1
        return "read"


def test_two_threads_never_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = _Crowd()
    monkeypatch.setattr(standards, "Requirement", crowd.read)
    monkeypatch.setattr(standards, "Marker", crowd.read)
    monkeypatch.setattr(Pylock, "from_dict", crowd.read)
    with ThreadPoolExecutor(6) as pool:
        texts = [pool.submit(read, "") for read in READERS for _ in range(2)]
        assert [str(text.result()) for text in texts] == ["read"] * 6
    assert crowd.most == 1


def test_packaging_reads_texts_in_this_module_only() -> None:
    package = Path(venvstacks_dag.__file__).parent
    strays = [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in sorted(package.rglob("*.py"))
        if path != Path(standards.__file__)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and _reads(node.func)
    ]
    assert strays == []


def _reads(called: ast.expr) -> bool:
    """Whether a call makes a requirement, a marker or a lock of a text."""
    name = ast.unparse(called)
    return name in {"Requirement", "Marker"} or name.endswith(
        ("Pylock.from_dict", "ast.literal_eval", "ast.parse")
    )
