"""The words of the telephone: what is shipped can be used, and a faulty file is refused with one line."""

import string
from pathlib import Path

import pytest

from callcenter.alerts.model import Kind
from config.prompts import DEFAULT_FILE, FIELDS, LANGUAGES, TEXT_FIELDS, Prompts, read

SHIPPED = DEFAULT_FILE.read_text(encoding="utf-8")


def refusal(path: Path) -> str:
    """The one line; it begins with the file."""
    said = read(path)
    assert isinstance(said, str)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said.removeprefix(f"{path}: ")


@pytest.fixture
def prompt_file(tmp_path: Path) -> Path:
    return tmp_path / "prompts.toml"


def test_the_shipped_prompts_say_everything_twice() -> None:
    prompts = read()
    assert isinstance(prompts, Prompts)
    for key, texts in prompts.texts.items():
        assert set(texts) == set(LANGUAGES), key
        used = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts.values()]
        assert used[0] == used[1], f"{key} does not name the same in both languages"
    assert {f"kind_{kind}" for kind in Kind} <= set(prompts.texts)


def test_what_is_filled_in_is_only_filled_in() -> None:
    prompts = read()
    assert isinstance(prompts, Prompts)
    said = prompts.text("offer", "en", name="{place}", place="<A & B>", kind="x")
    assert "{place}" in said
    assert "<A & B>" in said, "escaping is the carrier's words' business, not ours"


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('[hello]\nzh-CN = "a"\n', "hello is not said in en"),
        ('[hello]\nen = "a"\n', "hello is not said in zh-CN"),
        ('[hello]\nzh-CN = "a"\nen = "  "\n', "hello is not said in en"),
        ('[hello]\nzh-CN = "a"\nen = 7\n', "hello is not said in en"),
        ('[hello]\nzh-CN = ["a"]\nen = "a"\n', "hello is not said in zh-CN"),
        ('hello = "a"\n', "hello is not said in zh-CN"),
        ('[hello]\nzh-CN = "a"\nen = "a {age}"\n', "hello in en names age, which nobody fills in"),
        ('[hello]\nzh-CN = "{phone} {age}"\nen = "a"\n', "hello in zh-CN names age, phone, which nobody fills in"),
        ('[hello]\nzh-CN = "a"\nen = "a {name.first}"\n', "hello in en names name.first, which nobody fills in"),
        ('[hello]\nzh-CN = "a"\nen = "a {0}"\n', "hello in en names 0, which nobody fills in"),
        ('[hello]\nzh-CN = "a"\nen = "a {}"\n', "hello in en has empty braces"),
        ('[hello]\nzh-CN = "a"\nen = "a {name"\n', "hello in en: "),
        ('[hello]\nzh-CN = "a}"\nen = "a"\n', "hello in zh-CN: "),
        ('[hello]\nzh-CN = "a"\nen = "a {name:d}"\n', "hello in en: "),
        ('[hello]\nzh-CN = "a"\nen = "a {name!x}"\n', "hello in en: "),
        ('[hello]\nzh-CN = "a"\nen = "a"\nfr = "a"\n', "hello is said in fr, which nobody speaks here"),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_place(prompt_file: Path, content: str, where: str) -> None:
    prompt_file.write_text(content, encoding="utf-8")
    assert refusal(prompt_file).startswith(where)


@pytest.mark.parametrize("content", [b"[hello", b"x = ", b"a = 1\na = 2\n", b"\xff\xfe\x00", b"= 1"])
def test_what_is_no_toml_is_refused(prompt_file: Path, content: bytes) -> None:
    prompt_file.write_bytes(content)
    assert refusal(prompt_file)


def test_a_file_that_is_not_there_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "nowhere.toml")
    assert "directory" in refusal(tmp_path)


def test_a_file_that_lacks_what_is_shipped_is_refused(prompt_file: Path) -> None:
    """It was taken, and the first call that needed the words failed."""
    assert SHIPPED.count("[offer_keys]") == 1
    prompt_file.write_text(SHIPPED.replace("[offer_keys]", "[offer_key]"), encoding="utf-8")
    assert refusal(prompt_file) == "offer_keys is not said at all"


def test_the_fields_are_those_that_are_filled_in() -> None:
    assert {"name", "place", "kind", "goes", "seen", "number", "way"} == FIELDS
    assert {field for fields in TEXT_FIELDS.values() for field in fields} == {"who", "kind", "area", "link", "number"}
