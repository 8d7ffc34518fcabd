"""Archives for Windows, against the length of its paths."""

from __future__ import annotations

import pytest

from tests.support.reporting import RecordingReporter
from venvstacks_dag.tasks.stages.archive import _warn_of_long_paths

TOP = "app/Lib/site-packages/"


@pytest.mark.parametrize(
    ("name", "room"),
    [
        (TOP.ljust(195, "d"), None),
        (TOP.ljust(196, "d"), 63),
        # The compiled file lies deeper: __pycache__/xxx.cpython-312.pyc
        (TOP.ljust(167, "m") + ".py", None),
        (TOP.ljust(170, "m") + ".py", 61),
    ],
)
def test_the_longest_path_decides(name: str, room: int | None) -> None:
    reporter = RecordingReporter()
    _warn_of_long_paths([TOP + "short.py", name], reporter)
    told = [f"at most {room}, for {name}"] if room else []
    assert [warning.partition("folder of ")[2] for warning in reporter.warnings] == told
