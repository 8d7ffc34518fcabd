"""Files of a runtime that name the place it was built for, made to hold wherever it is put. Pure.

CPython writes the prefix it was configured with into the data of `sysconfig`, the Makefile and
the files of pkg-config, and with it the compiler of the machine that built it. Here these files
come to find their place by themselves, so nothing has to be rewritten when a runtime moves, and
one build of Python gives the same bytes whatever prefix it was installed under.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from venvstacks_dag.standards import read_literal

# Longer ones are not those that CPython writes, and stay as they are.
LONGEST = 4 << 20
_DATA = re.compile(r"lib/python3\.\d+/_sysconfigdata_[\w.-]*\.py\Z")
_CONFIG = re.compile(r"lib/python3\.\d+/config-[^/]+/(Makefile|python-config\.py)\Z")
_PKG_CONFIG = re.compile(r"lib/pkgconfig/python[^/]*\.pc\Z")
_DETAILS = re.compile(r"lib/python3\.\d+/build-details\.json\Z")
_ASSIGNMENT = re.compile(r"^build_time_vars[ \t]*=[ \t]*(?=\{)", re.MULTILINE)
# What may stand before a path in a value: nothing, a separator, or an option that takes a folder.
_BEFORE = r"""(?:^|(?<=[\s=,:;'"(])|(?<=-I)|(?<=-L)|(?<=-R)|(?<=-F)|(?<=\.))"""
_AFTER = r"""(?=$|[/\s,:;'")])"""
_MARK = "/@prefix@"
_COMPILED_WITH = ("BLDSHARED", "CC", "CXX", "LDCXXSHARED", "LDSHARED", "LINKCC", "MAINCC")
_CXX = re.compile(r"(?:.*[/-])?(?:clang\+\+|g\+\+|c\+\+)(?:-[\d.]+)?\Z")
_CC = re.compile(r"(?:.*[/-])?(?:clang|gcc|cc)(?:-[\d.]+)?\Z")
_AR = re.compile(r"(?:.*[/-])?ar(?:-[\d.]+)?\Z")
_SDK = re.compile(r"\s*-isysroot\s+\S+")
_TEMPLATE = """\
# Written for a runtime that can be moved: paths are those of the place where this file lies.
import os

_prefix = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
build_time_vars = {{
{rows}}}
for _name, _value in build_time_vars.items():
    if isinstance(_value, str):
        build_time_vars[_name] = _value.replace({mark!r}, _prefix)
"""


def is_build_data(path: str) -> bool:
    """Whether `path` (in a runtime) is the module with `sysconfig`'s data."""
    return _DATA.match(path) is not None


def names_its_place(path: str) -> bool:
    """Whether the file at `path` is one that `Relocation.apply` changes."""
    return any(each.match(path) for each in (_DATA, _CONFIG, _PKG_CONFIG, _DETAILS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    """A runtime that was configured for ``prefix``, an absolute path."""

    prefix: str

    @classmethod
    def of(cls, build_data: bytes) -> Relocation | None:
        """What the runtime with this data of `sysconfig` needs; None where it does not tell."""
        variables = _variables(build_data)
        prefix = variables.get("prefix") if variables else None
        if not isinstance(prefix, str) or not prefix.startswith("/") or prefix.strip("/") == "":
            return None
        return cls(prefix=prefix.rstrip("/"))

    def apply(self, path: str, data: bytes) -> bytes:
        """The content that the file at `path` is to have; `data` itself where it tells nothing."""
        try:
            text = data.decode("utf-8")
            if _DATA.match(path):
                return self._build_data(data)
            if _DETAILS.match(path):
                return self._details(path, json.loads(text)).encode()
        except ValueError:
            return data  # It is not what CPython writes, so nothing is known of it.
        if _PKG_CONFIG.match(path):
            return self._pkg_config(text).encode()
        if path.endswith(".py"):
            return re.sub(r"\A#!.*", "#!/usr/bin/env python3", text).encode()
        return self._makefile(text).encode()

    def _replaced(self, text: str, by: str) -> str:
        pattern = _BEFORE + re.escape(self.prefix) + _AFTER
        return re.sub(pattern, lambda _: by, text, flags=re.MULTILINE)

    def _build_data(self, data: bytes) -> bytes:
        variables = _variables(data)
        if variables is None:
            return data
        rows = [
            f"    {name!a}: {self._value(name, value)!a},\n"
            for name, value in sorted(variables.items())
        ]
        return _TEMPLATE.format(rows="".join(rows), mark=_MARK).encode()

    def _value(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            return value
        return generic_tools(name, self._replaced(value, _MARK))

    def _pkg_config(self, text: str) -> str:
        """``pcfiledir`` is the folder of the file itself (pkg-config(1))."""
        start = f"prefix={self.prefix}"
        lines = [
            "prefix=${pcfiledir}/../.." if line.rstrip("/") == start else self._in_prefix(line)
            for line in text.split("\n")
        ]
        return "\n".join(lines)

    def _in_prefix(self, line: str) -> str:
        return self._replaced(line, "${prefix}")

    def _makefile(self, text: str) -> str:
        """Make knows by MAKEFILE_LIST where the file lies."""
        here = "$(abspath $(dir $(lastword $(MAKEFILE_LIST)))/../../..)"
        start = re.compile(rf"^(prefix=[ \t]*){re.escape(self.prefix)}/*$", re.MULTILINE)
        # Its own definition is the one place where `prefix` must not stand for itself.
        before, found, after = text, "", ""
        if match := start.search(text):
            before, found, after = text[: match.start()], f"{match[1]}{here}", text[match.end() :]
        return self._replaced(before, "$(prefix)") + found + self._replaced(after, "$(prefix)")

    def _details(self, path: str, details: Any) -> str:
        """Paths may be relative, the base's to the file and others to the base (PEP 739)."""

        def moved(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {key: moved(item) for key, item in value.items()}
            if isinstance(value, str) and value.startswith(f"{self.prefix}/"):
                return value[len(self.prefix) + 1 :]
            return value

        found = moved(details)
        if isinstance(found, dict) and found.get("base_prefix") == self.prefix:
            found["base_prefix"] = "/".join([".."] * (len(PurePosixPath(path).parts) - 1))
        return json.dumps(found, indent=2, sort_keys=True) + "\n"


def generic_tools(name: str, value: str) -> str:
    """A variable of the build with the compiler's usual names in place of the build machine's.

    Those who compile an extension at the target have ``cc``, but neither the toolchain nor the
    SDK that the runtime was compiled with.
    """
    value = _SDK.sub("", value)
    program, space, rest = value.partition(" ")
    if name in _COMPILED_WITH and _CXX.match(program):
        return f"c++{space}{rest}"
    if name in _COMPILED_WITH and _CC.match(program):
        return f"cc{space}{rest}"
    if name == "AR" and _AR.match(program):
        return f"ar{space}{rest}"
    return value


def _variables(data: bytes) -> dict[str, Any] | None:
    """The assignments of a module with data of `sysconfig`; None where it is something else."""
    if len(data) > LONGEST:
        return None
    try:
        text = data.decode("utf-8")
        start = _ASSIGNMENT.search(text)
        found = read_literal(text[start.end() :]) if start else None
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        return None
    simple = all(isinstance(value, str | int) for value in found.values())
    return found if simple else None
