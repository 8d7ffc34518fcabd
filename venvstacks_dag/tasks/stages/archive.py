"""archive: a linked layer becomes one reproducible file."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from venvstacks_dag import publish
from venvstacks_dag.digest import sha256_file
from venvstacks_dag.errors import ArchiveError, DiskError, PublishError
from venvstacks_dag.fs import disk_errors, remove_path, staging_folder
from venvstacks_dag.platforms.limits import ASSUMED_ROOT, windows_length, windows_room
from venvstacks_dag.reporting import Reporter
from venvstacks_dag.reporting.amounts import size_text
from venvstacks_dag.spec.packing import ArchiveFormat
from venvstacks_dag.tasks.context import BuildContext
from venvstacks_dag.tasks.plan import LayerPlan
from venvstacks_dag.tasks.stages.base import StageResult, facts_of
from venvstacks_dag.tasks.stages.link import install_target
from venvstacks_dag.tasks.stages.recover import forget_changed_tree
from venvstacks_dag.tasks.stages.trees import read_manifest
from venvstacks_dag.tasks.stamps import Parts, Stamp, write_stamp

if TYPE_CHECKING:
    from venvstacks_dag.archive import ArchiveEntry


class Archive:
    """The stage."""

    name = "archive"
    schema = 7

    def doc(self, layer: LayerPlan) -> str:
        """One line for `doit list`."""
        return f"pack {layer.name} into a reproducible archive"

    def parts(self, context: BuildContext, layer: LayerPlan) -> Parts:
        """What ships (not where it was built), how it is packed, and with which compressor."""
        packing = context.packing(layer)
        return {
            "tree": facts_of(context, "install", layer.name)["tree"],
            "links": facts_of(context, "link", layer.name)["shipped"],
            "install_target": install_target(context, layer),
            "format": packing.format,
            # However it is said: a profile is but a level.
            "level": packing.compression,
            "tagged": context.settings.tagged,
            "time": _mtime(context, layer),
            "compressor": compressor_name(packing.format),
        }

    def damage(self, context: BuildContext, layer: LayerPlan, stamp: Stamp) -> str | None:
        """Whether the archive is the stamped one; by its times first, by its bytes in doubt."""
        path = context.settings.output_dir / stamp.facts["archive_name"]
        try:
            status = path.stat()
        except OSError:
            return f"{path.name} is missing"
        if status.st_size != stamp.facts["archive_size"]:
            return f"{path.name} was changed"
        if status.st_mtime_ns == stamp.outputs["mtime_ns"]:
            return None
        if sha256_file(path) != stamp.facts["archive_sha256"]:
            return f"{path.name} was changed"
        # Copied or restored from a cache: the bytes are right, so only the stamp is renewed.
        if context.run.flags.looking:
            return None
        fresh = replace(stamp, outputs={"mtime_ns": status.st_mtime_ns})
        write_stamp(context.settings.stamp(self.name, layer.name), fresh)
        return None

    def run(self, context: BuildContext, layer: LayerPlan, reporter: Reporter) -> StageResult:
        """Write the archive; every file's bytes are checked against the manifests on the way."""
        from venvstacks_dag.archive import tree_digest
        from venvstacks_dag.archive.compression import is_light, threads_of_use
        from venvstacks_dag.archive.write import write_archive

        settings, packing = context.settings, context.packing(layer)
        entries = shipped_entries(context, layer)
        # For the manifest: here, where other layers are being compressed at the same time.
        digest = tree_digest(entries)
        wanted = threads_of_use(
            packing.format, packing.compression, sum(entry.size for entry in entries)
        )
        light = is_light(packing.format, packing.compression)
        if context.target(layer).is_windows:
            _warn_of_long_paths([entry.name for entry in entries], reporter)
        # The name may hold the number of the build, and that depends on the bytes.
        with (
            staging_folder(settings.output_dir, layer.name) as staging,
            context.run.threads.take(wanted, light=light) as threads,
        ):
            written = staging / f"archive.{packing.format}"
            try:
                receipt = write_archive(
                    entries,
                    settings.tree(layer.name),
                    written,
                    format=packing.format,
                    profile=packing.profile,
                    level=packing.level,
                    threads=threads,
                    mtime=_mtime(context, layer),
                    reporter=reporter,
                )
            except ArchiveError as error:
                if forget_changed_tree(context, layer, reporter):
                    error.fix = "build again: the layer will be installed anew"
                raise
            build = build_number(context, layer, receipt.sha256, reporter)
            name = archive_name(context, layer, build)
            with disk_errors("write", settings.output_dir / name):
                written.replace(settings.output_dir / name)
        return StageResult(
            facts={
                "archive_build": build,
                "archive_name": name,
                "archive_size": receipt.size,
                "archive_sha256": receipt.sha256,
                "tree_digest": digest,
            },
            outputs={"mtime_ns": (settings.output_dir / name).stat().st_mtime_ns},
            summary=f"{size_text(receipt.unpacked_size)} -> {size_text(receipt.size)}",
        )

    def clean(self, context: BuildContext, layer: LayerPlan) -> None:
        """Remove the layer's archives, also those of earlier versions and of forgotten runs."""
        from venvstacks_dag.publish.prune import archive_names

        settings = context.settings
        folder, tagged = settings.output_dir, settings.tagged
        if not tagged and is_of_other(context, published(context, layer)):
            return
        ours = archive_names([layer.name], [settings.platform], plain=not tagged, tagged=tagged)
        # Not a pattern of the file system's: `@*` would take those of other platforms, too.
        with disk_errors("look into", folder):
            paths = list(folder.iterdir()) if folder.is_dir() else []
        for path in paths:
            if ours.fullmatch(path.name) and not path.is_dir():
                remove_path(path)


