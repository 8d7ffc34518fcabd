"""CPU torch in a framework layer, numpy in the runtime: an application above trains a small net.

Torch is taken from the folders of wheels that pip is set up with on this machine; where they
have none for this Python, the test is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stacks import HOST, Project
from venvstacks_dag.platforms import host_platform

pytestmark = pytest.mark.network

TRAIN = """\
import json, sys
import numpy, torch

torch.manual_seed(1)
x = torch.from_numpy(numpy.linspace(-1, 1, 64, dtype="float32").reshape(-1, 1))
y = 3 * x + 1
net = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
losses = []
for _ in range(200):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(json.dumps([losses[0], losses[-1], torch.__file__, numpy.__file__, sys.prefix]))
"""


def find_links() -> list[Path]:
    """The folders of wheels that pip looks into."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True
    ).stdout
    found = os.environ.get("PIP_FIND_LINKS", "").split()
    for line in asked.splitlines():
        name, _, value = line.partition("=")
        if name.endswith(".find-links"):
            found += value.strip("'\"").split()
    return [Path(folder) for folder in dict.fromkeys(found) if Path(folder).is_dir()]


def torch_wheel() -> Path | None:
    python = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    arch = host_platform().partition("_")[2]
    for folder in find_links():
        for wheel in sorted(folder.glob(f"torch-*+cpu-{python}-*_{arch}.whl"), reverse=True):
            return wheel
    return None


@pytest.mark.skipif(sys.platform != "linux", reason="runs a layer of cpython@host on Linux")
def test_cpu_torch_trains_a_net_across_three_layers(tmp_path: Path) -> None:
    wheel = torch_wheel()
    if wheel is None:
        pytest.skip("pip knows no folder with a CPU torch for this Python")
    project = Project(tmp_path / "project", index="", cache=tmp_path / "store")
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        del project.environ[name]
    project.environ.update(
        (name, value) for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))
    )
    project.write("train.py", TRAIN)
    project.spec = {
        "runtimes": [{"name": "py", "python_implementation": HOST, "requirements": ["numpy"]}],
        "frameworks": [
            {
                "name": "torch",
                "runtime": "py",
                "requirements": [f"torch=={wheel.name.split('-')[1]}"],
            }
        ],
        "applications": [
            {
                "name": "train",
                "frameworks": ["torch"],
                "requirements": [],
                "launch_module": "train.py",
            }
        ],
        "tool": {"uv": {"find-links": [str(wheel.parent)]}},
    }
    built = project.command("build", "--lock-if-needed", "venvstacks.toml")
    assert built.code == 0, built.output
    first, last, torch, numpy, prefix = json.loads(project.run("app-train", "-P", "-m", "train"))
    assert last < first / 50
    assert torch.startswith(str(project.tree("framework-torch")))
    assert numpy.startswith(str(project.tree("py")))
    assert prefix == str(project.tree("app-train"))
    # Torch's own libraries are found by rpath, and offered to what is built on them.
    offered = {
        path.name for path in (project.tree("framework-torch") / "share/venv/dynlib").iterdir()
    }
    assert {"libtorch.so", "libtorch_cpu.so", "libc10.so"} <= offered
    doctor = project.command("doctor", "--json", "venvstacks.toml")
    assert doctor.code == 0, doctor.output
    layers = {layer["layer"]: layer for layer in json.loads(doctor.output)["layers"]}
    kinds = {
        need["found"]
        for binary in layers["framework-torch"]["binaries"]
        for need in binary["needs"]
    }
    assert kinds == {"rpath", "system"}
