from __future__ import annotations

from tests.support.inventories import make_inventory
from venvstacks_dag.drawing import dot, graph_json, mermaid

SPEC = {
    "runtimes": [{"name": "py", "platforms": ["linux_x86_64", "win_amd64"]}],
    "frameworks": [{"name": "a", "runtime": "py", "requirements": ["thing"]}],
    "applications": [{"name": "x", "frameworks": ["a"]}, {"name": "y", "runtime": "py"}],
}
LOCKS = {
    "py": ["base 1.0 1500"],
    "framework-a": ["thing 1.0 4000 ; sys_platform == 'linux'", "~base 1.0"],
    "app-y": [],
}
INVENTORY = make_inventory(SPEC, LOCKS)


def test_mermaid() -> None:
    assert mermaid(INVENTORY).splitlines()[:8] == [
        "flowchart TD",
        '  n0["py<br/>up to 1 package, 1.5 kB"]:::runtimes',
        '  n1["framework-a<br/>up to 1 package, 4.0 kB"]:::frameworks',
        '  n2["app-x<br/>not locked"]:::applications',
        '  n3["app-y<br/>no packages"]:::applications',
        "  n1 --> n0",
        "  n2 --> n1",
        "  n3 --> n0",
    ]


def test_dot() -> None:
    lines = dot(INVENTORY).splitlines()
    assert lines[0] == 'digraph "stack" {'
    assert '  "framework-a" -> "py";' in lines
    assert any(r'"app-x" [label="app-x\nnot locked", ' in line for line in lines)
    assert lines[-1] == "}"


def test_json() -> None:
    told = graph_json(INVENTORY)
    assert [layer["name"] for layer in told["layers"]] == ["py", "framework-a", "app-x", "app-y"]
    framework = told["layers"][1]
    windows = framework["platforms"].pop("win_amd64")
    linux = framework["platforms"].pop("linux_x86_64")
    assert framework == {
        "name": "framework-a",
        "kind": "frameworks",
        "depth": 2,
        "on": ["py"],
        "below": ["py"],
        "requirements": ["thing"],
        "exclude": [],
        "overrides": [],
        "locked": True,
        "problem": None,
        "platforms": {},
    }
    assert (windows["size"], windows["packages"]) == (0, [])
    assert windows["shared"] == [{"name": "base", "version": "1.0", "from": "py"}]
    assert linux["size"] == 4000
    [thing] = linux["packages"]
    assert thing["file"] == "thing-1.0-py3-none-any.whl"
    assert told["layers"][2]["platforms"] == {"linux_x86_64": None, "win_amd64": None}
    assert told["duplicates"] == []
