"""How values of a specification are shown in messages, and what may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import lru_cache

_SHOWN_LENGTH = 80
_COMPARED_LENGTH = 100
_USER_INFO = re.compile(r"(?<=://)[^/?#\s]*@")
_NOUNS: tuple[tuple[type, str], ...] = (
    (str, "a string"),
    (bool, "a boolean"),  # before int, which bool is a kind of
    (int, "an integer"),
    (float, "a float"),
    (datetime, "a date and time"),
    (date, "a date"),
    (time, "a time"),
    (list, "an array"),
    (dict, "a table"),
)


def quoted(text: str) -> str:
    """`text` in quotes for a message: cut short, on one line, without passwords in addresses."""
    safe = redacted(text)
    if len(safe) > _SHOWN_LENGTH:
        safe = f"{safe[: _SHOWN_LENGTH - 3]}..."
    return repr(safe)


def redacted(text: str) -> str:
    """`text` without the user names and passwords of addresses in it."""
    return _USER_INFO.sub("***@", text)


def found(value: object) -> str:
    """What a value of the wrong type is, such as ``the integer 3`` or ``a table``."""
    if isinstance(value, str):
        return f"the string {quoted(value)}"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int) and abs(value) < 10**15:
        return f"the integer {value}"
    return next(noun for kind, noun in _NOUNS if isinstance(value, kind))


def listed(words: Iterable[str]) -> str:
    """``'a', 'b', 'c'``, cut short where there are many."""
    shown = [quoted(word) for word in words]
    if len(shown) > 12:
        shown[12:] = [f"and {len(shown) - 12} more"]
    return ", ".join(shown)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The one of `choices` that is spelt most like `word`, or None where none is near."""
    return _nearest(word, tuple(choices)) if len(word) <= _COMPARED_LENGTH else None


@lru_cache(maxsize=256)
def _nearest(word: str, choices: tuple[str, ...]) -> str | None:
    by_spelling = {_spelling(choice): choice for choice in choices}
    matches = get_close_matches(_spelling(word), by_spelling, n=1, cutoff=0.65)
    return by_spelling[matches[0]] if matches else None


def _spelling(word: str) -> str:
    """Case and the two kinds of dashes are what people mix up most."""
    return word[:_COMPARED_LENGTH].lower().replace("-", "_")


def meant(word: str, choices: Iterable[str], *, noun: str) -> str:
    """The advice for an unknown word: the nearest right spelling, else all that are allowed."""
    allowed = tuple(choices)
    near = nearest(word, allowed)
    if near is not None:
        return f"did you mean {quoted(near)}?"
    if not allowed:
        return f"there are no {noun}"
    return f"{noun}: {listed(allowed)}"
