"""The cases of ``specs/`` cover every field: somewhere it is used rightly, elsewhere wrongly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest

from tests.cases.test_specs import SPECS

LAYER_FIELDS = {
    "name",
    "requirements",
    "platforms",
    "linux_target",
    "macosx_target",
    "dynlib_exclude",
    "package_indexes",
    "index_overrides",
    "priority_indexes",
    "versioned",
    "python_implementation",
    "fully_versioned_name",
    "runtime",
    "frameworks",
    "launch_module",
    "support_modules",
}
UV_SETTINGS = {
    "index",
    "sources",
    "exclude-newer",
    "override-dependencies",
    "constraint-dependencies",
    "environments",
    "find-links",
    "no-index",
    "prerelease",
}
OWN_OPTIONS = {
    "runtime_archives",
    "max_depth",
    "link_mode",
    "layers",
    "exclude",
    "overrides",
    "targets",
    "archive_format",
    "archive_profile",
    "archive_level",
}


def _used(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _used(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _used(inner)


@pytest.mark.parametrize("field", sorted(LAYER_FIELDS | UV_SETTINGS | OWN_OPTIONS))
def test_each_field_is_used_in_a_good_case(field: str) -> None:
    texts = (p.read_text(encoding="utf-8") for p in (SPECS / "good").glob("*[!v].toml"))
    assert any(field in _used(tomllib.loads(text)) for text in texts if "[[" in text)


@pytest.mark.parametrize("field", sorted(LAYER_FIELDS | UV_SETTINGS | OWN_OPTIONS))
def test_each_field_is_at_fault_in_a_bad_case(field: str) -> None:
    problem = re.compile(
        rf"^# problem: [^:]*(?:: )?[^:]*\b{re.escape(field)}\b[^:]*: ", re.MULTILINE
    )
    texts = (path.read_text(encoding="utf-8") for path in (SPECS / "bad").glob("*.toml"))
    assert any(problem.search(text) for text in texts)


# Each kind of mistake that specifications published with venvstacks show, and what it is told as.
PUBLISHED_MISTAKES = {
    "no name": ("missing_fields", "the field 'name' is missing"),
    "requirement that cannot be parsed": ("requirements", "is not a requirement (PEP 508)"),
    "unknown platform": ("targets", "unknown platform"),
    "platform that is not below": ("platforms", "is not one of rt below"),
    "other libc": (
        "targets",
        "linux_target: expected 'glibc', 'glibc@X.Y', 'musl' or",
    ),
    "libc version": ("targets", "linux_target: there are no wheels for glibc 3"),
    "unknown runtime": ("wrong_tables", "there is no runtime named"),
    "unknown framework": ("references", "there is no framework named"),
    "forward reference": ("references", "is declared further down"),
    "ring": ("rings", "frameworks are put on each other"),
    "several runtimes": ("runtimes_differ", "its frameworks have several runtimes"),
    "orders that contradict": ("orders", "have no common import order"),
    "unknown index of a package": ("indexes", "package_indexes.torch: there is no index named"),
    "unknown first index": ("indexes", "priority_indexes[0]: there is no index named"),
    "index against one below": ("index_disagreements", "app-own takes 'torch' from"),
    "indexes of two frameworks": ("index_disagreements", "framework-cpu takes 'torch' from"),
    "launch and support clash": ("modules", "'lib/Main.py' and 'src/main.py' would be one"),
    "support modules clash": ("modules", "'other/helper.py' and 'lib\\\\helper' would be one"),
}


@pytest.mark.parametrize("kind", PUBLISHED_MISTAKES)
def test_each_published_kind_of_mistake_has_its_case(kind: str) -> None:
    name, words = PUBLISHED_MISTAKES[kind]
    text = (SPECS / "bad" / f"{name}.toml").read_text(encoding="utf-8")
    assert any(words in line for line in text.splitlines() if line.startswith("# problem: "))
