"""The user's content-addressed store of wheels, runtimes and unpacked images."""
