"""The documentation and the code say the same: names, links and paths are compared.

What a reference page documents is told by the first column of its tables, in backquotes.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from venvstacks_dag import errors
from venvstacks_dag.cli.program import _parser
from venvstacks_dag.errors import VenvstacksDagError
from venvstacks_dag.platforms import PLATFORM_NAMES
from venvstacks_dag.publish import AppModules, LayerManifest, PublishedArchive, SupportModule
from venvstacks_dag.resolve import LockMetadata
from venvstacks_dag.spec import layer_options, layers, tool, uv
from venvstacks_dag.tasks.stages import STAGES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]
)
SOURCES = sorted((ROOT / "venvstacks_dag").rglob("*.py"))

_HEADING = re.compile(r"(#+) (.*)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\Z")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(path: Path) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", path.read_text("utf-8"))


def sections(page: str) -> dict[str, str]:
    """The text below each heading of a reference page, up to the next heading of any level."""
    found: dict[str, str] = {}
    heading = ""
    for line in prose(DOCS / page).splitlines():
        match = _HEADING.match(line)
        if match:
            heading = match[2].replace("`", "")
        found[heading] = f"{found.get(heading, '')}{line}\n"
    return found


def documented(text: str) -> set[str]:
    """What the tables in `text` have in their first column, in backquotes."""
    cells = (line.split("|")[1] for line in text.splitlines() if line.startswith("|"))
    return {code for cell in cells for code in _CODE.findall(cell)}


# --- names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("Fields of all layers", layers._COMMON_FIELDS),
        ("Fields of runtimes", set(layers._FIELDS["runtimes"]) - set(layers._COMMON_FIELDS)),
        ("Fields of frameworks", set(layers._FIELDS["frameworks"]) - set(layers._COMMON_FIELDS)),
        (
            "Fields of applications",
            set(layers._FIELDS["applications"]) - set(layers._COMMON_FIELDS),
        ),
        ("Deprecated fields", {name for names in layers._DEPRECATED.values() for name in names}),
        ("[tool.uv]", uv._SETTINGS),
        ("[[tool.uv.index]]", uv._INDEX_FIELDS),
        ("[tool.venvstacks-dag]", tool._OPTIONS),
        (
            "[tool.venvstacks-dag.layers.NAME]",
            layer_options._OPTIONS,
        ),
    ],
)
def test_specification_has_the_fields_that_are_read(heading: str, known: Iterable[str]) -> None:
    assert documented(sections("reference/specification.md")[heading]) == set(known)


@pytest.mark.parametrize("word", [*PLATFORM_NAMES, *uv.PRERELEASE_MODES])
def test_specification_names_all_values(word: str) -> None:
    assert f"`{word}`" in prose(DOCS / "reference/specification.md")


def test_errors_are_documented() -> None:
    known = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, VenvstacksDagError)
    }
    assert documented(prose(DOCS / "reference/errors.md")) == known


def test_stages_are_documented() -> None:
    tasks = documented(sections("reference/tasks.md")["Stages"])
    assert {task.partition(":")[0] for task in tasks} == set(STAGES)


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    parser = _parser()
    [commands] = [
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return {"": parser, **commands.choices}


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    # Of a switch, the name that is written as ``--[no-]name`` in the help.
    return {
        name
        for action in parser._actions
        if action.help != argparse.SUPPRESS
        for name in action.option_strings
        if not (isinstance(action, argparse.BooleanOptionalAction) and name.startswith("--no-"))
    }


def test_commands_are_documented() -> None:
    commands = documented(sections("reference/cli.md")["Commands"])
    assert commands == set(command_parsers()) - {""}


def test_options_are_documented() -> None:
    cells = documented(sections("reference/cli.md")["Options"])
    known = set().union(*map(options_of, command_parsers().values()))
    assert {cell.split()[0] for cell in cells} == known


def test_commands_in_examples_can_be_parsed() -> None:
    examples = [
        words
        for page in PAGES
        for line in page.read_text("utf-8").splitlines()
        if (words := line.removeprefix("$ ").split())[:1] == ["venvstacks-dag"]
        and line.startswith("$ ")
    ]
    assert examples
    for words in examples:
        assert _parser().parse_args(words[1:]).command == words[1]


# --- environment variables --------------------------------------------------------------


def mentions_environ(tree: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == "environ")
        or (isinstance(node, ast.Attribute) and node.attr == "environ")
        for node in ast.walk(tree)
    )


def is_environ(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id == "environ") or (
        isinstance(node, ast.Attribute) and node.attr == "environ"
    )


def direct_keys(tree: ast.AST) -> Iterator[ast.expr]:
    """The keys that `environ` is asked for by name: ``environ["X"]``, ``.get("X")``, ``in``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and is_environ(node.value):
            if isinstance(node.ctx, ast.Load):
                yield node.slice
        elif isinstance(node, ast.Compare) and any(map(is_environ, node.comparators)):
            yield node.left
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and is_environ(node.func.value)
            and node.args
        ):
            yield node.args[0]


