"""What a source offers: whether it may be deployed here, and in place of what is there."""

from __future__ import annotations

from venvstacks_dag.archive.decompression import unreadable
from venvstacks_dag.archive.members import shown
from venvstacks_dag.archive.model import format_of
from venvstacks_dag.deploy.own import LAUNCHERS, META
from venvstacks_dag.deploy.source import Source, stack_names
from venvstacks_dag.deploy.stackfile import StackFile, older_layers, read_stack
from venvstacks_dag.errors import DeployError
from venvstacks_dag.platforms.target import host_platform


def fetch_stack(source: Source, expected: str | None) -> StackFile:
    """The manifest of `source`; with `expected`, only the one of that SHA-256.

    Raises `DeployError`.
    """
    for name in stack_names(host_platform()):
        data = source.manifest(name)
        if data is not None:
            stack = read_stack(data, f"{source.shown}/{META}/{name}")
            if expected is not None and stack.sha256 != expected:
                raise DeployError(
                    "the manifest is not the one that was asked for",
                    where=f"{source.shown}/{META}/{name}",
                    why=f"its sha256 is {stack.sha256}",
                )
            return stack
    raise DeployError(
        "there is no manifest of a stack",
        where=f"{source.shown}/{META}",
        fix="name the folder that `venvstacks-dag publish` wrote, such as _artifacts",
    )


def check_deployable(stack: StackFile, where: str) -> None:
    """Whether all layers have archives that can be read here, for this platform.

    `where` is for messages. Raises `DeployError`.
    """
    here = host_platform()
    for layer in stack.layers:
        if layer.install_target.casefold() in (LAUNCHERS, META):
            raise DeployError(
                "the layer cannot be deployed: its name is taken",
                where=where,
                layer=layer.layer_name,
            )
        if layer.archive is None:
            raise DeployError(
                "the manifest names no archive: it is that of an export",
                where=where,
                layer=layer.layer_name,
                fix="deploy the folder that `venvstacks-dag publish` wrote, such as _artifacts",
            )
        if layer.archive.platform != here:
            raise DeployError(
                "the layer is for another platform",
                where=where,
                layer=layer.layer_name,
                why=f"it is for {shown(layer.archive.platform)}, this is {here}",
                fix=f"publish for this one: `venvstacks-dag publish --target {here}`",
            )
        problem = unreadable(format_of(layer.archive.name))
        if problem is not None:
            raise DeployError(
                "the archive cannot be read here", where=layer.archive.name, why=problem
            )
    if not stack.layers:
        raise DeployError("the manifest has no layers", where=where)


def refuse_older(deployed: StackFile, offered: StackFile) -> None:
    """Raise `DeployError` where layers are offered that are older than the deployed ones."""
    older = older_layers(deployed, offered)
    if not older:
        return
    same = {layer.layer_name for layer in offered.layers} - older.keys()
    what = "some layers are older than the deployed ones" if same else "the stack is older"
    raise DeployError(
        f"{what}: it may be a mixed or an outdated set",
        why="; ".join(f"{name}: {why}" for name, why in sorted(older.items())),
        fix="deploy with --allow-older if that is meant, or go back with --rollback",
    )
