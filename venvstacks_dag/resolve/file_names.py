"""What the files of a layer's lock are called. Pure, and without any import."""

from __future__ import annotations


def lock_file_name(env_name: str) -> str:
    """``pylock.<env>.toml``; PEP 751 allows no further dots, so that they become ``_``."""
    return f"pylock.{env_name.replace('.', '_')}.toml"


def metadata_file_name(env_name: str) -> str:
    """``pylock.<env>.meta.json``, beside the lock."""
    return lock_file_name(env_name).removesuffix(".toml") + ".meta.json"


def packages_file_name(env_name: str) -> str:
    """``packages-<env>.txt``, beside the lock. Dots stay here."""
    return f"packages-{env_name}.txt"
