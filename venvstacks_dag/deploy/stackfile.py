"""The manifest of a stack as a deployer reads it: bounded, checked, in the order of finishing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches

from venvstacks_dag.digest import parse_json, pretty_json, sha256_bytes, sha256_json
from venvstacks_dag.errors import DeployError, PublishError, UnknownLayer
from venvstacks_dag.publish.model import LayerManifest
from venvstacks_dag.spec.kinds import LAYER_KINDS

MAX_MANIFEST = 64 << 20
_MAX_LAYERS = 10_000
MODULE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFile:
    """Layers in the order in which they are finished: each comes after those it needs.

    ``sha256`` is that of the file's bytes.
    """

    layers: tuple[LayerManifest, ...]
    sha256: str

    @property
    def apps(self) -> tuple[LayerManifest, ...]:
        """The applications."""
        return tuple(layer for layer in self.layers if layer.app is not None)

    def pretty(self) -> bytes:
        """The manifest of just these layers."""
        listed: dict[str, list[Mapping[str, object]]] = {kind: [] for kind in LAYER_KINDS}
        for layer in self.layers:
            listed[layer.category].append(layer.as_json())
        return pretty_json({"layers": listed})


def read_stack(data: bytes, where: str) -> StackFile:
    """What the bytes of a stack's manifest say; `where` is for messages.

    Raises `DeployError` where they are no manifest, or where its layers do not fit together.
    """
    try:
        if data.lstrip()[:1] == b"<":
            raise ValueError("it is a web page: look at the address in a browser")
        value = parse_json(data)
        _refuse_surrogates(value)
        layers = tuple(_layers(value))
        _check_set(layers)
    except (ValueError, PublishError) as error:
        why = str(error) if isinstance(error, ValueError) else f"{error.what}"
        detail = getattr(error, "why", None)
        raise DeployError(
            "the stack's manifest cannot be used",
            where=where,
            layer=getattr(error, "layer", None),
            why=f"{why}: {detail}" if detail else why,
        ) from error
    return StackFile(layers=layers, sha256=sha256_bytes(data))


def _refuse_surrogates(value: object) -> None:
    """Raise `ValueError` for text that no file and no terminal could be given later."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds a text that is no Unicode") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _layers(value: object) -> Iterable[LayerManifest]:
    listed = value.get("layers") if isinstance(value, dict) else None
    if not isinstance(listed, dict):
        raise ValueError('it does not hold {"layers": {...}}')
    count = 0
    for category in LAYER_KINDS:
        entries = listed.get(category, [])
        if not isinstance(entries, list):
            raise ValueError(f"{category} is not a list")
        for entry in entries:
            count += 1
            if count > _MAX_LAYERS:
                raise ValueError(f"it has more than {_MAX_LAYERS} layers")
            layer = LayerManifest.from_json(entry)
            if layer.category != category:
                raise PublishError(f"it is listed among the {category}", layer=layer.layer_name)
            yield layer


def _check_set(layers: Iterable[LayerManifest]) -> None:
    """Whether layers come once each, and after all that they need, which are of one Python."""
    names: set[str] = set()
    before: dict[str, LayerManifest] = {}
    for layer in layers:
        folded = layer.install_target.casefold()
        if layer.layer_name in names or folded in {name.casefold() for name in before}:
            raise PublishError("it is listed twice", layer=layer.layer_name)
        names.add(layer.layer_name)
        _locked_at(layer)
        if layer.app is not None and not MODULE.match(layer.app.launch_module):
            raise PublishError(
                "its launch module is no module's name",
                layer=layer.layer_name,
                why=json.dumps(layer.app.launch_module[:80]),
            )
        if layer.category == "runtimes":
            before[layer.install_target] = layer
            continue
        runtime = before.get(layer.runtime_layer)
        for needed in (layer.runtime_layer, *(layer.required_layers or ())):
            if needed not in before:
                raise PublishError(
                    f"it needs {needed!r}, which is not listed before it", layer=layer.layer_name
                )
        if runtime is None or runtime.category != "runtimes":
            raise PublishError("its runtime layer is no runtime", layer=layer.layer_name)
        if runtime.python_implementation != layer.python_implementation:
            raise PublishError(
                "it was built for another Python than its runtime holds: a mixed set",
                layer=layer.layer_name,
                why=f"{layer.python_implementation} on {runtime.python_implementation}",
            )
        before[layer.install_target] = layer


