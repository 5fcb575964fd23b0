"""The words spoken on the telephone as data: prompts.toml, both languages, checked when read."""

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_FILE = Path(__file__).with_name("prompts.toml")
LANGUAGES = ("zh-CN", "en")
FIELDS = frozenset({"name", "place", "kind"})


@dataclass(frozen=True, slots=True)
class Prompts:
    texts: Mapping[str, Mapping[str, str]]  # key -> language -> text

    def text(self, key: str, language: str, **fields: str) -> str:
        """The sentence; an unknown language falls back to Mandarin."""
        texts = self.texts[key]
        return texts.get(language, texts["zh-CN"]).format(**fields)


def read(path: Path | None = None) -> Prompts | str:
    """The prompts, or one line why they cannot be used."""
    path = path or DEFAULT_FILE
    try:
        texts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return f"{path}: {error}"
    for key, languages in texts.items():
        for language in LANGUAGES:
            if not isinstance(languages, dict) or not str(languages.get(language, "")).strip():
                return f"{path}: {key} is not said in {language}"
            try:
                unknown = {name for _, name, _, _ in string.Formatter().parse(languages[language]) if name} - FIELDS
            except ValueError as error:
                return f"{path}: {key} in {language}: {error}"
            if unknown:
                return f"{path}: {key} in {language} names {', '.join(sorted(unknown))}, which nobody fills in"
    return Prompts(texts)
