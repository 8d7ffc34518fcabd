"""What layers leave out on purpose and override, from the specification to the manifests."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import LocalIndex
from tests.support.stacks import Project, add_package
from venvstacks_dag.platforms import host_platform

_ABOVE_LEFT = {"resolve:framework-left", "resolve:framework-upper", "resolve:app-one"}


@pytest.fixture
def heavy(project: Project, index: LocalIndex, tmp_path: Path) -> Project:
    """The stack, with a framework that requires something heavy, and an upper one that does too."""
    add_package(index, tmp_path / "more", "big", requires=["bits"])
    add_package(index, tmp_path / "more", "bits")
    add_package(index, tmp_path / "more", "lefty", "2.0", requires=["base", "big==1.0"])
    add_package(index, tmp_path / "more", "upper", "2.0", requires=["lefty", "big"])
    return project


def options(project: Project, layer: str) -> dict[str, Any]:
    """The options of a layer, to be changed."""
    own = project.spec.setdefault("tool", {}).setdefault("venvstacks-dag", {})
    found: dict[str, Any] = own.setdefault("layers", {}).setdefault(layer, {})
    return found


def packages(project: Project, layer: str) -> dict[str, str]:
    """The packages of a lock: "own" or "shared"."""
    document = tomllib.loads(project.lock(layer).read_text("utf-8"))
    return {
        package["name"]: "shared" if "from_lower_layer" in package.get("marker", "") else "own"
        for package in document["packages"]
    }


def manifest(project: Project, layer: str) -> Mapping[str, Any]:
    place = project.folder / "_artifacts" / "__venvstacks__" / "env_metadata" / f"{layer}.json"
    found: Mapping[str, Any] = json.loads(place.read_text("utf-8"))
    return found


def metadata(project: Project, layer: str) -> dict[str, str]:
    place = project.lock(layer).with_name(f"pylock.{layer}.meta.json")
    found: dict[str, str] = json.loads(place.read_text("utf-8"))
    return found


def test_what_a_layer_leaves_out_is_in_no_layer_above(heavy: Project) -> None:
    options(heavy, "framework-left")["exclude"] = ["Big"]
    built = heavy.build()
    assert packages(heavy, "framework-left") == {"base": "shared", "lefty": "own"}
    assert packages(heavy, "framework-upper") == {
        "base": "shared",
        "lefty": "shared",
        "upper": "own",
    }
    assert not list(heavy.tree("framework-left").rglob("big*"))
    assert "warning" not in built.output
    assert manifest(heavy, "framework-left")["excluded_packages"] == ["big"]
    assert "excluded_packages" not in manifest(heavy, "framework-upper")
    whole = json.loads((heavy.folder / "_artifacts/__venvstacks__/venvstacks.json").read_text())
    [left, *others] = whole["layers"]["frameworks"]
    assert left == manifest(heavy, "framework-left")
    assert not any("excluded_packages" in other or "overrides" in other for other in others)
    told = (heavy.lock("framework-left").parent / "packages-framework-left.txt").read_text()
    assert told.endswith("# Left out on purpose\n# big\n")
    heavy.build()
    assert heavy.build().did_nothing


def test_a_changed_exclusion_is_locked_anew_for_the_layer_and_those_above(heavy: Project) -> None:
    heavy.build()
    assert packages(heavy, "framework-left")["big"] == "own"
    before = {layer: metadata(heavy, layer) for layer in ("framework-left", "framework-upper")}
    right = metadata(heavy, "framework-right")
    options(heavy, "framework-left")["exclude"] = ["big"]
    info = heavy.doit("info", "resolve:framework-left")
    assert "exclude[0] 'big' is new" in info.output
    assert "without big" in info.output
    locked = heavy.doit("resolve")
    assert locked.ran == _ABOVE_LEFT, locked.output
    after = {layer: metadata(heavy, layer) for layer in before}
    for layer, found in after.items():
        # venvstacks' own digests of what a lock was made from know of no exclusions.
        for name in ("lock_input_hash", "other_inputs_hash", "version_inputs_hash"):
            assert found[name] == before[layer][name]
        assert found["input_digest"] != before[layer]["input_digest"]
    assert metadata(heavy, "framework-right") == right
    assert "big" not in packages(heavy, "framework-upper")
    heavy.build()
    assert not list(heavy.tree("framework-left").rglob("big*"))
    options(heavy, "framework-left")["exclude"] = ["big", "bits"]
    told = heavy.doit("info", "resolve:framework-left")
    assert "exclude[1] 'bits' is new" in told.output
    above = heavy.doit("resolve")
    assert "nothing that the layer needs asks for bits" in above.output
    assert above.ran == _ABOVE_LEFT
    del options(heavy, "framework-left")["exclude"]
    assert (
        "exclude[0] 'big' is gone (and 1 more)"
        in heavy.doit("info", "resolve:framework-left").output
    )
    heavy.build()
    assert {n: m["requirements_hash"] for n, m in before.items()} == {
        layer: metadata(heavy, layer)["requirements_hash"] for layer in before
    }
    assert {layer: metadata(heavy, layer)["input_digest"] for layer in before} == {
        layer: found["input_digest"] for layer, found in before.items()
    }


def test_an_upper_layer_that_requires_it_gets_it(heavy: Project) -> None:
    options(heavy, "framework-left")["exclude"] = ["big"]
    heavy.layer("framework-upper")["requirements"].append("big")
    heavy.build()
    assert "big" not in packages(heavy, "framework-left")
    assert packages(heavy, "framework-upper")["big"] == "own"
    assert packages(heavy, "framework-upper")["bits"] == "own"


def test_overrides_replace_requirements_in_the_layer_and_for_its_packages_above(
    project: Project, index: LocalIndex, tmp_path: Path
) -> None:
    add_package(index, tmp_path / "more", "lefty", "2.0", requires=["old<2"])
    add_package(index, tmp_path / "more", "old", "1.0")
    add_package(index, tmp_path / "more", "old", "2.0")
    add_package(index, tmp_path / "more", "upper", "2.0", requires=["lefty", "old"])
    project.layer("framework-left")["requirements"] = ["lefty==2.0"]
    options(project, "framework-left")["overrides"] = ["Old >= 2"]
    project.build()
    left = tomllib.loads(project.lock("framework-left").read_text("utf-8"))["packages"]
    assert {package["name"]: package["version"] for package in left} == {
        "lefty": "2.0",
        "old": "2.0",
    }
    assert packages(project, "framework-upper")["old"] == "shared"
    assert manifest(project, "framework-left")["overrides"] == ["old>=2"]
    options(project, "framework-left")["overrides"] = ["old>=3"]
    refused = project.doit("resolve")
    assert refused.code == 1
    assert "the overrides of framework-left say old>=3" in refused.output


def test_locks_are_as_good_in_a_clone_as_where_they_were_made(
    project: Project, tmp_path: Path
) -> None:
    options(project, "py")["overrides"] = ["none-of-these==1.0"]
    project.build()
    # What the layer requires is new, and what it pins is not.
    project.layer("framework-left")["requirements"].append("lefty>=1")
    assert project.build().ran >= {"resolve:framework-left"}
    clone = project.clone(tmp_path / "clone")
    assert clone.doit("resolve").code == 0
    assert clone.locks() == project.locks()


def test_whose_overrides_hold_is_asked_again_where_layers_below_are_restacked(
    project: Project, tmp_path: Path
) -> None:
    options(project, "framework-right")["overrides"] = ["none-of-these==1.0"]
    project.build()
    # The import order of the application is as before, and its layers' pins are.
    project.layer("framework-upper")["frameworks"] = ["left", "right"]
    assert "resolve:app-one" in project.build().ran
    clone = project.clone(tmp_path / "clone")
    assert clone.doit("resolve").code == 0
    assert clone.locks() == project.locks()


def test_a_lock_of_venvstacks_is_outdated_where_it_knows_too_little(heavy: Project) -> None:
    heavy.build()
    for layer in ("framework-left", "framework-upper", "app-one", "framework-right"):
        place = heavy.lock(layer).with_name(f"pylock.{layer}.meta.json")
        values = json.loads(place.read_text("utf-8"))
        del values["input_digest"], values["python"]
        place.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    options(heavy, "framework-left")["exclude"] = ["big"]
    shown = heavy.command("show", "venvstacks.toml", "--json")
    state = json.loads(shown.output)
    valid = {layer["name"]: layer["has_valid_lock"] for layer in state["frameworks"]}
    assert valid == {"framework-left": False, "framework-right": True, "framework-upper": False}
    [left] = [layer for layer in state["frameworks"] if layer["name"] == "framework-left"]
    assert left["exclude"] == ["big"]
    assert "overrides" not in left
    locked = heavy.command("lock", "venvstacks.toml")
    assert locked.code == 0, locked.output
    assert "big" not in packages(heavy, "framework-left")


def test_why_tells_of_what_is_left_out(heavy: Project) -> None:
    options(heavy, "framework-left")["exclude"] = ["big"]
    before = heavy.command("why", "big")
    assert "left out of framework-left on purpose (its exclude says so)" in before.output
    assert heavy.doit("resolve").code == 0
    told = heavy.command("why", "Big")
    assert told.output == (
        "big\n"
        "  left out of framework-left on purpose (its exclude says so)\n"
        "    although lefty > big==1.0 asks for it\n"
        "  left out of framework-upper on purpose (framework-left excludes it)\n"
        "    although upper > big asks for it\n"
    )
    answer = json.loads(heavy.command("why", "big", "--json").output)
    assert answer["left_out"][0] == {
        "layer": "framework-left",
        "platforms": {
            host_platform(): {
                "by": "framework-left",
                "chains": [["lefty", "big==1.0"]],
                "unknown": [],
            }
        },
    }
    drawn = heavy.command("graph", "venvstacks.toml")
    assert "without big" in drawn.output


def test_mistakes_in_the_specification_are_told_with_their_lines(heavy: Project) -> None:
    options(heavy, "framework-left")["exclude"] = ["lefty"]
    options(heavy, "left")["exclude"] = ["big"]
    refused = heavy.doit("resolve")
    assert refused.code == 3
    assert "'lefty' is excluded, but the layer requires it itself" in refused.output
    assert "there is no layer 'left' (did you mean 'framework-left'?)" in refused.output
