"""Repairing a deployment: a new version with the same layers takes the place of the damaged one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from venvstacks_dag.deploy.deployment import Deployed, DeployOptions, Say, content_digest, deploy
from venvstacks_dag.deploy.offer import fetch_stack
from venvstacks_dag.deploy.place import Place
from venvstacks_dag.deploy.source import Source
from venvstacks_dag.deploy.stackfile import choose
from venvstacks_dag.errors import DeployError, UnknownLayer


def repair(place: Place, source: Source, say: Say) -> Deployed:
    """Make the current version anew, from `source` where its own files are damaged.

    Nothing is mended in place: programs that run go on with what they have. Raises `DeployError`
    where `source` holds other layers, and as `deployment.deploy`.
    """
    version = place.current()
    record = place.record(version) if version is not None else None
    if version is None or record is None:
        raise DeployError("nothing is deployed here", where=str(place.folder))
    offered = fetch_stack(source, None)
    settings = DeployOptions(
        compile_modules=record.compiled,
        relative=record.relative,
        afresh=True,
        # They are the same layers; the deployed manifest may be what is damaged.
        allow_older=True,
        manifest_sha256=offered.sha256,
    )
    for apps in (tuple(record.apps), ()):
        options = replace(settings, apps=apps)
        with suppress(UnknownLayer):
            if content_digest(choose(offered, apps), options) == record.content:
                return deploy(source, place, options, say)
    raise DeployError(
        "the archives are not those of the deployed version",
        where=source.shown,
        fix="repair from those that were deployed, or deploy these",
    )
