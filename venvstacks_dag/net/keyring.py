"""Logins from the user's keyring, where there is one; nothing here needs it to be installed.

As in pip, it is either a package beside this one or the program ``keyring``, and it is asked
about the address first and then about the host.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from venvstacks_dag.errors import NetworkError
from venvstacks_dag.net.urls import Login, origin

KeyringProvider = Literal["auto", "import", "subprocess", "disabled"]
# From a service and a user (None: any) to the login.
_Way = Callable[[str, str | None], Login | None]
# A locked keyring may wait for the user to unlock it.
_SECONDS = 60


def keyring_provider(name: str, value: str) -> KeyringProvider:
    """The provider that the variable `name` chooses. Raises `NetworkError` for another word."""
    known = get_args(KeyringProvider)
    if value not in known:
        raise NetworkError(
            f"{name} is not a provider of keyrings that there is",
            why=f"found {value!r}",
            fix=f"set it to one of {', '.join(known)}, or unset it",
        )
    return cast("KeyringProvider", value)


class Keyring:
    """Asks the keyring once about each origin and user. Safe to use from several threads."""

    def __init__(self, provider: KeyringProvider) -> None:
        self._provider = provider
        self._known: dict[tuple[str, str | None], Login | None] = {}
        self._asking = threading.Lock()

    def login(self, url: str, user: str | None) -> Login | None:
        """The login for `url`, of one user or of any; None where the keyring knows none."""
        with self._asking:
            key = (origin(url), user)
            if key not in self._known:
                parts = urlsplit(url)
                services = (parts._replace(query="", fragment="").geturl(), parts.netloc)
                found = (self._ask(service, user) for service in services)
                self._known[key] = next(filter(None, found), None)
            return self._known[key]

    def _ask(self, service: str, user: str | None) -> Login | None:
        try:
            return self._way(service, user) if self._way else None
        except Exception:  # Backends raise what they like; without a keyring is well, too.
            return None

    @cached_property
    def _way(self) -> _Way | None:
        if self._provider in ("auto", "import"):
            with suppress(ImportError):
                return _by_package(import_module("keyring"))
        if self._provider in ("auto", "subprocess") and (program := shutil.which("keyring")):
            return _by_program(program)
        return None


def _by_package(package: Any) -> _Way:
    def ask(service: str, user: str | None) -> Login | None:
        found = package.get_credential(service, user)
        return None if found is None else Login(found.username, found.password)

    return ask


def _by_program(program: str) -> _Way:
    def ask(service: str, user: str | None) -> Login | None:
        if user is not None:
            password = _output(program, "get", service, user)
            return Login(user, password.rstrip("\r\n")) if password else None
        # Only newer ones can tell whose password it is.
        text = _output(program, "--mode", "creds", "--output", "json", "get", service)
        found = json.loads(text) if text else None
        return Login(found["username"], found["password"]) if found else None

    return ask


def _output(*command: str) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""
