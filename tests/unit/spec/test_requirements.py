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


@pytest.mark.parametrize(
    "text",
    [
        "x @ https://host/x-1.0-py3-none-any.whl",
        "x[extra] @ https://u:secret@host:8443/x.WHL?key=1#sha256="
        + "0" * 64
        + " ; os_name == 'nt'",
        "x @ file:///wheels/x-1.0-py3-none-any.whl",
    ],
)
def test_addresses_of_wheels_are_for_layers_only(text: str) -> None:
    assert requirement_fault(text, direct=True) is None
    assert requirement_fault(text) is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x @ git+https://host/x.whl", "points at a repository"),
        ("x @ https://host/x.zip", "points at a source archive"),
        ("x @ https://host/x.whl#sha512=00", "sha512 digests have 128 hex digits"),
        ("x @ https:///x.whl", "no address"),
        ("x @ file:x.whl", "relative path"),
        ("x @ file:///folder", "not one that can be used here"),
        ("https://host/x-1.0-py3-none-any.whl", "name @ address of a wheel"),
        ("x @ https://user:pass/word@host/x.whl", "cannot be read"),
    ],
)
def test_addresses_that_cannot_be_used(text: str, reason: str) -> None:
    fault = requirement_fault(text, direct=True)
    assert fault is not None
    assert reason in fault[0]
    if "word" in text:
        assert "pass" not in str(fault)


def test_package_names() -> None:
    assert package_name("My._Pkg") == "my-pkg"
    assert package_name("my pkg") is None
