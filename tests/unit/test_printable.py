"""What comes from indexes and wheels reaches no terminal as a command."""

from __future__ import annotations

import io

from venvstacks_dag.errors import VenvstacksDagError, printable
from venvstacks_dag.tasks.display import PlainDisplay


def test_control_characters_are_shown_as_question_marks() -> None:
    assert printable("a\x1b[31mred\x07\x9b\r\n\tb") == "a?[31mred???\n\tb"
    assert "\x1b" not in str(VenvstacksDagError("x", why="\x1b]0;title\x07"))


def test_displays_show_none_either() -> None:
    stream = io.StringIO()
    PlainDisplay(stream).line("yanked: \x1b[2J")
    assert stream.getvalue() == "yanked: ?[2J\n"
