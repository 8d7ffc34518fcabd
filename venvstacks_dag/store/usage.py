"""When something of the store was last used: the time of its file, which is set at use.

Access times would say it too, but most systems do not keep them.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

from venvstacks_dag.errors import StoreError

# So that what is used all the time is not written to all the time.
GRAIN_SECONDS = 3600
_AGE = re.compile(r"(\d{1,6})([hdw])\Z")
_UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}


def note_use(path: str | Path) -> None:
    """Have `path` count as used now. Where its time cannot be set, nothing can be cleaned."""
    now = time.time()
    with suppress(OSError):
        if now - os.stat(path).st_mtime > GRAIN_SECONDS:  # noqa: PTH116 - hundreds at a time
            os.utime(path, (now, now))


def parse_age(text: str) -> int:
    """Seconds that ``12h``, ``30d`` or ``2w`` stand for. Raises `StoreError` for other texts."""
    match = _AGE.match(text.strip())
    if match is None:
        raise StoreError(
            f"{text[:40]!r} is no age", fix="write a number of hours, days or weeks: 12h, 30d, 2w"
        )
    return int(match[1]) * _UNITS[match[2]]
