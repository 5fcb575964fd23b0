"""The words of the hand-over to 120 as data, both languages: handover.toml, and the kinds of alarms of prompts.toml."""

import tomllib
from functools import cache
from pathlib import Path

from config.prompts import DEFAULT_FILE, Prompts

FILE = Path(__file__).with_name("handover.toml")


@cache
def words() -> Prompts:
    """The shipped words; a test holds them against what is used, so reading them cannot fail in a sound deployment."""
    spoken, own = (tomllib.loads(file.read_text(encoding="utf-8")) for file in (DEFAULT_FILE, FILE))
    kinds = {key: texts for key, texts in spoken.items() if key.startswith("kind_")}
    return Prompts(kinds | own)
