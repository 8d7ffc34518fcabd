"""From a file's bytes to a TOML document and the lines of its parts."""

from __future__ import annotations

import codecs
import re
import tomllib

from venvstacks_dag.spec.fields import Table
from venvstacks_dag.spec.findings import Findings
from venvstacks_dag.spec.lines import KEY_PART, KeyPath, line_index

# Far above any specification in use; what is larger was not meant to be read as one.
MAX_BYTES = 8 << 20
# tomllib's time and memory grow with the square of a dotted key's parts.
MAX_KEY_PARTS = 100
_LONG_KEY = re.compile(
    rf"(?:^|[{{,\[])[ \t]*(?:{KEY_PART}[ \t]*\.[ \t]*){{{MAX_KEY_PARTS}}}", re.MULTILINE
)
_LONG_NUMBER = re.compile(r"[0-9_]{4000}")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE_AS = "save the file as UTF-8 without a byte order mark"


class _NotReadable(Exception):
    """Why bytes are no TOML document, and in which line."""

    def __init__(self, message: str, *, line: int | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.fix = fix


def read_document(data: bytes, *, file_name: str = "") -> Table:
    """The top table of a TOML 1.0 file.

    Where the bytes are none, the table is empty and its findings hold the one problem why.
    """
    try:
        text = _decode(data)
        values = _load(text)
    except _NotReadable as error:
        lines: dict[KeyPath, int] = {} if error.line is None else {(): error.line}
        findings = Findings(lines, file_name=file_name)
        findings.problem((), error.message, fix=error.fix)
        return Table({}, (), findings)
    return Table(values, (), Findings(line_index(text), file_name=file_name))


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _NotReadable(f"the file is larger than {MAX_BYTES >> 20} MiB")
    if data.startswith(codecs.BOM_UTF8):
        # TOML 1.0 does not allow it, and other readers of the same file refuse it.
        raise _NotReadable("the file starts with a byte order mark", line=1, fix=_SAVE_AS)
    if data.startswith(_UTF16):
        raise _NotReadable("the file is UTF-16, not UTF-8", line=1, fix=_SAVE_AS)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"0x{data[error.start]:02x}"
        raise _NotReadable(f"the byte {byte} is not UTF-8", line=line, fix=_SAVE_AS) from None


def _load(text: str) -> dict[str, object]:
    if long_key := _LONG_KEY.search(text):
        line = _line(text, long_key.end())
        raise _NotReadable(f"a key has more than {MAX_KEY_PARTS} parts", line=line)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _NotReadable("arrays or tables are nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        if place is None:
            raise _NotReadable(f"this is not TOML: {message}") from None
        reason = message[: place.start()]
        if place[1] is None:
            last = text.rstrip().count("\n") + 1
            raise _NotReadable(f"this is not TOML: {reason}, at the end", line=last) from None
        where = f"column {place[2]}"
        raise _NotReadable(f"this is not TOML: {reason}, {where}", line=int(place[1])) from None
    except ValueError:  # what int() refuses to convert
        number = _LONG_NUMBER.search(text)
        digits = None if number is None else _line(text, number.start())
        raise _NotReadable("an integer has thousands of digits", line=digits) from None


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
