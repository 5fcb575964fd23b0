"""What the page shows, from what is known: before a yes only what is needed to decide, afterwards how to help."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from callcenter.alerts.last_seen import Words as Seen
from callcenter.alerts.naming import surname
from callcenter.alerts.offer_model import OfferState
from callcenter.alerts.page_rules import Button, PageState, buttons, page_state, shares_position
from callcenter.alerts.ranking import Spot, metres
from callcenter.storage.page_queries import Found
from config.responder import words

LANGUAGES = ("zh-CN", "en")
ROUGH_M = 100  # before a yes a distance is no more exact than this
OF_A_SEARCH = {Button.YES: "astray_yes", Button.MORE: "looks_more", Button.DONE: "looks_done"}
STRONG = frozenset({Button.YES, Button.ON_MY_WAY, Button.AT_DOOR})


@dataclass(frozen=True, slots=True)
class Words:
    language: str

    def __call__(self, key: str, **fields: object) -> str:
        return words().text(key, self.language, **{name: str(value) for name, value in fields.items()})

    def polite(self, name: str, sex: str = "") -> str:
        """Surname and how one speaks to them."""
        return self(f"polite_{sex}", name=surname(name))

    def distance(self, away: float) -> str:
        rough = max(ROUGH_M, round(away / ROUGH_M) * ROUGH_M)
        return self("about_m", n=rough) if rough < 1000 else self("about_km", n=f"{rough / 1000:.1f}")


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One button; `press` is sent with it and the same in every repeat of this form."""

    button: str
    label: str
    strong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the template draws. `key`: offer, shown or empty; `code` only in the one answer that shows it."""

    language: str
    state: str
    phase: str
    heading: str
    lines: tuple[str, ...] = ()
    drill: bool = False
    rows: tuple[Row, ...] = ()
    choices: tuple[Choice, ...] = ()
    map: str = ""
    number: str = ""
    key: str = ""
    code: str = ""
    shares: bool = False
    refused: str = ""  # what they pressed came to nothing


@dataclass(frozen=True, slots=True)
class Desk:
    """What this deployment gives to every page: the number to call, and how a map is opened."""

    number: str
    map_url: str


def _away(found: Found) -> float | None:
    """From where they are now, if they share it, else from where they usually are."""
    here: Spot | None = found.position.fix.spot if found.position else found.usual
    there = _goal(found)
    return metres(here, there) if here and there else None


def _goal(found: Found) -> Spot | None:
    """The door; in a search where they were last seen, and never the door."""
    if found.lost is None:
        return found.door
    return found.lost.fix.at if found.lost.fix else None


def _case(say: Words, found: Found, now: datetime) -> Iterator[Row]:
    yield Row(say("row_kind"), say(f"kind_{found.alert.kind.value}"))
    if found.alert.silent:
        yield Row(say("row_silent"), say("silent"))
    yield _since(say, found.alert.opened_at, now)


def _since(say: Words, at: datetime, now: datetime) -> Row:
    return Row(say("row_since"), say("minutes_ago", n=int((now - at).total_seconds() // 60)))


def _asked(say: Words, found: Found, now: datetime) -> Iterator[Row]:
    yield from _case(say, found, now)
    yield Row(say("row_area"), found.area or say("unknown"))
    if (away := _away(found)) is not None:
        yield Row(say("row_distance"), say.distance(away))


def _going(say: Words, found: Found, now: datetime) -> Iterator[Row]:
    yield Row(say("row_name"), found.alert.subject.name or say("unknown"))
    yield Row(say("row_address"), found.address or say("unknown"))
    yield Row(say("row_entry"), found.entry_notes or say("unknown"))
    if (away := _away(found)) is not None:
        yield Row(say("row_distance"), say.distance(away))
    yield from _case(say, found, now)


def _astray(say: Words, found: Found, now: datetime) -> Iterator[Row]:
    """Enough to decide whether they can look: how long they are gone, when and how far away they were last seen."""
    assert found.lost is not None
    fix = found.lost.fix
    yield Row(say("row_lives"), found.area or say("unknown"))
    yield Row(say("row_seen"), Seen(words(), say.language).when(fix, now) if fix else say("unseen"))
    yield from _rest_of_search(say, found, now)


def _looking(say: Words, found: Found, now: datetime) -> Iterator[Row]:
    """Whom they look for and where. Of the house only what has to be known where no position is."""
    assert found.lost is not None
    seen, fix = Seen(words(), say.language), found.lost.fix
    yield Row(say("row_name"), seen.name(found.lost, now).rstrip(",") or say("unknown"))
    yield Row(say("row_seen"), seen.when(fix, now) if fix else seen.seen(found.lost, now))
    if fix:
        yield Row(say("row_spot"), f"{fix.at.lat:.5f}, {fix.at.lon:.5f}")
    yield from _rest_of_search(say, found, now)


def _rest_of_search(say: Words, found: Found, now: datetime) -> Iterator[Row]:
    if (away := _away(found)) is not None:
        yield Row(say("row_distance"), say.distance(away))
    yield _since(say, found.alert.astray_at or found.alert.opened_at, now)


def _said(say: Words, found: Found) -> Iterator[str]:
    """What has come of what they told us."""
    offer = found.offer
    if offer.says_there_at and offer.state is not OfferState.ON_SCENE:
        yield say("said_there")
    if offer.late:
        yield say("late")
    if found.alert.more_at:
        yield say("said_more")


def _choices(say: Words, found: Found) -> tuple[Choice, ...]:
    labels = OF_A_SEARCH if found.lost else {}
    return tuple(Choice(one, say(labels.get(one, one)), one in STRONG) for one in buttons(found.alert, found.offer))


def _map(found: Found, desk: Desk) -> str:
    goal = _goal(found)
    return desk.map_url.format(lat=f"{goal.lat:.6f}", lon=f"{goal.lon:.6f}") if goal else ""


def _key(found: Found, code: str) -> str:
    if not found.key_safe or code:
        return ""
    return "shown" if found.link.key_shown_at else "offer"


def page(found: Found, language: str, now: datetime, desk: Desk, *, code: str = "") -> Page:
    say, state = Words(language), page_state(found.alert, found.offer)
    return _DRAWN[state](say, found, now, desk, code)


def _draw_asked(say: Words, found: Found, now: datetime, desk: Desk, _code: str) -> Page:
    heading, line, rows = ("astray", "astray_you", _astray) if found.lost else ("ask", "ask_you", _asked)
    return Page(
        language=say.language,
        state=PageState.ASKED,
        phase=found.offer.state,
        heading=say(heading, who=say.polite(found.alert.subject.name, found.sex)),
        lines=(say(line),),
        drill=found.alert.drill,
        rows=tuple(rows(say, found, now)),
        choices=_choices(say, found),
        number=desk.number,
    )


def _draw_going(say: Words, found: Found, now: datetime, desk: Desk, code: str) -> Page:
    there = "found" if found.alert.found_at else "there"
    heading = there if found.offer.state is OfferState.ON_SCENE else "going"
    return Page(
        language=say.language,
        state=PageState.GOING,
        phase=found.offer.state,
        heading=say(heading, who=say.polite(found.alert.subject.name, found.sex)),
        lines=tuple(_said(say, found)),
        drill=found.alert.drill,
        rows=tuple(_going(say, found, now)),
        choices=_choices(say, found),
        map=_map(found, desk),
        number=desk.number,
        key=_key(found, code),
        code=code,
        shares=shares_position(found.alert, found.offer),
    )


def _draw_searching(say: Words, found: Found, now: datetime, desk: Desk, _code: str) -> Page:
    return Page(
        language=say.language,
        state=PageState.SEARCHING,
        phase=found.offer.state,
        heading=say("looks", who=say.polite(found.alert.subject.name, found.sex)),
        lines=(say("looks_how"),),
        drill=found.alert.drill,
        rows=tuple(_looking(say, found, now)),
        choices=_choices(say, found),
        map=_map(found, desk),
        number=desk.number,
        shares=shares_position(found.alert, found.offer),
    )


def _draw_thanks(say: Words, found: Found, _now: datetime, desk: Desk, _code: str) -> Page:
    """Nothing of the resident. Who goes instead is told while they go."""
    alert, lines = found.alert, [say("thanks_more")]
    somebody_else = alert.responder not in ("", found.offer.party)
    if found.lost and found.offer.state not in (OfferState.DONE, OfferState.DECLINED):
        lines.insert(0, say("search_too_late"))
    elif somebody_else and found.offer.state is not OfferState.DONE and not alert.resolved_at and not found.lost:
        lines.insert(0, say("thanks_goes", who=say.polite(alert.responder_name)))
    return Page(
        language=say.language,
        state=PageState.THANKS,
        phase="",
        heading=say("thanks"),
        lines=tuple(lines),
        drill=alert.drill,
        number="",
    )


_DRAWN = {
    PageState.ASKED: _draw_asked,
    PageState.GOING: _draw_going,
    PageState.SEARCHING: _draw_searching,
    PageState.THANKS: _draw_thanks,
}


def refused_page(language: str, desk: Desk, *, preview: bool = False) -> Page:
    """Of a link that opens nothing, or not to a machine. It says nothing of anybody, and not why."""
    say = Words(language)
    heading, lines = (say("preview"), ()) if preview else (say("refused"), (say("refused_more"),))
    state = "preview" if preview else "refused"
    return Page(language=language, state=state, phase="", heading=heading, lines=lines, number=desk.number)
