"""What is asked: a request, parsed once, and its resolution on one target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement
from packaging.utils import NormalizedName
from packaging.version import Version

from venvstacks_dag.errors import ResolutionFailed
from venvstacks_dag.index.model import IndexClient, ProjectPage, WheelLink
from venvstacks_dag.platforms import TargetPlatform, marker_environment
from venvstacks_dag.platforms.tags import tag_priorities
from venvstacks_dag.resolve.amendments import Amendments, LayerWords, contradictions
from venvstacks_dag.resolve.books import GroupedPage, MetadataBook, PageBook
from venvstacks_dag.resolve.candidates import Project
from venvstacks_dag.resolve.lower import LowerPin
from venvstacks_dag.resolve.model import LockRequest, LowerLayer
from venvstacks_dag.resolve.requirements import MarkerScope, Parsed, parse
from venvstacks_dag.resolve.rules import TargetRules, direct_specifiers
from venvstacks_dag.standards import UNANSWERABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedRequest:
    """A request's requirement strings, parsed once for all targets.

    ``overrides`` are those of the stack; ``words`` has what the layer itself says, ``lower`` what
    those below say, where any of them says more than what it requires.
    """

    requirements: tuple[Parsed, ...]
    overrides: tuple[Parsed, ...]
    constraints: tuple[Parsed, ...]
    words: LayerWords
    lower: tuple[LayerWords, ...]

    @classmethod
    def of(cls, request: LockRequest, index: IndexClient) -> ParsedRequest:
        """Parse a request, and fetch the wheels whose addresses are in it.

        Raises `ResolutionFailed` on a string that cannot be used, and what `IndexClient.direct`
        raises.
        """
        requirements = _parse_all(request, request.requirements, "requirement")
        return cls(
            requirements=tuple(
                item.bound_to(index.direct(item.name, item.requirement.url))
                if item.requirement.url
                else item
                for item in requirements
            ),
            overrides=_parse_all(request, request.overrides, "override"),
            constraints=_parse_all(request, request.constraints, "constraint"),
            words=LayerWords(
                env_name=request.env_name,
                requirements=requirements,
                exclude=_parse_all(request, request.exclude, "excluded package"),
                overrides=_parse_all(request, request.layer_overrides, "override"),
            ),
            lower=tuple(map(_lower_words, request.lower)) if request.is_amended else (),
        )


def _lower_words(layer: LowerLayer) -> LayerWords:
    """What a layer below says; it has been locked with that, so nothing is wrong with it."""
    return LayerWords(
        env_name=layer.env_name,
        below=layer.below,
        requirements=tuple(map(parse, layer.requirements)),
        exclude=tuple(map(parse, layer.exclude)),
        overrides=tuple(map(parse, layer.overrides)),
    )


def _parse_all(request: LockRequest, texts: Iterable[str], kind: str) -> tuple[Parsed, ...]:
    return tuple(_parse_one(request, text, kind) for text in texts)


def _parse_one(request: LockRequest, text: str, kind: str) -> Parsed:
    """Parse a requirement and try its marker, so that nothing later can stumble over it."""
    try:
        parsed = parse(text)
        for target in request.targets:
            MarkerScope(marker_environment(target, request.python)).holds(parsed)
    except (InvalidRequirement, *UNANSWERABLE) as error:
        raise ResolutionFailed(
            f"the {kind} {text!r} cannot be used",
            layer=request.env_name,
            why=str(error).splitlines()[0],
        ) from error
    if parsed.requirement.url and kind != "requirement":
        raise ResolutionFailed(
            f"the {kind} on {parsed.name} is a direct address",
            layer=request.env_name,
            fix=f"name the version of {parsed.name}; layers' own requirements may have addresses",
        )
    return parsed


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetProblem:
    """One target's resolution as it is put to both searches.

    ``order`` is the place of each project among the user's requirements.
    ``preferred`` are versions to try first, the best first. ``direct`` are the wheels that the
    user's own requirements point at: such a project comes from nowhere else.
    """

    rules: TargetRules
    scope: MarkerScope
    amendments: Amendments
    constraints: Mapping[NormalizedName, tuple[Parsed, ...]]
    pins: Mapping[NormalizedName, tuple[LowerPin, ...]]
    preferred: Mapping[NormalizedName, tuple[Version, ...]]
    direct: Mapping[NormalizedName, tuple[WheelLink, ...]]
    order: Mapping[NormalizedName, int]
    pages: PageBook
    metadata: MetadataBook
    projects: dict[NormalizedName, Project] = field(default_factory=dict)

    def rules_for(self, name: NormalizedName) -> TargetRules:
        """The rules for a project: who points at a wheel wants it, pre-release or new as it is."""
        if name not in self.direct:
            return self.rules
        return replace(self.rules, prerelease="allow", exclude_newer=None)

    def page(self, name: NormalizedName) -> GroupedPage | None:
        """What there is of a project: the wheels that are pointed at, or an index's page."""
        if name not in self.direct:
            return self.pages.page(name)
        return GroupedPage.of(ProjectPage(name=name, index="", wheels=self.direct[name]))


