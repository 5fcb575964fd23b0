"""The text to the crew's telephone: who, where, what, since when, the worst risk, whom to ring. Under 200 characters.

What does not fit is cut in a fixed order, the risk before the name. The address and the number are never cut: an
address too long for one text comes in texts of its own, each of them under the limit as well.
"""

from callcenter.handover.model import Handover
from callcenter.handover.saying import Saying, cut, one_line, saying

MOST = 199  # characters of one text
LEAST_NAME = 12  # a name is cut to no less, and only when the risk is gone already
SOME = 30  # characters of an allergy or an illness where both have to fit
_PART = 160  # characters of an address in a text of its own


def _who(say: Saying, handover: Handover) -> str:
    return say.listed(say.name(handover.person), say.about(handover.person))


def _what(say: Saying, handover: Handover) -> str:
    kind = say.kind(handover.alarm)
    what = say.say("text_silent", what=kind) if handover.alarm.silent else kind
    return say.say("text_drill", what=what) if handover.alarm.drill else what


def _risk(say: Saying, handover: Handover) -> str:
    """What a crew must know before it treats: the allergy and the illness; when there are both, some of each."""
    person = handover.person
    allergies, conditions = one_line(person.allergies.value), one_line(person.conditions.value)
    if allergies and conditions:
        allergies, conditions = cut(allergies, SOME), cut(conditions, SOME)
    return say.listed(conditions, say.say("text_allergy", what=allergies) if allergies else "")


def _filled(say: Saying, key: str, fields: dict[str, str]) -> str:
    """The sentence, its risk and then its name cut until it fits; longer than MOST when even that is not enough."""
    fields = dict(fields)
    who, risk = fields["who"], fields["risk"]

    def sentence() -> str:
        said = say.say("text_risk", risk=fields["risk"]) if fields["risk"] else ""
        return say.say(key, **fields | {"risk": said}).strip()

    for name, value, least in (("risk", risk, 0), ("who", who, LEAST_NAME)):
        over = len(sentence()) - MOST
        if over > 0:
            kept = max(len(value) - over, least)
            fields[name] = cut(value, kept) if kept > 1 else ""
    return sentence()


def texts(handover: Handover, language: str) -> tuple[str, ...]:
    """Usually one text. More only when the address alone would fill it."""
    say = saying(handover, language)
    where = one_line(handover.home.address.value) or say.say("unknown")
    fields = {
        "who": _who(say, handover),
        "what": _what(say, handover),
        "since": say.clock(handover.alarm.opened_at),
        "where": where,
        "risk": _risk(say, handover),
        "number": handover.desk.number or say.say("unknown"),
    }
    whole = _filled(say, "text", fields)
    if len(whole) <= MOST:
        return (whole,)
    parts = [where[start : start + _PART] for start in range(0, len(where), _PART)]
    addresses = (say.say("text_address", n=n, of=len(parts), part=part) for n, part in enumerate(parts, start=1))
    return (_filled(say, "text_apart", fields), *addresses)
