"""Texts of the packaging standards, read into `packaging`'s objects, one at a time.

Packaging reads a marker's strings through `ast`. On CPython 3.11.0 to 3.11.7 two threads that
build syntax trees at once count their depth in one shared place, and one of them may end with
"SystemError: AST constructor recursion depth mismatch" (python/cpython#106905). Tasks run in
threads, so whatever may hold a marker is read here and nowhere else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from threading import Lock
from typing import Any

from packaging.markers import (
    InvalidMarker,
    Marker,
    UndefinedComparison,
    UndefinedEnvironmentName,
)
from packaging.pylock import Pylock, PylockValidationError
from packaging.requirements import InvalidRequirement, Requirement

# Markers that can be read, but have no answer in an environment.
UNANSWERABLE = (UndefinedComparison, UndefinedEnvironmentName)
_ONE_AT_A_TIME = Lock()
# Packaging says so itself from 26.4 on, which counts the levels of a marker.
_TOO_DEEP = "nested too deeply"

# Python refuses to read numbers of more than 4,300 digits, wherever a version is compared.
_ENDLESS = re.compile(r"[0-9]{1000}", re.ASCII)
ENDLESS_NUMBER = "a number of a thousand digits or more"


def has_endless_number(text: str) -> bool:
    """Whether `text` holds a number that no version, specifier or marker has any use for.

    What is read of the standards does not say so: it fails late, when versions are compared.
    """
    return _ENDLESS.search(text) is not None


def read_requirement(text: str) -> Requirement:
    """A requirement (PEP 508). Raises `packaging.requirements.InvalidRequirement`."""
    if has_endless_number(text):
        raise InvalidRequirement(f"it has {ENDLESS_NUMBER}")
    try:
        with _ONE_AT_A_TIME:
            return Requirement(text)
    except RecursionError:
        raise InvalidRequirement(_TOO_DEEP) from None


def read_marker(text: str) -> Marker:
    """An environment marker (PEP 508). Raises `packaging.markers.InvalidMarker`."""
    if has_endless_number(text):
        raise InvalidMarker(f"it has {ENDLESS_NUMBER}")
    try:
        with _ONE_AT_A_TIME:
            return Marker(text)
    except RecursionError:
        raise InvalidMarker(_TOO_DEEP) from None


def read_pylock(document: Mapping[str, Any]) -> Pylock:
    """A lock (PEP 751) from its TOML tables. Raises `packaging.pylock.PylockValidationError`."""
    try:
        with _ONE_AT_A_TIME:
            return Pylock.from_dict(document)
    except RecursionError:
        raise PylockValidationError(_TOO_DEEP) from None


def read_literal(text: str) -> object:
    """The value of a Python literal, which is read through a syntax tree as markers are.

    Raises `ValueError` for everything else.
    """
    try:
        with _ONE_AT_A_TIME:
            return ast.literal_eval(text)
    except (SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise ValueError("not a Python literal") from error
