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
OWN_OPTIONS = {"runtime_archives", "max_depth"}


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
