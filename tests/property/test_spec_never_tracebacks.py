"""Whatever a file holds, reading it ends in a specification or in a `SpecError`, and listing the
tasks of what can be read ends in tasks."""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import tomli_w
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.cases.test_specs import SPECS
from venvstacks_dag.errors import SpecError, VenvstacksDagError
from venvstacks_dag.graph import LayerGraph
from venvstacks_dag.spec import parse_stack
from venvstacks_dag.tasks.entry import build_context
from venvstacks_dag.tasks.factory import stack_tasks
from venvstacks_dag.tasks.settings import BuildSettings

NAMES = ("rt", "a", "b", "nul", "../x", "A", "", "x=y", "app-rt", "@x")
WORDS = (
    *NAMES,
    "numpy",
    "numpy>=1; python_version < '4'",
    "x @ https://u:p@[h/x.zip",
    "linux_x86_64",
    "macosx_arm64",
    "glibc@2.17",
    "13.0",
    "cpython@3.12.7",
    "cpython@host",
    "2026-01-31",
    "gpu",
    "src/app.py",
)
LAYER_KEYS = (
    *("name", "requirements", "platforms", "linux_target", "macosx_target", "dynlib_exclude"),
    *("package_indexes", "index_overrides", "priority_indexes", "versioned", "runtime"),
    *("frameworks", "python_implementation", "launch_module", "support_modules"),
    *("build_requirements", "fully_versioned_name", "requirments"),
)
UV_KEYS = (
    *("index", "sources", "exclude-newer", "override-dependencies", "constraint-dependencies"),
    *("find-links", "no-index", "prerelease", "environments", "name", "url", "default", "explicit"),
)
texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=12))
scalars = st.one_of(
    texts,
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.datetimes(),
    st.dates(),
    st.times(),
)
keys = st.one_of(st.sampled_from(LAYER_KEYS + UV_KEYS), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=8,
)
likely_layers = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES), "requirements": st.lists(texts, max_size=2)},
    optional={
        "runtime": st.sampled_from(NAMES),
        "frameworks": st.lists(st.sampled_from(NAMES), max_size=3),
        "python_implementation": st.sampled_from(["cpython@3.12.7", "cpython@host"]),
        "launch_module": st.just("app.py"),
        "platforms": st.lists(st.sampled_from(["linux_x86_64", "win_amd64"]), max_size=2),
        "package_indexes": st.dictionaries(texts, st.sampled_from(["gpu", "cpu"]), max_size=2),
    },
)
wild_layers = st.dictionaries(keys, values, max_size=6)
layers = st.lists(st.one_of(likely_layers, wild_layers, values), max_size=4)
uv_tables = st.dictionaries(st.sampled_from(UV_KEYS), values, max_size=5)
amendments = st.lists(st.one_of(texts, st.sampled_from(["a", "b; os_name == 'nt'"])), max_size=3)
own_tables = st.fixed_dictionaries(
    {
        "layers": st.dictionaries(
            st.one_of(texts, st.sampled_from(NAMES).map("framework-{}".format)),
            st.fixed_dictionaries({}, optional={"exclude": amendments, "overrides": amendments}),
            max_size=2,
        )
    }
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "runtimes": layers,
        "frameworks": layers,
        "applications": layers,
        "tool": st.one_of(
            values,
            st.fixed_dictionaries(
                {},
                optional={"uv": uv_tables, "venvstacks-dag": st.one_of(wild_layers, own_tables)},
            ),
        ),
        "anything": values,
    },
)
STACKS = [
    # Any module will do, as long as it is there.
    re.sub(rb'"[^"]*\.py"|"launch/reader"|"app"|"src/common"|"../lib/json"', b'"app.py"', data)
    for path in sorted((SPECS / "good").glob("*.toml"))
    if b"[[" in (data := path.read_bytes()) and ".uv" not in path.name
]
GOOD = [path.read_bytes() for path in sorted((SPECS / "good").glob("*.toml"))]


