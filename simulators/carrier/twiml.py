"""Reading TwiML: a checked document, and how long its prompts take to say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, fromstring

from simulators.carrier.fields import VERBS, wrong_attributes

HAN_S, LETTER_S, FILE_S = 0.25, 0.07, 3.0
ENDLESS = 1000  # what Twilio makes of loop="0"


class Unplayable(Exception):
    """A document that cannot be played: Twilio's warning code and the reason."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


@dataclass(frozen=True, slots=True)
class Prompt:
    text: str
    seconds: float


def read(text: str) -> Element:
    """The Response element. Anything unknown makes the whole document unplayable, which is stricter than Twilio."""
    try:
        root = fromstring(text)
    except ParseError as error:
        raise Unplayable(12100, f"not XML: {error}") from error
    if root.tag != "Response":
        raise Unplayable(12100, f"the root is {root.tag}")
    if wrong := next(_wrong(root), None):
        raise Unplayable(12200, wrong)
    return root


def _wrong(element: Element) -> Iterator[str]:
    yield from wrong_attributes(element.tag, element.attrib)
    for child in element:
        if child.tag not in VERBS[element.tag]["holds"]:
            yield f"{element.tag} holds no {child.tag}"
        else:
            yield from _wrong(child)


def prompts(elements: Iterable[Element]) -> list[Prompt]:
    """What somebody hears of the Say, Play and Pause among these, in order."""
    return [prompt for element in elements if element.tag in PROMPTS for prompt in PROMPTS[element.tag](element)]


def _say(element: Element) -> list[Prompt]:
    text = (element.text or "").strip()
    seconds = sum(LETTER_S if char.isascii() else HAN_S for char in text)
    return [Prompt(text, seconds)] * _loops(element)


def _play(element: Element) -> list[Prompt]:
    return [Prompt(f"play:{(element.text or '').strip()}", FILE_S)] * _loops(element)


def _pause(element: Element) -> list[Prompt]:
    return [Prompt("", float(element.get("length", "1")))]


def _loops(element: Element) -> int:
    return int(element.get("loop", "1")) or ENDLESS


PROMPTS = {"Say": _say, "Play": _play, "Pause": _pause}
