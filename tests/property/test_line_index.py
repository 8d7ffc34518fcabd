"""The lines told are right: what stands there is the key, or the element, in question."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_spec_never_tracebacks import documents
from venvstacks_dag.spec.lines import KeyPath, line_index


def _paths(value: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for key, item in inner:
        yield (*path, key)
        yield from _paths(item, (*path, key))


@given(documents, st.booleans())
@settings(deadline=None, max_examples=150)
def test_every_path_has_a_line_that_holds_its_key(
    document: dict[str, object], multiline: bool
) -> None:
    text = tomli_w.dumps(document, multiline_strings=multiline)
    index = line_index(text)
    lines = text.split("\n")
    # tomli_w writes no header for a table that only holds tables: such paths take their first line.
    assert set(index) == set(_paths(tomllib.loads(text)))
    for path, line in index.items():
        last = path[-1]
        if isinstance(last, str) and last.isidentifier() and last.isascii():
            assert last in lines[line - 1]
