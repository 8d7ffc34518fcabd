"""Locks: resolution per target, merged into one pylock.toml per layer."""
