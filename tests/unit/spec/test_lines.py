from __future__ import annotations

import tomllib

from venvstacks_dag.spec.lines import line_index

TEXT = '''\
title = "x"  # name = "not here"
[[frameworks]]
name = """
[[frameworks]]
name = 'still the string' """
requirements = [  # [ a comment
  "a]",
  'b"',   # c

  """c""""",
]
[frameworks.package_indexes]
torch = 'cpu'
"quo.ted" = "x"
[ tool . "uv" ]
index = [{name = "a", url = "u"}, { name = "b" }]
when = 1979-05-27 07:32:00Z
dotted . key = 1.5
[[frameworks]]
"n\\u0061me" = \'\'\'
second\'\'\'
[[frameworks.inner]]
x = true
[[frameworks.inner]]
x = [[1, 2], [
3]]
'''


def test_each_key_and_element_has_its_line() -> None:
    tomllib.loads(TEXT)
    assert line_index(TEXT) == {
        ("title",): 1,
        ("frameworks",): 2,
        ("frameworks", 0): 2,
        ("frameworks", 0, "name"): 3,
        ("frameworks", 0, "requirements"): 6,
        ("frameworks", 0, "requirements", 0): 7,
        ("frameworks", 0, "requirements", 1): 8,
        ("frameworks", 0, "requirements", 2): 10,
        ("frameworks", 0, "package_indexes"): 12,
        ("frameworks", 0, "package_indexes", "torch"): 13,
        ("frameworks", 0, "package_indexes", "quo.ted"): 14,
        ("tool",): 15,
        ("tool", "uv"): 15,
        ("tool", "uv", "index"): 16,
        ("tool", "uv", "index", 0): 16,
        ("tool", "uv", "index", 0, "name"): 16,
        ("tool", "uv", "index", 0, "url"): 16,
        ("tool", "uv", "index", 1): 16,
        ("tool", "uv", "index", 1, "name"): 16,
        ("tool", "uv", "when"): 17,
        ("tool", "uv", "dotted"): 18,
        ("tool", "uv", "dotted", "key"): 18,
        ("frameworks", 1): 19,
        ("frameworks", 1, "name"): 20,
        ("frameworks", 1, "inner"): 22,
        ("frameworks", 1, "inner", 0): 22,
        ("frameworks", 1, "inner", 0, "x"): 23,
        ("frameworks", 1, "inner", 1): 24,
        ("frameworks", 1, "inner", 1, "x"): 25,
        ("frameworks", 1, "inner", 1, "x", 0): 25,
        ("frameworks", 1, "inner", 1, "x", 0, 0): 25,
        ("frameworks", 1, "inner", 1, "x", 0, 1): 25,
        ("frameworks", 1, "inner", 1, "x", 1): 25,
        ("frameworks", 1, "inner", 1, "x", 1, 0): 26,
    }


def test_what_is_not_understood_ends_the_index() -> None:
    assert line_index("a = 1\nb = \nc = 3") == {("a",): 1, ("b",): 2}
    assert line_index("a = 1\n???\nc = 3") == {("a",): 1}


def test_absurd_nesting_ends_the_index() -> None:
    assert line_index("a = " + "[" * 100_000)[("a",)] == 1
