"""Fixtures of the telephone's tests: a village that has telephones, on both databases."""

import pytest
import structlog

from tests.telephone.exchange import fill

# Otherwise an error that a test provokes is drawn with all its local variables, which takes seconds.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.stdlib.LoggerFactory(),
)


@pytest.fixture
def phones_url(database_url: str) -> str:
    """A fresh database with one village that has telephones (exchange.py); the test runs on both databases."""
    fill(database_url)
    return database_url
