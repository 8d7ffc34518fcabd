"""Short ways to say what a layer has and what lies below it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.support.elf import make_elf
from venvstacks_dag.digest import sha256_bytes
from venvstacks_dag.fs import TreeEntry, TreeManifest
from venvstacks_dag.link import LinkRequest, LowerLink, Module, ModuleFile, SourceFile
from venvstacks_dag.platforms import LayerLayout, PythonVersion, TargetPlatform

PYTHON = PythonVersion(major=3, minor=11, micro=7)
SITE = "lib/python3.11/site-packages"
EMPTY = TreeManifest(entries=())
ELF = make_elf(soname="liba.so.1")


def layout(*, runtime: bool = False, platform: str = "linux_x86_64") -> LayerLayout:
    target = TargetPlatform(name=platform)
    return LayerLayout(target=target, python=PYTHON, is_runtime=runtime)


def installed(*paths: str, package: str = "some", content: bytes = b"") -> TreeManifest:
    return TreeManifest.of(file_entry(path, package=package, content=content) for path in paths)


def file_entry(path: str, *, package: str = "some", content: bytes = b"") -> TreeEntry:
    return TreeEntry(path=path, size=len(content), sha256=sha256_bytes(content), package=package)


def lower(
    name: str,
    *,
    target: str | None = None,
    runtime: bool = False,
    libraries: tuple[str, ...] = (),
    platform: str = "linux_x86_64",
    manifest: TreeManifest = EMPTY,
) -> LowerLink:
    its = layout(runtime=runtime, platform=platform)
    links = TreeManifest.of(
        TreeEntry(path=f"{its.dynlib_dir}/{library}", kind="link", target="../x")
        for library in libraries
    )
    return LowerLink(
        env_name=name,
        install_target=target or name,
        layout=its,
        installed=manifest,
        linked=links,
    )


RUNTIME = lower("py", runtime=True)


def runtime_request() -> LinkRequest:
    return LinkRequest(
        layout=layout(runtime=True), env_name="py", install_target="py", installed=EMPTY
    )


def app_request(
    *below: LowerLink,
    manifest: TreeManifest = EMPTY,
    platform: str = "linux_x86_64",
    target: str = "app-x",
    dynlib_exclude: tuple[str, ...] = (),
) -> LinkRequest:
    lowest = replace(RUNTIME, layout=layout(runtime=True, platform=platform))
    return LinkRequest(
        layout=layout(platform=platform),
        env_name="app-x",
        install_target=target,
        below=below or (lowest,),
        installed=manifest,
        dynlib_exclude=dynlib_exclude,
    )


def module(name: str, *files: str, folder: bool = False, executable: bool = False) -> Module:
    top = name if folder else f"{name}.py"
    relatives = [f"{top}/{file}" for file in files] if folder else [top]
    return Module(
        name=name,
        path=Path("/src") / top,
        is_folder=folder,
        files=tuple(
            ModuleFile(
                source=SourceFile(
                    relative=relative, path=Path("/src") / relative, executable=executable
                ),
                size=1,
                sha256=sha256_bytes(b"x"),
            )
            for relative in relatives
        ),
    )
