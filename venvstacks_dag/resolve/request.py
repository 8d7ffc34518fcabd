"""The digest of everything that decides a lock, so that nothing is resolved twice."""

from __future__ import annotations

from venvstacks_dag.digest import sha256_bytes, sha256_json
from venvstacks_dag.resolve.lockfile import render_lock
from venvstacks_dag.resolve.model import LockRequest
from venvstacks_dag.resolve.rules import as_utc

# Counted up when equal requests may be answered differently, so that layers are locked anew.
_ANSWERS = 1


def request_digest(request: LockRequest, sources_json: object) -> str:
    """The SHA-256 of a request and of the indexes that it is put to (as plain JSON values).

    Preferences play no part: they choose among right answers, and are taken from the last
    lock. Nor does the lock's folder, which moves along with the wheels around it.
    """
    newest = request.exclude_newer
    # Only where there are any: all other locks keep the digests that they have.
    amendments = {"amendments": _amendments(request)} if request.is_amended else {}
    return sha256_json(
        {
            **amendments,
            "answers": _ANSWERS,
            "requirements": request.requirements,
            "python": str(request.python),
            "targets": [target.as_json() for target in request.targets],
            "lower": [
                {
                    "env_name": lower.env_name,
                    "lock": sha256_bytes(render_lock(lower.lock)),
                    "targets": [target.as_json() for target in lower.targets],
                }
                for lower in request.lower
            ],
            "overrides": request.overrides,
            "constraints": request.constraints,
            "exclude_newer": None if newest is None else as_utc(newest).isoformat(),
            "prerelease": request.prerelease,
            "sources": sources_json,
        }
    )


def _amendments(request: LockRequest) -> object:
    """What layers say about what packages require, and what decides whom it concerns.

    Requirements below bring back what is left out further down; which layers lie on which decides
    whose overrides hold. Neither plays a part where nothing below is left out, or overridden.
    """
    left_out = any(lower.exclude for lower in request.lower)
    overridden = any(lower.overrides for lower in request.lower)
    return {
        "exclude": request.exclude,
        "overrides": request.layer_overrides,
        "lower": [
            [
                lower.exclude,
                lower.overrides,
                lower.below if overridden else (),
                lower.requirements if left_out else (),
            ]
            for lower in request.lower
        ],
    }