def pose(
    request: LockRequest,
    parsed: ParsedRequest,
    target: TargetPlatform,
    *,
    pins: Mapping[NormalizedName, tuple[LowerPin, ...]],
    preferred: Mapping[NormalizedName, tuple[Version, ...]],
    pages: PageBook,
    metadata: MetadataBook,
) -> TargetProblem:
    """A request as it stands on one target.

    Raises `ResolutionFailed` where the layer requires there what it leaves out.
    """
    scope = MarkerScope(marker_environment(target, request.python))
    _refuse_contradictions(request, parsed, target, scope)
    overrides = (*parsed.overrides, *parsed.words.overrides)
    written = (*parsed.requirements, *overrides, *parsed.constraints)
    constraints: dict[NormalizedName, tuple[Parsed, ...]] = {}
    for item in filter(scope.holds, parsed.constraints):
        constraints[item.name] = (*constraints.get(item.name, ()), item)
    return TargetProblem(
        rules=TargetRules(
            target=target,
            python=request.python,
            ranks=tag_priorities(target, request.python),
            prerelease=request.prerelease,
            exclude_newer=request.exclude_newer,
            direct=direct_specifiers(filter(scope.holds, written)),
        ),
        scope=scope,
        amendments=Amendments.of(
            parsed.words,
            parsed.lower,
            stack=parsed.overrides,
            holders={name: found[0].layer for name, found in pins.items()},
            scope=scope,
        ),
        constraints=constraints,
        pins=pins,
        preferred=preferred,
        direct=_direct(parsed, scope),
        order={item.name: place for place, item in reversed([*enumerate(parsed.requirements)])},
        pages=pages,
        metadata=metadata,
    )


def _refuse_contradictions(
    request: LockRequest, parsed: ParsedRequest, target: TargetPlatform, scope: MarkerScope
) -> None:
    both = ", ".join(contradictions(parsed.words, scope))
    if both:
        raise ResolutionFailed(
            f"the layer requires {both} on {target.name}, and excludes it there",
            layer=request.env_name,
            fix="remove it from the layer's requirements or from its exclude, or mend a marker",
        )


def _direct(
    parsed: ParsedRequest, scope: MarkerScope
) -> dict[NormalizedName, tuple[WheelLink, ...]]:
    """The wheels by address that count on a target: overrides stand in for these as well."""
    found: dict[NormalizedName, tuple[WheelLink, ...]] = {}
    overridden = {item.name for item in (*parsed.overrides, *parsed.words.overrides)}
    for item in filter(scope.holds, parsed.requirements):
        if item.direct is not None and item.name not in overridden:
            found[item.name] = (*found.get(item.name, ()), item.direct)
    return found