def is_of_other(context: BuildContext, manifest: publish.LayerManifest | None) -> bool:
    """Whether outputs are, by their manifest, another platform's: no task of this one made them.

    Names without a platform are those of the machine that builds, and machines may share a folder.
    """
    archive = None if manifest is None else manifest.archive
    return archive is not None and archive.platform != context.settings.platform


def published(context: BuildContext, layer: LayerPlan) -> publish.LayerManifest | None:
    """The layer's manifest as it lies there; None where there is none that can be read."""
    settings = context.settings
    try:
        return publish.read_layer_manifest(settings.output_dir, layer.name, platform=settings.tag)
    except (DiskError, PublishError):
        return None


def shipped_entries(context: BuildContext, layer: LayerPlan) -> tuple[ArchiveEntry, ...]:
    """What of a layer's tree is shipped, under the layer's deployed name."""
    from venvstacks_dag import archive

    manifests = [read_manifest(context, stage, layer.name) for stage in ("install", "link")]
    top = install_target(context, layer)
    return archive.plan_archive(manifests, top, target=context.target(layer))


def shipped_digest(context: BuildContext, layer: LayerPlan) -> str:
    """The digest of what of a layer's tree is shipped, as its manifest says it."""
    from venvstacks_dag import archive

    return archive.tree_digest(shipped_entries(context, layer))


def build_number(
    context: BuildContext, layer: LayerPlan, sha256: str | None, reporter: Reporter
) -> int:
    """The number of the build that has these bytes; of one with other bytes for None."""
    settings = context.settings
    try:
        previous = publish.read_layer_manifest(
            settings.output_dir, layer.name, platform=settings.tag
        )
    except PublishError as error:
        # It is about to be replaced; only the count of builds is lost with it.
        reporter.warn(f"{error.what}, so its archives are counted from 1 again: {error.why}")
        previous = None
    version: int = facts_of(context, "resolve", layer.name)["lock"]["lock_version"]
    return publish.next_archive_build(previous, lock_version=version, archive_sha256=sha256)


def archive_name(context: BuildContext, layer: LayerPlan, build: int) -> str:
    """The file name of a layer's archive."""
    return publish.archive_file_name(
        install_target(context, layer),
        context.settings.platform,
        build,
        context.packing(layer).format,
        tagged=context.settings.tagged,
    )


def _warn_of_long_paths(names: Iterable[str], reporter: Reporter) -> None:
    """Say where an archive can be unpacked on Windows, if not in any folder of usual length."""
    longest = max(names, key=windows_length)
    room = windows_room(windows_length(longest))
    if room < ASSUMED_ROOT:
        reporter.warn(
            "Windows takes paths of 260 characters: the layer can only be unpacked into a folder "
            f"of at most {room}, for {longest}"
        )


def archive_toolchain(context: BuildContext, layer: LayerPlan) -> dict[str, str | int]:
    """What decides on an archive's bytes beside its content.

    The schemas stand for this tool's part in it, rather than a version: archives are the same
    from all versions in which the schemas are.
    """
    from venvstacks_dag.tasks.stages import STAGES

    packing = context.packing(layer)
    schemas = {f"{name}_schema": STAGES[name].schema for name in ("install", "link", "archive")}
    return {
        "compressor": compressor_name(packing.format),
        "format": packing.format,
        "level": packing.compression,
        **schemas,
    }


# Each layer asks, and to read a package's metadata takes longer than to look at a layer's stamp.
@cache
def compressor_name(archive_format: ArchiveFormat) -> str:
    """The compressing library with its version: the same level of another gives other bytes."""
    if archive_format == "tar.zst":
        # The package's version fixes the library's, and can be asked for without loading it.
        return f"zstandard {version('zstandard')}"
    if archive_format == "tar.gz":
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION}"
    if archive_format == "zip":
        # Told apart from archives of earlier versions, which had one level whatever was asked for.
        return f"zlib {zlib.ZLIB_RUNTIME_VERSION} (deflate)"
    # The library behind `lzma` does not say its version; its output has long been stable.
    return "lzma" if archive_format == "tar.xz" else "none"


def _mtime(context: BuildContext, layer: LayerPlan) -> int:
    from venvstacks_dag.archive import archive_mtime

    latest: str | None = facts_of(context, "resolve", layer.name)["latest_upload"]
    return archive_mtime(context.environ, datetime.fromisoformat(latest) if latest else None)
