"""The words of the responder's page as data, both languages: responder.toml, and what prompts.toml says as well."""

import tomllib
from functools import cache
from pathlib import Path

from config.prompts import DEFAULT_FILE, Prompts

SHARED = ("kind_", "polite_", "search_", "way_")
FILE = Path(__file__).with_name("responder.toml")


@cache
def words() -> Prompts:
    """The shipped words; a test holds them against what is used, so reading them cannot fail in a sound deployment."""
    spoken, own = (tomllib.loads(file.read_text(encoding="utf-8")) for file in (DEFAULT_FILE, FILE))
    shared = {key: texts for key, texts in spoken.items() if key.startswith(SHARED)}
    return Prompts(shared | own)
