"""The one hierarchy of errors that users may meet.

Each error keeps its parts as attributes (what happened, where, why, what to do)
and renders them in `__str__`, so that no caller has to format messages and no
traceback is needed to understand one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """`text` without control characters but line ends and tabs.

    Names and reasons come from indexes and wheels: they must not reach a terminal as commands.
    """
    return _CONTROL.sub("?", text)


def show_all(stream: TextIO | None) -> None:
    """Have `stream` show what its encoding lacks as escapes, rather than end the program with it.

    Streams that pass on the bytes of file names as they are do so still.
    """
    if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
        stream.reconfigure(errors="backslashreplace")


class VenvstacksDagError(Exception):
    """Root of all errors that are reported to the user without a traceback.

    :param what: one sentence, what went wrong
    :param where: file, address or key path that the error is about
    :param layer: environment name of the layer, such as ``framework-http``
    :param why: the cause, often the message of an underlying error
    :param fix: what the user can do about it
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        layer: str | None = None,
        why: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.layer = layer
        self.why = why
        self.fix = fix

    def headed(self) -> str:
        """The message after the error's kind, as venvstacks shows errors: ``LockError: ...``."""
        return f"{type(self).__name__}: {self}"

    def __str__(self) -> str:
        head = f"{self.layer}: {self.what}" if self.layer else self.what
        parts = (("where", self.where), ("why", self.why), ("fix", self.fix))
        lines = [f"  {label}: {text}" for label, text in parts if text]
        return printable("\n".join([head, *lines]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecProblem:
    """One mistake in a stack specification.

    ``key`` is the path to the value, such as ``frameworks[1].requirements[0]``;
    ``line`` is 1-based where it could be told.
    """

    message: str
    key: str | None = None
    layer: str | None = None
    line: int | None = None
    fix: str | None = None

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                f"line {self.line}" if self.line else "",
                f"layer {self.layer}" if self.layer else "",
                self.key or "",
            )
            if part
        )
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} ({self.fix})" if self.fix else text


# More would only scroll the first ones off the screen; `SpecError.problems` has all.
_SHOWN_PROBLEMS = 100


class SpecError(VenvstacksDagError):
    """A stack specification cannot be used; holds every problem found, not just the first."""

    def __init__(self, path: str, problems: Sequence[SpecProblem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            f"{path}: {count} mistake{'' if count == 1 else 's'} in the stack specification",
            where=path,
        )

    def __str__(self) -> str:
        lines = [self.what, *(f"  - {problem}" for problem in self.problems[:_SHOWN_PROBLEMS])]
        if (more := len(self.problems) - _SHOWN_PROBLEMS) > 0:
            lines.append(f"  and {more} more")
        return printable("\n".join(lines))


class UnknownLayer(VenvstacksDagError):
    """A layer was asked for that the stack does not have."""


class SelectionError(VenvstacksDagError):
    """What was asked of the layers of a stack contradicts itself."""


class UnknownPackage(VenvstacksDagError):
    """A package was asked for that no layer of the stack has."""


class NetworkError(VenvstacksDagError):
    """A server could not be reached, or answered with something that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing that is needed and not in the store. ``layer`` is told where it is known."""

    what: str
    layer: str | None = None


class MissingOffline(VenvstacksDagError):
    """The network is not to be used, and the store lacks something; names all that is known."""

    def __init__(self, missing: Sequence[Missing], *, fix: str) -> None:
        self.missing = tuple(dict.fromkeys(missing))
        count = len(self.missing)
        super().__init__(
            f"the network is not to be used, and the store lacks {count} "
            f"thing{'' if count == 1 else 's'}",
            fix=fix,
        )

    def __str__(self) -> str:
        lines = [f"{each.layer}: {each.what}" if each.layer else each.what for each in self.missing]
        what, fix = self.what, f"  fix: {self.fix}"
        return printable("\n".join([what, *(f"  - {line}" for line in lines), fix]))


class IndexFault(NetworkError):
    """A package index failed in another way than saying that it has no such project."""


class PackageNotFound(VenvstacksDagError):
    """No index that may be asked has the project, or no wheel of it fits."""


class ResolutionFailed(VenvstacksDagError):
    """The requirements of a layer cannot be met together with the pins below it."""


class LockError(VenvstacksDagError):
    """A lock file is missing, unreadable, or does not hold what is needed of it."""


class DigestMismatch(VenvstacksDagError):
    """Bytes do not have the digest that the lock (or the provider's index) promises."""


class StoreError(VenvstacksDagError):
    """The user's store cannot be read or written, or holds something damaged."""


class WheelRefused(VenvstacksDagError):
    """A wheel is malformed or would do something that an installer must not let it do."""


class InstallConflict(VenvstacksDagError):
    """Two distributions (or a distribution and the layer itself) claim one path."""


class RuntimeUnavailable(VenvstacksDagError):
    """No provider can supply the base runtime that a layer asks for."""


class LinkError(VenvstacksDagError):
    """A layer cannot be linked to the layers below it, or its modules cannot be copied."""


class ArchiveError(VenvstacksDagError):
    """An archive cannot be written, read or trusted."""


class PublishError(VenvstacksDagError):
    """Manifests or published files cannot be written or do not fit together."""


class DiskError(VenvstacksDagError):
    """The operating system refused to read or write (no space, no permission, ...)."""


class DeployError(VenvstacksDagError):
    """Layers cannot be deployed, or what is deployed cannot be used; the old version stays."""


class NotBuilt(VenvstacksDagError):
    """What an operation starts from is not there, or is out of date, and was not to be made."""


class BuildFailed(VenvstacksDagError):
    """Tasks of a run have failed; each has told why."""


class BuildFolderBusy(VenvstacksDagError):
    """Another build holds the folder and did not finish in the time allowed."""


class InputChanged(VenvstacksDagError):
    """An input of a stage was edited while the stage was running on it."""
