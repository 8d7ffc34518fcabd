"""Linking is a function of its request: the same plan each time, and done twice it is done once."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.elf import make_elf
from tests.unit.link.builders import RUNTIME, SITE, app_request, file_entry, lower, module
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.fs import TreeManifest
from venvstacks_dag.link import LibraryFacts, LinkModules, LinkRequest, link_layer, plan_links
from venvstacks_dag.reporting import NullReporter

NAMES = st.sampled_from([f"lib{letter}.so{version}" for letter in "abc" for version in ("", ".1")])
LAYERS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 2)).map(
        lambda drawn: (("liba.so",) if drawn[0] else (), f"@{drawn[1]}" if drawn[1] else "")
    ),
    max_size=3,
)


@st.composite
def requests(draw: st.DrawFn) -> LinkRequest:
    below = [
        lower(f"framework-{number}", target=f"framework-{number}{version}", libraries=libraries)
        for number, (libraries, version) in enumerate(draw(LAYERS))
    ]
    names = draw(st.lists(NAMES, unique=True))
    manifest = TreeManifest.of(
        file_entry(f"{SITE}/{name[3]}/{name}", content=make_elf(salt=name.encode()))
        for name in names
    )
    return replace(
        app_request(*below, RUNTIME, manifest=manifest),
        dynlib_exclude=tuple(draw(st.lists(NAMES, max_size=2))),
    )


@given(request=requests(), support=st.permutations(["one", "two", "three"]))
def test_a_plan_depends_on_nothing_but_its_parts(request: LinkRequest, support: list[str]) -> None:
    facts = {e.sha256: (LibraryFacts(machine="x86_64"),) for e in request.installed.entries}
    backwards = dict(reversed(facts.items()))
    tree = PurePosixPath("/build/app-x")
    plan = plan_links(
        request,
        facts,
        LinkModules(launch=module("app"), support=tuple(map(module, sorted(support)))),
        tree=tree,
    )
    again = plan_links(
        request,
        backwards,
        LinkModules(launch=module("app"), support=tuple(map(module, support))),
        tree=tree,
    )
    assert plan == again
    paths = [planned.entry.path for planned in plan.entries]
    assert paths == sorted(set(paths))
    assert plan.manifest == TreeManifest.of(plan.manifest.entries)
    elsewhere = plan_links(request, facts, LinkModules(launch=module("app")), tree=tree)
    moved = plan_links(
        request, facts, LinkModules(launch=module("app")), tree=PurePosixPath("/other/app-x")
    )
    shipped = [e for e in elsewhere.manifest.entries if not e.local]
    assert shipped == [e for e in moved.manifest.entries if not e.local]


def _state(folder: Path) -> dict[str, tuple[object, ...]]:
    return {
        str(path.relative_to(folder)): (
            str(path.readlink()) if path.is_symlink() else sha256_bytes(path.read_bytes()),
            path.lstat().st_mode,
            path.lstat().st_ino,
        )
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@settings(max_examples=25, deadline=None)
@given(requests=st.lists(requests(), min_size=1, max_size=3))
def test_linking_ends_as_a_first_link_would_and_then_rests(requests: list[LinkRequest]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "_build"
        made: TreeManifest | None = None
        for request in requests:
            tree = folder / "app-x"
            for entry in request.installed.entries:
                path = tree / entry.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(make_elf(salt=path.name.encode()))
            made = link_layer(request, tree, previous=made, reporter=NullReporter()).manifest
            state = _state(folder)
            again = link_layer(request, tree, previous=made, reporter=NullReporter())
            assert made == again.manifest
            assert _state(folder) == state
        installed = {e.path for request in requests for e in request.installed.entries}
        left = {path.removeprefix("app-x/") for path in _state(folder) if path.startswith("app-x/")}
        assert made is not None
        assert left - installed == {entry.path for entry in made.entries}