def _read(data: bytes, uv_data: bytes | None = None) -> None:
    """Either there is a graph with layers, or there are problems that can be shown."""
    path = PurePosixPath("/stack/venvstacks.toml")
    try:
        spec = parse_stack(data, path, uv_data=uv_data, environ={})
        told = LayerGraph.of(spec, "linux_x86_64").names
    except SpecError as error:
        told = tuple(str(problem).strip() for problem in error.problems)
    assert told
    assert all(told)


@given(documents, st.none() | uv_tables)
@settings(deadline=None, max_examples=200)
def test_any_document(document: dict[str, object], uv: dict[str, object] | None) -> None:
    uv_data = None if uv is None else tomli_w.dumps(uv).encode()
    _read(tomli_w.dumps(document).encode(), uv_data)


@given(st.binary(max_size=200), st.binary(max_size=50))
@settings(deadline=None)
def test_any_bytes(data: bytes, uv_data: bytes) -> None:
    _read(data, uv_data)


@given(st.sampled_from(GOOD), st.data())
@settings(deadline=None, max_examples=200)
def test_any_good_file_with_a_part_exchanged(data: bytes, choose: st.DataObject) -> None:
    start = choose.draw(st.integers(0, len(data)))
    end = choose.draw(st.integers(start, min(start + 40, len(data))))
    patch = choose.draw(st.one_of(st.just(b""), st.sampled_from(WORDS).map(str.encode)))
    _read(data[:start] + patch + data[end:])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each part of a document as its container and its key or index there."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


@st.composite
def mutated(draw: st.DrawFn, *, most: int = 3) -> bytes:
    """A good specification with some of its parts replaced, removed, doubled or renamed."""
    document = tomllib.loads(draw(st.sampled_from(STACKS)).decode())
    for _ in range(draw(st.integers(1, most))):
        container, key = draw(st.sampled_from(list(_places(document)) or [(document, "x")]))
        action = draw(st.sampled_from(["replace", "remove", "double", "rename", "none"]))
        if action == "replace":
            container[key] = draw(values)
        elif action == "double" and isinstance(container, list):
            container.append(container[key])
        elif action == "rename" and isinstance(container, dict):
            container[draw(keys)] = container.get(key, 0)
        elif action == "remove" and key != "x":
            del container[key]
    return tomli_w.dumps(document).encode()


@given(mutated())
@settings(deadline=None, max_examples=300)
def test_any_good_document_with_parts_mutated(data: bytes) -> None:
    _read(data)


def _listed(path: Path) -> list[str] | None:
    """The tasks of a file, or None where it is refused."""
    try:
        tasks = list(stack_tasks(build_context(BuildSettings.of(path), {})))
    except VenvstacksDagError:
        return None
    return [f"{task['basename']}:{task.get('name') or ''}" for task in tasks]


@given(mutated(most=1))
@settings(deadline=None, max_examples=100)
def test_any_file_is_listed_or_refused(data: bytes) -> None:
    """The way of `doit list`, with a disk: modules are looked for, and the plan is kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "venvstacks.toml")
        path.with_name("app.py").touch()
        path.write_bytes(data)
        listed = _listed(path)
        event("refused" if listed is None else "listed")
        assert listed is None or "publish:" in listed
        assert _listed(path) == listed


@given(st.integers(1, 3000), st.sampled_from(["[", "{a=", "[[", "a.", "[a.", "x=[{y=", '"""', "'"]))
@settings(deadline=None, max_examples=60)
def test_any_nesting(depth: int, opening: str) -> None:
    closing = {"[": "]", "{": "}"}
    end = "".join(closing.get(character, "") for character in reversed(opening)) * depth
    for text in (opening * depth, f"x = {opening * depth}", f"x = {opening * depth}1{end}"):
        _read(text.encode())
        _read(f'[[runtimes]]\n{text}\n[[frameworks]]\nname = "fw"\n'.encode())
