"""Repairing a deployment: a new version with the same layers takes the place of the damaged one."""

from __future__ import annotations

from venvstacks_dag.deploy.deployment import Deployed, DeployOptions, Say, deploy
from venvstacks_dag.deploy.offer import fetch_stack
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import Source
from venvstacks_dag.deploy.stackfile import choose, set_digest
from venvstacks_dag.errors import DeployError


def repair(place: Place, source: Source, say: Say) -> Deployed:
    """Make the current version anew, from `source` where its own files are damaged.

    Nothing is mended in place: programs that run go on with what they have. Raises `DeployError`
    where `source` holds other layers, and as `deployment.deploy`.
    """
    version = place.current()
    record = place.record(version) if version is not None else None
    if version is None or record is None:
        raise DeployError("nothing is deployed here", where=str(place.folder))
    deployed = place.stack(version)
    apps = tuple(app.layer_name for app in deployed.apps)
    offered = fetch_stack(source, None)
    # All layers were asked for, or just those that the applications need.
    fitting = [
        chosen
        for chosen in ((), apps)
        if set_digest(choose(offered, chosen)) == set_digest(deployed)
    ]
    if not fitting:
        raise DeployError(
            "the archives are not those of the deployed version",
            where=source.shown,
            fix="repair from those that were deployed, or deploy these",
        )
    options = DeployOptions(
        apps=fitting[0],
        compile_modules=record.compiled,
        relative=record.relative,
        afresh=True,
    )
    return deploy(source, place, options, say)
