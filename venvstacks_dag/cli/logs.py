"""How much the user wants to hear: levels of this package's loggers, and where records go."""

from __future__ import annotations

import logging

from venvstacks_dag.tasks.logs import LOGGER


def set_up_logging(verbosity: int) -> None:
    """Write log records to standard error.

    `verbosity` is 0 or less for none of the stages' (what the user should see is on the display
    already), 1 for what each stage does, 2 for everything, libraries included.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.addFilter(_not_displayed)
    logging.basicConfig(handlers=[handler], level=logging.DEBUG if verbosity > 1 else None)
    if verbosity > 0:
        logging.getLogger(LOGGER).setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)


def _not_displayed(record: logging.LogRecord) -> bool:
    """Whether a record is not a stage's warning, which its reporter has shown."""
    return record.levelno < logging.WARNING or not record.name.startswith(LOGGER)
