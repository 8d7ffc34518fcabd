"""Where in a TOML text each value stands: tomllib reads values, but keeps no positions.

The text must have been read by tomllib before: this scanner finds its way through valid
TOML 1.0 and checks nothing. Where it meets something that it does not know, it stops,
and what comes later simply has no line.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from functools import lru_cache

KeyPath = tuple[str | int, ...]

KEY_PART = r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[A-Za-z0-9_-]+)"""
_KEY = rf"{KEY_PART}(?:[ \t]*\.[ \t]*{KEY_PART})*"
_GAP = re.compile(r"(?:\s|#[^\n]*)*")
_HEADER = re.compile(rf"\[(\[)?[ \t]*({_KEY})[ \t]*\]{{1,2}}")
_ASSIGNMENT = re.compile(rf"({_KEY})[ \t]*=[ \t]*")
_SCALAR = re.compile(
    r'''"""(?:\\.|[^\\])*?"""(?:"{0,2})|"(?:\\.|[^"\\\n])*"'''
    r"""|'''.*?'''(?:'{0,2})|'[^'\n]*'|[^\s,\]}#"']+(?:[ ][0-9:.]+(?:Z|[+-][0-9:]+)?)?""",
    re.DOTALL,
)


class UnknownSyntax(Exception):
    """The scanner met something that it does not know."""


def line_index(text: str) -> dict[KeyPath, int]:
    """The 1-based line of each table header, key and array element of `text`, by key path.

    ``("frameworks", 1)`` is the second ``[[frameworks]]`` header and
    ``("frameworks", 1, "requirements", 0)`` the first requirement under it.
    """
    scanner = _Scanner(text)
    with suppress(UnknownSyntax, RecursionError):
        scanner.scan()
    return scanner.lines


class _Scanner:
    """Goes through a text once, noting the line at which each path starts."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[KeyPath, int] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._array_sizes: Counter[KeyPath] = Counter()

    def scan(self) -> None:
        """Read all statements."""
        table: KeyPath = ()
        position = self._skip_gap(0)
        while position < len(self.text):
            if header := _HEADER.match(self.text, position):
                table = self._table_path(_parts(header[2]), is_array=header[1] is not None)
                self._note(table, position)
                position = header.end()
            else:
                position = self._assignment(table, position)
            position = self._skip_gap(position)

    def _note(self, path: KeyPath, position: int) -> None:
        """Keep the line of `path`, and of the tables that a dotted key makes on the way."""
        line = bisect_left(self._newlines, position) + 1
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                break
            self.lines[path[:length]] = line

    def _skip_gap(self, position: int) -> int:
        match = _GAP.match(self.text, position)
        assert match is not None  # the pattern matches the empty string
        return match.end()

    def _table_path(self, parts: KeyPath, *, is_array: bool) -> KeyPath:
        """A header's path: under an array of tables it means the newest of them."""
        path: KeyPath = ()
        for depth, part in enumerate(parts, start=1):
            path = (*path, part)
            if is_array and depth == len(parts):
                self._array_sizes[path] += 1
            if size := self._array_sizes[path]:
                path = (*path, size - 1)
        return path

    def _assignment(self, table: KeyPath, position: int) -> int:
        match = _ASSIGNMENT.match(self.text, position)
        if match is None:
            raise UnknownSyntax
        path = (*table, *_parts(match[1]))
        self._note(path, position)
        return self._value(path, match.end())

    def _value(self, path: KeyPath, position: int) -> int:
        """The position after the value at `position`."""
        opening = self.text[position : position + 1]
        if opening == "[":
            return self._array(path, position + 1)
        if opening == "{":
            return self._inline_table(path, position + 1)
        match = _SCALAR.match(self.text, position)
        if match is None:
            raise UnknownSyntax
        return match.end()

    def _array(self, path: KeyPath, position: int) -> int:
        position = self._skip_gap(position)
        count = 0
        while self.text[position : position + 1] != "]":
            item = (*path, count)
            self._note(item, position)
            position = self._skip_separator(self._value(item, position))
            count += 1
        return position + 1

    def _inline_table(self, path: KeyPath, position: int) -> int:
        position = self._skip_gap(position)
        while self.text[position : position + 1] != "}":
            position = self._skip_separator(self._assignment(path, position))
        return position + 1

    def _skip_separator(self, position: int) -> int:
        position = self._skip_gap(position)
        if self.text[position : position + 1] == ",":
            position = self._skip_gap(position + 1)
        return position


@lru_cache(maxsize=1024)
def _parts(key: str) -> KeyPath:
    """The parts of a dotted key, quotes and escapes read by tomllib itself."""
    parts: list[str] = []
    value: object = tomllib.loads(f"{key} = 0")
    while isinstance(value, dict):
        [(part, value)] = value.items()
        parts.append(part)
    return tuple(parts)