def choose(stack: StackFile, apps: Iterable[str]) -> StackFile:
    """The part of `stack` that `apps` need; all of it where no app is named.

    Apps are named with or without ``app-``. Raises `UnknownLayer`.
    """
    wanted = [find_app(stack, name) for name in apps]
    if not wanted:
        return stack
    needed = {app.install_target for app in wanted}
    for app in wanted:
        needed |= {app.runtime_layer, *(app.required_layers or ())}
    layers = tuple(layer for layer in stack.layers if layer.install_target in needed)
    return replace(stack, layers=layers)


def find_app(stack: StackFile, name: str) -> LayerManifest:
    """The application called `name`, with or without ``app-``. Raises `UnknownLayer`."""
    for app in stack.apps:
        if name in (app.layer_name, app.install_target) or f"app-{name}" == app.layer_name:
            return app
    raise unknown_app(name, [app.layer_name for app in stack.apps])


def unknown_app(name: str, known: Iterable[str]) -> UnknownLayer:
    """The error that tells that there is no application called `name`, and which may be meant."""
    names = list(known)
    bare = {known_name.removeprefix("app-"): known_name for known_name in names}
    near = get_close_matches(name.removeprefix("app-"), bare, n=1)
    fix = f"did you mean {bare[near[0]]}?" if near else None
    if fix is None and names:
        fix = f"there are {', '.join(names)}"
    return UnknownLayer(f"there is no application {name!r}", fix=fix)


def content_key(layer: LayerManifest) -> str:
    """What tells one content of a layer from another: its tree, or else its archive."""
    if layer.tree_digest is not None:
        return layer.tree_digest
    return "" if layer.archive is None else layer.archive.sha256


def set_digest(stack: StackFile) -> str:
    """The digest of all that a deployment of `stack` holds."""
    return sha256_json(
        [
            [
                layer.install_target,
                content_key(layer),
                layer.runtime_layer,
                None if layer.app is None else layer.app.launch_module,
            ]
            for layer in stack.layers
        ]
    )


def older_layers(deployed: StackFile, offered: StackFile) -> dict[str, str]:
    """Layers of `offered` that are older than the deployed ones of that name, and why.

    A layer's age is that of its lock: version, then time. The number of its archive says nothing:
    it is counted in an output folder, and a new one begins with 1.
    """
    known = {layer.layer_name: layer for layer in deployed.layers}
    found: dict[str, str] = {}
    for layer in offered.layers:
        old = known.get(layer.layer_name)
        if old is None or content_key(old) == content_key(layer):
            continue
        if _age(layer) < _age(old):
            found[layer.layer_name] = (
                f"{_shown_age(layer)} is offered, {_shown_age(old)} is deployed"
            )
    return found


def recounted_layers(deployed: StackFile, offered: StackFile) -> dict[str, str]:
    """Layers of `offered` that have a lower number than other content of the same lock, and which.

    That is what a new output folder makes, and also what an old one had: nothing tells.
    """
    known = {layer.layer_name: layer for layer in deployed.layers}
    found: dict[str, str] = {}
    for layer in offered.layers:
        old = known.get(layer.layer_name)
        if old is None or _age(layer) != _age(old) or content_key(layer) == content_key(old):
            continue
        number, before = _number(layer), _number(old)
        if number < before:
            found[layer.layer_name] = f"archive {number} replaces archive {before} of the same lock"
    return found


def _number(layer: LayerManifest) -> int:
    return layer.archive.build if layer.archive else 0


def _age(layer: LayerManifest) -> tuple[int, datetime]:
    return layer.lock_version, _locked_at(layer)


def _locked_at(layer: LayerManifest) -> datetime:
    try:
        time = datetime.fromisoformat(layer.locked_at)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise PublishError(
            "its locked_at is no time", layer=layer.layer_name, why=ascii(layer.locked_at[:80])
        ) from error


def _shown_age(layer: LayerManifest) -> str:
    return f"lock {layer.lock_version} of {layer.locked_at}"
