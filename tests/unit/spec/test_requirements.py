from __future__ import annotations

import pytest

from venvstacks_dag.spec.requirements import package_name, requirement_fault

DEEP = "(" * 5000 + "python_version > '3'" + ")" * 5000


@pytest.mark.parametrize(
    "text",
    [
        "numpy",
        " Pillow[extra1,extra-2] >=1, !=1.5 ; python_version < '4' and extra == 'x' ",
        "a.b_c~=1.0",
        "x===weird",
    ],
)
def test_good_requirements(text: str) -> None:
    assert requirement_fault(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"numpy ; {DEEP}", "nested"),
        ("x @ git+ssh://git@host/x.git", "points at a repository"),
        ("ssh://git@host/x.git", "points at a repository"),
        ("x @ https://host/x.TAR.GZ?download=1", "points at a source archive"),
        ("x @ https://host/x.whl", "is a direct reference"),
        ("../x", "is a direct reference"),
        (r".\\x", "is a direct reference"),
        ("wheels/x-1.0-py3-none-any.whl", "is a direct reference"),
        ("x y", "is not a requirement"),
    ],
)
def test_faults(text: str, reason: str) -> None:
    fault = requirement_fault(text)
    assert fault is not None
    assert reason in fault[0]


@pytest.mark.parametrize("text", ["x @ https://u:secret@host/x.whl", "https://u:secret@host/x y"])
def test_no_password_is_shown(text: str) -> None:
    assert "secret" not in str(requirement_fault(text))


def test_package_names() -> None:
    assert package_name("My._Pkg") == "my-pkg"
    assert package_name("my pkg") is None
