"""Bills of materials and provenance beside archives: what is missing or mixed up is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.deploying import Publisher
from venvstacks_dag.deploy.papers import paper_findings
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.stackfile import read_stack
from venvstacks_dag.deploy.verify import verify_folder
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.publish.bom import layer_bom, stack_bom
from venvstacks_dag.publish.materials import LayerMaterials, Licence, Material
from venvstacks_dag.publish.provenance import provenance

BILL = "sbom/app-one.cdx.json"
STACK = "venvstacks.cdx.json"
STATEMENT = "venvstacks.intoto.json"


def material(name: str) -> Material:
    return Material(
        kind="package",
        name=name,
        version="1.0",
        sha256=sha256_bytes(name.encode()),
        filename=f"{name}-1.0-py3-none-any.whl",
        licence=Licence(),
    )


def write_papers(artifacts: Path) -> Path:
    """Write what `publish` writes beside archives; the folder where all of it is."""
    folder = artifacts / "__venvstacks__"
    path = folder / "venvstacks.json"
    layers = read_stack(path.read_bytes(), str(path)).layers
    bills = []
    (folder / "sbom").mkdir()
    for layer in layers:
        assert layer.archive is not None
        parts = LayerMaterials(
            layer=layer.layer_name,
            install_target=layer.install_target,
            kind=layer.category,
            platform=layer.archive.platform,
            lock_version=layer.lock_version,
            locked_at=layer.locked_at,
            archive_sha256=layer.archive.sha256,
            below=layer.required_layers or (),
            materials=(material("shared"), material(f"of-{layer.layer_name}")),
        )
        bill = layer_bom(parts, default_index="https://index.example/simple")
        (folder / "sbom" / f"{layer.layer_name}.cdx.json").write_bytes(bill)
        bills.append(json.loads(bill))
    (folder / STACK).write_bytes(stack_bom(bills))
    statement = provenance(
        platform="linux_x86_64",
        manifests=[layer.as_json() for layer in layers],
        bills=bills,
        locks={"requirements/pylock.app-one.toml": "0" * 64},
    )
    (folder / STATEMENT).write_bytes(statement)
    return folder


def edited(name: str, change: Callable[[Any], object]) -> Callable[[Path], object]:
    def edit(folder: Path) -> None:
        value = json.loads((folder / name).read_bytes())
        change(value)
        (folder / name).write_text(json.dumps(value))

    return edit


def component(bill: Any) -> Any:
    return bill["metadata"]["component"]


FAULTS: list[tuple[str, str, str, Callable[[Path], object], str]] = [
    ("no bill", "app-one", BILL, lambda f: (f / BILL).unlink(), "missing"),
    ("no bill of the stack", "__venvstacks__", STACK, lambda f: (f / STACK).unlink(), "missing"),
    ("no provenance", "__venvstacks__", STATEMENT, lambda f: (f / STATEMENT).unlink(), "missing"),
    ("a bill that is none", "app-one", BILL, lambda f: (f / BILL).write_text("{"), "Expecting"),
    ("a list for a bill", "app-one", BILL, lambda f: (f / BILL).write_text("[]"), "no JSON object"),
    ("an empty bill", "app-one", BILL, lambda f: (f / BILL).write_text("{}"), "does not speak"),
    ("another layer's bill", "app-one", BILL,
     lambda f: (f / BILL).write_bytes((f / "sbom/app-two.cdx.json").read_bytes()), "not speak of"),
    ("a bill of another archive", "app-one", BILL,
     edited(BILL, lambda b: component(b)["hashes"][0].update(content="0" * 64)), "another archive"),
    ("an edited bill", "app-one", BILL,
     edited(BILL, lambda b: b["components"][0].update(version="9")), "edited"),
    ("an empty bill of the stack", "__venvstacks__", STACK,
     lambda f: (f / STACK).write_text("{}"), "does not speak"),
    ("a bill of the stack that lacks a part", "__venvstacks__", STACK,
     edited(STACK, lambda b: b.update(components=[
         c for c in b["components"] if c["name"] != "of-app-one"])), "lacks of-app-one"),
    ("an edited bill of the stack", "__venvstacks__", STACK,
     edited(STACK, lambda b: b["metadata"].update(timestamp="2020-01-01T00:00:00Z")), "edited"),
    ("empty provenance", "__venvstacks__", STATEMENT,
     lambda f: (f / STATEMENT).write_text('{"subject": null}'), "does not speak"),
    ("provenance of another archive", "__venvstacks__", STATEMENT,
     edited(STATEMENT, lambda s: s["subject"][0].update(digest={"sha256": "0" * 64})),
     "another app-one.tar"),
    ("provenance of an unknown archive", "__venvstacks__", STATEMENT,
     edited(STATEMENT, lambda s: s["subject"].append({"name": "x.tar"})), "manifest does not name"),
    ("provenance with another wheel", "__venvstacks__", STATEMENT,
     edited(STATEMENT, lambda s: s["predicate"]["buildDefinition"]["resolvedDependencies"][-1]
            .update(digest={"sha256": "0" * 64})), "bills of materials list"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "path", "change", "why"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_papers_speak_of_these_archives(
    tmp_path: Path, layer: str, path: str, change: Callable[[Path], object], why: str
) -> None:
    artifacts = Publisher(tmp_path / "artifacts").publish("1")
    folder = write_papers(artifacts)
    assert verify_folder(Place(artifacts)).findings == ()
    change(folder)
    [finding] = verify_folder(Place(artifacts)).findings
    assert (finding.layer, finding.path) == (layer, path)
    assert why in (finding.why or finding.kind)


def test_papers_of_an_earlier_build_are_found(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "artifacts")
    write_papers(publisher.publish("1"))
    publisher.publish("2", only=["app-one"])
    publisher.publish("1", only=["py", "framework-lower", "app-two"])
    found = {(f.layer, f.path) for f in verify_folder(Place(publisher.folder)).findings}
    assert found == {("app-one", BILL), ("__venvstacks__", STACK), ("__venvstacks__", STATEMENT)}


def test_a_stack_published_without_papers_needs_none(tmp_path: Path) -> None:
    artifacts = Publisher(tmp_path / "artifacts").publish("1")
    path = artifacts / "__venvstacks__" / "venvstacks.json"
    assert not list(paper_findings(artifacts, "", read_stack(path.read_bytes(), "")))
