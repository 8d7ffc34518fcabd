"""Stacks of any size, made by a program: shaped like real ones, with nothing to fetch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

# Frameworks stand on each other in pairs, applications on a pair and one more: five layers deep.
_CHAIN = 2
_DODO = 'from venvstacks_dag.tasks import stack\n\nglobals().update(stack("venvstacks.toml"))\n'


def write_project(folder: Path, layers: int) -> int:
    """A project of that many layers in `folder`. Returns how many edges its graph has."""
    folder.mkdir(parents=True)
    tables = list(_tables(layers))
    (folder / "venvstacks.toml").write_text("\n".join(text for text, _ in tables), "utf-8")
    (folder / "app.py").write_text("print('hello')\n", "utf-8")
    (folder / "dodo.py").write_text(_DODO, "utf-8")
    return sum(edges for _, edges in tables)


def _tables(layers: int) -> Iterator[tuple[str, int]]:
    """One runtime, a third frameworks, the rest applications; each with its number of edges."""
    frameworks = max(1, layers // 3)
    yield _table("runtimes", "python", 'python_implementation = "cpython@3.12.7"', "numpy>=1.26"), 0
    for place in range(frameworks):
        below = 'runtime = "python"' if place % _CHAIN == 0 else f'frameworks = ["f{place - 1}"]'
        yield _table("frameworks", f"f{place}", below, f"package-{place}>=1.{place % 9}"), 1
    for place in range(layers - 1 - frameworks):
        first = place % frameworks
        second = (first // _CHAIN + 1) * _CHAIN % frameworks
        names = [first] if first // _CHAIN == second // _CHAIN else [first, second]
        listed = ", ".join(f'"f{name}"' for name in names)
        below = f'frameworks = [{listed}]\nlaunch_module = "app.py"'
        yield (
            _table("applications", f"a{place}", below, "rich>=13; os_name != 'x'"),
            len(names),
        )


def _table(kind: str, name: str, below: str, requirement: str) -> str:
    return f'[[{kind}]]\nname = "{name}"\n{below}\nrequirements = ["{requirement}", "httpx"]\n'
