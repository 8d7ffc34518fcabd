"""What the searches ask: which candidates there are, what they need, and what to try first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from packaging.requirements import InvalidRequirement
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName
from packaging.version import Version
from resolvelib import AbstractProvider
from resolvelib.structs import RequirementInformation

from venvstacks_dag.index.model import CoreMetadata
from venvstacks_dag.resolve.candidates import Candidate, IndexedProject, PinnedProject, Project
from venvstacks_dag.resolve.problem import TargetProblem
from venvstacks_dag.resolve.requirements import Bond, Need, Parsed, parse, refusal, split_key
from venvstacks_dag.resolve.rules import Verdict, admits_python
from venvstacks_dag.standards import UNANSWERABLE

Information = RequirementInformation[Need, Candidate]

# From here on a project is known to be where the trouble is, and is settled before others.
MANY_CONFLICTS = 5
# After so many versions, the metadata of so many more are read ahead at once.
PATIENCE = 3
BATCH = 16


class Provider(AbstractProvider[Need, Candidate, str]):
    """Answers resolvelib's questions on one target. Every answer is worked out once."""

    def __init__(self, problem: TargetProblem, conflicts: Counter[str]) -> None:
        self._problem = problem
        self._conflicts = conflicts
        self._candidates: dict[tuple[str, Version], Candidate] = {}
        self._needs: dict[Candidate, tuple[Need, ...]] = {}
        self._satisfied: dict[tuple[Need, Candidate], bool] = {}
        self._merged: dict[frozenset[SpecifierSet], SpecifierSet] = {}

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        """Extras are identifiers of their own: ``name[extra]``."""
        return requirement_or_candidate.key

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        """Whether a candidate that was offered for a need still meets it."""
        key = (requirement, candidate)
        if key not in self._satisfied:
            self._satisfied[key] = requirement.admits(candidate.version)
        return self._satisfied[key]

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Callable[[], Iterator[Candidate]] | Sequence[Candidate]:
        """Candidates best first, lazily: a page is asked for at the first step.

        Metadata is not waited for; that of the first candidate is read ahead, since resolvelib
        takes a first step with every need that comes in. Once some have been rejected, more are
        likely to be: they are then read ahead by the batch.
        """
        needs = tuple(requirements[identifier])
        if any(need.refusal for need in needs):
            return ()
        name, extra = split_key(identifier)
        excluded = {candidate.version for candidate in incompatibilities[identifier]}
        if extra:
            # An extra stands or falls with its base, so that the base's limits count as well.
            needs += tuple(requirements.get(name, ()))
            excluded |= {item.version for item in incompatibilities.get(name, ())}
        wanted = self.wanted(name, needs)
        exact = {need.exact for need in needs if need.exact is not None}

        def matches() -> Iterator[Candidate]:
            versions = (
                version
                for version in self.project(name).matches(wanted)
                if version not in excluded and exact <= {version}
            )
            for batch in _batches(versions):
                self.expect(identifier, batch)
                for version in batch:
                    yield self.candidate(identifier, version)

        return matches

    def get_dependencies(self, candidate: Candidate) -> Iterable[Need]:
        """What a candidate needs on the target; its metadata is read here and not before."""
        if candidate not in self._needs:
            self._needs[candidate] = needs = tuple(self._dependencies(candidate))
            self._problem.pages.expect(
                need.name for need in needs if self._is_on_index(need) and not need.refusal
            )
        return self._needs[candidate]

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[str],
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: Mapping[str, Iterator[Information]],
        backtrack_causes: Sequence[Information],
    ) -> Iterable[str]:
        """What caused the last conflict is settled first, before more is piled upon it."""
        causes = {info.requirement.key for info in backtrack_causes}
        causes |= {info.parent.key for info in backtrack_causes if info.parent is not None}
        identifiers = list(identifiers)
        return [key for key in identifiers if key in causes] or identifiers

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],
        information: Mapping[str, Iterator[Information]],
        backtrack_causes: Sequence[Information],
    ) -> tuple[bool, bool, Bond, int, str]:
        """The smaller, the sooner: fewest choices first, then the order of the user."""
        name, _ = split_key(identifier)
        return (
            name not in self._problem.pins,
            self._conflicts[identifier] < MANY_CONFLICTS,
            min((info.requirement.bond for info in information[identifier]), default=Bond.LOOSE),
            self._problem.order.get(name, len(self._problem.order)),
            identifier,
        )

    def wanted(self, name: NormalizedName, needs: Iterable[Need]) -> SpecifierSet:
        """The specifiers of all needs on a project and of the constraints on it, as one."""
        limits = (item.requirement.specifier for item in self._problem.constraints.get(name, ()))
        parts = frozenset((*(need.specifier for need in needs), *limits))
        if parts not in self._merged:
            self._merged[parts] = SpecifierSet(
                ",".join(sorted({str(part) for part in parts if part}))
            )
        return self._merged[parts]

    def project(self, name: NormalizedName) -> Project:
        """Where a project's candidates come from. May ask an index; raises `IndexFault`."""
        problem = self._problem
        if name not in problem.projects:
            pins = problem.pins.get(name)
            problem.projects[name] = (
                PinnedProject(pins)
                if pins
                else IndexedProject(
                    name,
                    problem.page(name),
                    problem.rules_for(name),
                    problem.preferred.get(name, ()),
                )
            )
        return problem.projects[name]

    def roots(self, requirements: Iterable[Parsed]) -> list[Need]:
        """The needs of the user's own requirements. Raises `UndefinedComparison`."""
        needs = list(self._expand(requirements, ""))
        self._problem.pages.expect(need.name for need in needs if self._is_on_index(need))
        return needs

    def _is_on_index(self, need: Need) -> bool:
        return need.name not in self._problem.pins and need.name not in self._problem.direct

    def candidate(self, key: str, version: Version) -> Candidate:
        """A usable version of a project or of one of its extras, always as the same object."""
        if (key, version) not in self._candidates:
            name, extra = split_key(key)
            wheel = self.project(name).wheel(version)
            assert wheel is not None, "matches() offers usable versions only"
            pins = self._problem.pins.get(name)
            self._candidates[key, version] = Candidate(
                key=key,
                name=name,
                version=version,
                wheel=wheel,
                extra=extra,
                layer=pins[0].layer if pins else None,
            )
        return self._candidates[key, version]

    def expect(self, key: str, versions: Iterable[Version]) -> None:
        """Read the metadata of versions ahead. Returns at once."""
        for version in versions:
            self._problem.metadata.expect(self.candidate(key, version).wheel)

    def _dependencies(self, candidate: Candidate) -> Iterator[Need]:
        metadata = self._problem.metadata.read(candidate.wheel)
        if isinstance(metadata, str):
            yield refusal(f"{candidate.wheel.filename} cannot be used: {metadata}")
            return
        if reason := self._python_refusal(candidate, metadata):
            yield refusal(reason)
            return
        if candidate.extra:
            text = f"{candidate.name}=={candidate.version}"
            name = candidate.name
            yield Need(key=name, name=name, text=text, exact=candidate.version, bond=Bond.PIN)
        try:
            requirements = map(parse, metadata.requires_dist)
            yield from self._expand(requirements, candidate.extra, candidate.layer)
        except (InvalidRequirement, *UNANSWERABLE) as error:
            fault = str(error).splitlines()[0]
            yield refusal(f"the metadata of {candidate.wheel.filename} is broken: {fault}")

    def _python_refusal(self, candidate: Candidate, metadata: CoreMetadata) -> str:
        """Why the metadata rules the interpreter out, where the index did not say so before."""
        if candidate.layer is not None or candidate.wheel.requires_python is not None:
            return ""
        python = self._problem.rules.python
        if admits_python(metadata.requires_python, python) is Verdict.USABLE:
            return ""
        return (
            f"{candidate.name} {candidate.version} requires Python "
            f"{metadata.requires_python}, and the runtime has {python.full}"
        )

    def _expand(
        self, requirements: Iterable[Parsed], extra: str, layer: str | None = None
    ) -> Iterator[Need]:
        """The needs that hold on the target: an extra's own ones, or (with "") the base's.

        `layer` is the one below that has the package, if any does.
        """
        scope, amendments = self._problem.scope, self._problem.amendments
        for parsed in requirements:
            if not scope.holds(parsed, extra) or (extra and scope.holds(parsed)):
                continue
            for effective in amendments.apply(parsed, scope, layer):
                reason = self._address_refusal(effective) if effective.requirement.url else ""
                yield from (refusal(reason),) if reason else effective.needs

    def _address_refusal(self, parsed: Parsed) -> str:
        """Why a requirement with an address is not met, "" where nothing stands against it."""
        if parsed.direct is None:
            return f"{parsed.name} is asked for by a direct address"
        pins = self._problem.pins.get(parsed.name, ())
        files = {wheel.sha256 for wheel in self._problem.direct[parsed.name]}
        for pin in pins:
            if pin.version == parsed.direct.version and pin.wheel.sha256 not in files:
                return f"{pin.layer} has another file of {pin.name} {pin.version}"
        return ""


def _batches(versions: Iterator[Version]) -> Iterator[Sequence[Version]]:
    """Versions one by one, and after the first few by the batch."""
    yield from ((version,) for version in islice(versions, PATIENCE))
    while batch := tuple(islice(versions, BATCH)):
        yield batch
