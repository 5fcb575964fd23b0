"""The words spoken on the telephone as data: prompts.toml, both languages, checked when read."""

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT_FILE = Path(__file__).with_name("prompts.toml")
LANGUAGES = ("zh-CN", "en")
FIELDS = frozenset({"name", "place", "kind", "goes", "seen", "number", "way"})
# A text message with a link says other things.
TEXT_FIELDS = {"sms_link": frozenset({"who", "kind", "area", "link", "number"})}


@dataclass(frozen=True, slots=True)
class Prompts:
    texts: Mapping[str, Mapping[str, str]]  # key -> language -> text

    def text(self, key: str, language: str, **fields: str) -> str:
        """The sentence; an unknown language falls back to Mandarin."""
        texts = self.texts[key]
        return texts.get(language, texts["zh-CN"]).format(**fields)


def read(path: Path | None = None) -> Prompts | str:
    """The prompts, or one line why they cannot be used. A file of one's own must say all that the shipped one says."""
    path = path or DEFAULT_FILE
    try:
        texts = tomllib.loads(path.read_text(encoding="utf-8"))
        wanted = texts if path == DEFAULT_FILE else tomllib.loads(DEFAULT_FILE.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return f"{path}: {error}"
    for key, languages in texts.items():
        if fault := _fault(languages, TEXT_FIELDS.get(key, FIELDS)):
            return f"{path}: {key} {fault}"
    if missing := [key for key in wanted if key not in texts]:
        return f"{path}: {missing[0]} is not said at all"
    return Prompts(texts)


def _fault(languages: Any, fields: frozenset[str]) -> str:  # noqa: ANN401
    """Why one prompt cannot be spoken; empty if it can."""
    said = languages if isinstance(languages, dict) else {}
    for language in LANGUAGES:
        text = said.get(language)
        if not isinstance(text, str) or not text.strip():
            return f"is not said in {language}"
        if fault := _fault_of_fields(text, fields):
            return f"in {language}{fault}"
    others = [language for language in said if language not in LANGUAGES]
    return f"is said in {others[0]}, which nobody speaks here" if others else ""


def _fault_of_fields(text: str, fields: frozenset[str]) -> str:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        if unknown := names - fields - {""}:
            return f" names {', '.join(sorted(unknown))}, which nobody fills in"
        if "" in names:
            return " has empty braces"
        text.format(**dict.fromkeys(fields, ""))
    except (ValueError, LookupError) as error:
        return f": {error}"
    return ""
