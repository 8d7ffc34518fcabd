"""Typed reading of TOML tables: a value of the wrong type is noted, and reading goes on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from venvstacks_dag.spec.findings import Findings
from venvstacks_dag.spec.lines import KeyPath
from venvstacks_dag.spec.wording import found, meant, quoted


class Table:
    """One TOML table, its place in the file, and where to note what is wrong with it.

    ``layer`` is the environment name of the layer that the table belongs to, if any.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        path: KeyPath,
        findings: Findings,
        *,
        layer: str | None = None,
    ) -> None:
        self.values = values
        self.path = path
        self.findings = findings
        self.layer = layer

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def problem(self, place: str | KeyPath, message: str, *, fix: str | None = None) -> None:
        """Note a mistake at a key of this table (or at a path below it)."""
        self.findings.problem(self._below(place), message, layer=self.layer, fix=fix)

    def warn(self, place: str | KeyPath, message: str, *, fix: str | None = None) -> None:
        """Note a warning at a key of this table (or at a path below it)."""
        self.findings.warn(self._below(place), message, layer=self.layer, fix=fix)

    def refuse_unknown(self, known: Collection[str], *, noun: str = "field") -> None:
        """Note each key that is not one of `known`."""
        for key in self.values:
            if key not in known:
                fix = meant(key, known, noun=f"known {noun}s")
                self.problem(key, f"unknown {noun} {quoted(key)}", fix=fix)

    def text(self, key: str) -> str | None:
        """A string, or None where there is none."""
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value
        self._wrong_type(key, "a string", value)
        return None

    def required_text(self, key: str, *, fix: str | None = None) -> str | None:
        """A string that must be there: None only where a problem was noted."""
        if key not in self.values:
            self.problem(key, f"the field {quoted(key)} is missing", fix=fix)
        return self.text(key)

    def flag(self, key: str) -> bool:
        """A boolean; false where there is none."""
        value = self.values.get(key, False)
        if isinstance(value, bool):
            return value
        self._wrong_type(key, "true or false", value)
        return False

    def number(self, key: str, *, minimum: int) -> int | None:
        """An integer of at least `minimum`, or None where there is none."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and value >= minimum:
            return value
        self._wrong_type(key, f"an integer of at least {minimum}", value)
        return None

    def items(self, key: str) -> list[tuple[int, str]]:
        """An array's strings with their places in it; empty where there is none."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            fix = f"write {key} = [...]"
            self._wrong_type(key, "an array of strings", value, fix=fix)
            return []
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self._wrong_type((key, index), "a string", item)
        return [(index, item) for index, item in enumerate(value) if isinstance(item, str)]

    def texts(self, key: str) -> tuple[str, ...]:
        """An array's strings, none of them empty; empty where there is none."""
        items = self.items(key)
        for index, item in items:
            if not item.strip():
                self.problem((key, index), "expected some text, found an empty string")
        return tuple(item for _, item in items)

    def pairs(self, key: str) -> list[tuple[str, str]]:
        """A table of strings as (key, value) in the file's order; empty where there is none."""
        table = self.table(key)
        if table is None:
            return []
        pairs = ((name, table.text(name)) for name in table.values)
        return [(name, text) for name, text in pairs if text is not None]

    def table(self, key: str) -> Table | None:
        """A table inside this one, or None where there is none."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, dict):
            return Table(value, self._below(key), self.findings, layer=self.layer)
        self._wrong_type(key, "a table", value)
        return None

    def tables(self, key: str) -> list[Table]:
        """An array of tables; empty where there is none."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            header = ".".join(str(part) for part in self._below(key))
            self._wrong_type(key, "an array of tables", value, fix=f"write [[{header}]]")
            return []
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self._wrong_type((key, index), "a table", item)
        return [
            Table(item, self._below((key, index)), self.findings, layer=self.layer)
            for index, item in enumerate(value)
            if isinstance(item, dict)
        ]

    def _below(self, place: str | KeyPath) -> KeyPath:
        return (*self.path, place) if isinstance(place, str) else (*self.path, *place)

    def _wrong_type(
        self, place: str | KeyPath, expected: str, value: object, *, fix: str | None = None
    ) -> None:
        self.problem(place, f"expected {expected}, found {found(value)}", fix=fix)
