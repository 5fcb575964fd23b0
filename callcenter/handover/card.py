"""The printed card as rows: what is said, how old it is, and how dense it must be set to fit one page of A4."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from callcenter.handover.model import Contact, Fact, Handover, Happening
from callcenter.handover.saying import Saying, cut, local, one_line, saying
from callcenter.handover.script import Line, script
from callcenter.handover.text import texts

# Characters on the card, labels and ages included -> how it is set (static/handover.css); every one counts as wide as
# a Chinese one. tests/browser/test_handover_card.py prints each of them full and counts the pages.
DENSITIES = ((900, "roomy"), (1700, "usual"), (3200, "dense"), (5000, "denser"))
DENSEST = "densest"
HAPPENED = 8  # newest lines of the log on the card, beside the first one
NAMED = 20  # characters of a name in a line of the log; it stands whole elsewhere
SAID = 80  # characters of what an operator wrote, on the card; the JSON has all of it


@dataclass(frozen=True, slots=True)
class Row:
    """`age` says how old the fact is; empty only where the row tells of now. `tone`: strong, warned or empty."""

    label: str
    value: str
    age: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """All that the template draws."""

    language: str
    alert: str
    title: str
    as_of: str
    drill: str
    density: str
    groups: tuple[Group, ...]
    script: tuple[Line, ...]
    texts: tuple[str, ...]
    say: Saying


Rows = Iterator[Row]


def _aged(say: Saying, learned: datetime | None) -> str:
    """Both ways: how long ago, and the time itself, because a printed card grows old by itself."""
    ago = say.ago(learned)
    return f"{ago} {local(learned)}" if learned else ago


def _fact(say: Saying, name: str, fact: Fact, *, tone: str = "", shown: str | None = None) -> Row:
    value = one_line(fact.value if shown is None else shown)
    row_tone = tone if value else ""
    return Row(say.say(f"row_{name}"), value or say.say("nothing_known"), _aged(say, fact.learned), row_tone)


def _where(say: Saying, handover: Handover) -> Rows:
    home = handover.home
    yield _fact(say, "address", home.address, tone="strong")
    yield _fact(say, "entry_notes", home.entry_notes, tone="strong")
    for name, point in (("home_point", home.point), ("position", handover.position)):
        if point:
            yield Row(say.say(f"row_{name}"), say.point(point), _aged(say, point.learned))
    yield Row(say.say("row_housemates"), str(home.housemates))


def _who(say: Saying, handover: Handover) -> Rows:
    person = handover.person
    yield _fact(say, "name", person.name, tone="strong", shown=say.name(person))
    yield _fact(say, "sex", person.sex, shown=say.sex(person.sex.value))
    born = person.born.value
    yield _fact(say, "born", person.born, shown=say.listed(born, say.years(born)))
    yield _fact(say, "phone", person.phone)
    risk = person.risk.value
    yield _fact(say, "risk", person.risk, shown=say.say(f"risk_{risk}") if risk else "")
    yield _fact(say, "allergies", person.allergies, tone="warned")
    yield _fact(say, "conditions", person.conditions, tone="strong")
    yield _fact(say, "medicines", person.medicines)


def _what(say: Saying, handover: Handover) -> Rows:
    alarm = handover.alarm
    device = say.say("device", id=alarm.device)
    yield Row(say.say("row_alarm"), say.listed(say.kind(alarm), device), _aged(say, alarm.opened_at), "strong")
    yield Row(say.say("row_pressed"), str(alarm.press_count), _aged(say, alarm.last_press_at))
    spoken = "reached" if alarm.reached_at else "none"
    age = _aged(say, alarm.reached_at) if alarm.reached_at else ""
    yield Row(say.say("row_voice"), say.say(f"voice_{spoken}"), age)
    if alarm.silent:
        yield Row(say.say("row_voice"), say.say("voice_silent"), _aged(say, _silent_at(handover)), "warned")
    marks = (("mark_cancel", alarm.cancel_pressed), ("mark_old", alarm.possibly_old))
    if told := say.listed(*(say.say(key) for key, holds in marks if holds)):
        yield Row(say.say("row_marks"), told, "", "warned")


def _silent_at(handover: Handover) -> datetime | None:
    told = [one.at for one in handover.happened if one.what in ("call.silent", "operator.hears_nothing")]
    return told[-1] if told else None


def _contact(say: Saying, contact: Contact) -> Row:
    key = say.say("keyholder") if contact.keyholder else ""
    parts = (contact.name, contact.relation, contact.phone, key)
    return Row(say.say("row_contact"), one_line(say.listed(*parts)), _aged(say, contact.learned))


def _help(say: Saying, handover: Handover) -> Rows:
    desk, taken, going = handover.desk, handover.taken, handover.going
    answers = say.listed(desk.number or say.say("unknown"), desk.operator)
    yield Row(say.say("row_call_back"), answers, "", "strong")
    if taken:
        yield _fact(say, "case_number", taken.case_number, tone="strong")
        yield _fact(say, "taken_by", taken.person)
    if going:
        yield Row(say.say("row_going"), say.listed(one_line(going.name), going.phone), _aged(say, going.learned))
    yield from (_contact(say, one) for one in handover.contacts)


def _line(say: Saying, happening: Happening) -> Row:
    did = say.say(f"did_{happening.what.replace('.', '_')}", who=cut(one_line(happening.who), NAMED))
    said = cut(one_line(happening.said), SAID)
    return Row(local(happening.at)[5:], f"{did}: {said}" if said else did, say.ago(happening.at))


def _happened(say: Saying, handover: Handover) -> Rows:
    """How it began, and the newest lines."""
    told = handover.happened
    shown = told if len(told) <= HAPPENED + 1 else (told[0], *told[-HAPPENED:])
    yield from (_line(say, one) for one in shown)
    if left := len(told) - len(shown):
        yield Row("", say.say("more_in_the_log", n=left))


_GROUPS = {"where": _where, "who": _who, "what": _what, "help": _help, "happened": _happened}


def _density(groups: tuple[Group, ...]) -> str:
    characters = sum(len(row.label) + len(row.value) + len(row.age) for group in groups for row in group.rows)
    return next((name for most, name in DENSITIES if characters <= most), DENSEST)


def card(handover: Handover, language: str) -> Card:
    say = saying(handover, language)
    groups = tuple(Group(name, say.say(f"group_{name}"), tuple(rows(say, handover))) for name, rows in _GROUPS.items())
    return Card(
        language=language,
        alert=handover.alert,
        title=say.say("card_title"),
        as_of=say.say("card_as_of", at=local(handover.as_of)),
        drill=say.say("card_drill") if handover.alarm.drill else "",
        density=_density(groups),
        groups=groups,
        script=script(handover, language),
        texts=texts(handover, language),
        say=say,
    )