def variables_in(source: str) -> set[str]:
    """Names of environment variables in a module: keys, and constants shaped like one."""
    tree = ast.parse(source)
    if not mentions_environ(tree):
        return set()
    constants = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    shaped = {text for text in constants if _VARIABLE.match(text)}
    keys = {
        key.value
        for key in direct_keys(tree)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    return shaped | keys


def test_environment_variables_are_documented() -> None:
    found = sections("reference/environment.md")
    by_libraries = documented(found.pop("Read by libraries"))
    ours = set().union(*(documented(text) for text in found.values()))
    read = set().union(
        # `_injected` runs where layers are deployed; the one variable there is set, not read.
        *(
            variables_in(path.read_text("utf-8"))
            for path in SOURCES
            if "_injected" not in path.parts
        )
    )
    assert ours == read
    assert not ours & by_libraries


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('def f(environ): return environ.get("A_B"), environ["TERM"], "CI" in environ', 3),
        ('_NAMES = ("UV_X", "PIP_X")\ndef f(environ): return [environ.get(n) for n in _NAMES]', 2),
        ('import os\nos.environ.get("HOME")', 1),
        ('import os\nos.environ["SET_ONLY"] = "1"', 1),
        ('TEXT = "NOT_READ"', 0),
    ],
)
def test_environment_variables_are_found(source: str, names: int) -> None:
    assert len(variables_in(source)) == names


# --- files ------------------------------------------------------------------------------


def test_manifest_keys_are_documented() -> None:
    digest = "0" * 64
    manifest = LayerManifest(
        layer_name="app-x",
        install_target="app-x",
        requirements_hash="",
        lock_version=1,
        locked_at="",
        runtime_layer="python",
        python_implementation="",
        bound_to_implementation=False,
        required_layers=(),
        app=AppModules(
            launch_module="x",
            launch_module_hash="",
            support_modules=(SupportModule(name="y", hash=""),),
        ),
        archive=PublishedArchive(
            build=1,
            name="app-x.tar.zst",
            platform=PLATFORM_NAMES[0],
            size=0,
            sha256=digest,
            toolchain=(("format", "tar.zst"),),
        ),
        excluded_packages=("triton",),
        overrides=("numpy>=2",),
        tree_digest=digest,
    )
    assert documented(sections("reference/files.md")["Manifests"]) == set(manifest.as_json())


def test_lock_metadata_keys_are_documented() -> None:
    known = {field.name for field in dataclasses.fields(LockMetadata)}
    assert documented(sections("reference/files.md")["Metadata of the lock"]) == known


def test_layer_configuration_keys_are_documented() -> None:
    source = (ROOT / "venvstacks_dag/link/config.py").read_text("utf-8")
    keys = {
        key.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert keys
    found = documented(sections("reference/files.md")["Layer configuration"])
    assert found == keys | {"launch_module"}
    assert 'config["launch_module"]' in source


def test_dependencies_have_their_reasons() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[^\w.-]", text, maxsplit=1)[0] for text in project["dependencies"]}
    rows = [
        line.split("|")[1]
        for line in prose(DOCS / "explanation/dependencies.md").splitlines()
        if line.startswith("|")
    ]
    told = {name.strip() for row in rows[2:] for name in row.split(",")}
    assert told == names


def slugs(path: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = (match[2] for line in prose(path).splitlines() if (match := _HEADING.match(line)))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {text.replace(" ", "-") for text in kept}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        place, _, anchor = unquote(target).partition("#")
        path = (page.parent / place).resolve() if place else page
        assert path.exists(), f"{name_of(page)} links to {target}"
        assert path.is_relative_to(ROOT), f"{name_of(page)} links out of the project: {target}"
        if anchor:
            assert anchor in slugs(path), f"{name_of(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_paths_in_the_project_exist(page: Path) -> None:
    tops = ("venvstacks_dag/", "tests/", "specs/", "docs/", ".ci/")
    made = ("_build", "_artifacts")
    for code in _CODE.findall(prose(page)):
        path = code.split()[0]
        if path.startswith(tops) and not any(part in made for part in Path(path).parts):
            assert (ROOT / path).exists(), f"{name_of(page)} names {path}"


@pytest.mark.parametrize("folder", ["how-to", "reference", "explanation"])
def test_indexes_list_all_pages(folder: str) -> None:
    listed = set(_LINK.findall(prose(DOCS / folder / "index.md")))
    pages = {path.name for path in (DOCS / folder).glob("*.md")} - {"index.md"}
    assert pages <= listed


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_toml_examples_are_toml(page: Path) -> None:
    for example in re.findall(r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
        tomllib.loads(example)
