"""What people do on their page who were asked to go: the same door and the same machine as a key on the telephone."""

from collections.abc import Callable

from callcenter.alerts.approach import is_near, seen
from callcenter.alerts.call_inputs import HangUpWanted
from callcenter.alerts.dialogues import ASKING
from callcenter.alerts.effects import SendText
from callcenter.alerts.inputs import Deed, ResponderActed
from callcenter.alerts.model import Alert
from callcenter.alerts.offer_model import Offer, OfferState, Proof
from callcenter.alerts.offer_rules import PAGE, Said
from callcenter.alerts.page_rules import Button, PageState, buttons, page_state, shares_position
from callcenter.alerts.ranking import Spot, metres
from callcenter.alerts.rules import Refused
from callcenter.ports import KeySafe, LinkOpened, LinkWanted, PagePressed, PositionShared
from callcenter.storage import directory, page_book
from callcenter.storage.page_book import Link, Position
from callcenter.storage.unit import Unit
from handlers import links, offers
from handlers.arrivals import arrive
from handlers.intake import Handler
from handlers.legs import change
from handlers.reaction import react

NOT_HERE = Refused("not_allowed", "this is not possible now")


def _theirs(unit: Unit, link: Link) -> tuple[Alert, Offer]:
    """Their newest offer: a yes after a telephone that was not answered is a new one."""
    alert = unit.alert(link.alert_id)
    mine = [offer for offer in unit.offers.of_alert(link.alert_id) if offer.party == link.party]
    if alert is None or not mine:
        raise RuntimeError("a link without its alert or its offer")
    return alert, mine[-1]


def _acts(unit: Unit, alert: Alert, offer: Offer, deed: Deed) -> Refused | None:
    acted = ResponderActed(deed, offer.party, offer.name, late=offer.late)
    entry = react(unit, alert, acted, actor=offer.party)
    return entry if isinstance(entry, Refused) else None


def _yes(unit: Unit, alert: Alert, offer: Offer, _pressed: PagePressed) -> Refused | None:
    """The machine says who goes, as for key 1; then everybody else's offers are let go."""
    refused = _acts(unit, alert, offer, Deed.ACCEPTS)
    if refused is None:
        _stop_ringing(unit, alert, offer)  # of a search only they themselves, as long as more are wanted
        offers.answer(unit, alert, offer, Said.YES, channel=PAGE)
        if alert.searching:
            _tell_where(unit, alert, offer)
    return refused


def _tell_where(unit: Unit, alert: Alert, offer: Offer) -> None:
    """The same text as after key 1: whom they look for and where, also where their telephone has no network."""
    theirs = [call for call in unit.calls.of_alert(alert.id) if call.party == offer.party]
    if theirs:
        unit.wish(SendText(theirs[-1].id, "sms_search", alert.id, offer.name))


def _no(unit: Unit, alert: Alert, offer: Offer, _pressed: PagePressed) -> Refused | None:
    offers.answer(unit, alert, offer, Said.NO, reason="page")  # before others are asked in their place
    _stop_ringing(unit, alert, offer)
    return _acts(unit, alert, offer, Deed.DECLINES)


def _stop_ringing(unit: Unit, alert: Alert, offer: Offer) -> None:
    """Their own telephone, which asks what they have answered."""
    for call in unit.calls.living(alert.id):
        if call.party == offer.party and call.dialogue in ASKING and not call.answered_at and not call.hang_up_at:
            change(unit, call, HangUpWanted(offers.SAID_ON_PAGE))


def _on_my_way(unit: Unit, alert: Alert, offer: Offer, _pressed: PagePressed) -> Refused | None:
    refused = _acts(unit, alert, offer, Deed.MOVES)
    if refused is None:
        offers.take(unit, alert.id, offer.party, Said.MOVES)
    return refused


def _at_door(unit: Unit, alert: Alert, offer: Offer, pressed: PagePressed) -> Refused | None:
    """With their position it is proved; without, it is their word, and a person asks them."""
    known = page_book.position(unit.connection, offer.id)
    fix = pressed.fix or (known.fix if known else None)
    if is_near(fix, _door(unit, alert), unit.policy_of(alert).arrive_radius_m, unit.now):
        return arrive(unit, alert, offer, Proof.POSITION, actor=offer.party)
    offers.says_there(unit, offer)
    return _acts(unit, alert, offer, Deed.SAYS_THERE)


def _more(unit: Unit, alert: Alert, offer: Offer, _pressed: PagePressed) -> Refused | None:
    return _acts(unit, alert, offer, Deed.NEEDS_MORE)


def _done(unit: Unit, alert: Alert, offer: Offer, _pressed: PagePressed) -> Refused | None:
    offers.take(unit, alert.id, offer.party, Said.FINISHED, reason="page")
    return _acts(unit, alert, offer, Deed.DONE)


def _cannot(unit: Unit, alert: Alert, offer: Offer, _pressed: PagePressed) -> Refused | None:
    offers.take(unit, alert.id, offer.party, Said.CANNOT, reason="page")
    return _acts(unit, alert, offer, Deed.CANNOT)


_PRESSED: dict[Button, Callable[[Unit, Alert, Offer, PagePressed], Refused | None]] = {
    Button.YES: _yes,
    Button.NO: _no,
    Button.ON_MY_WAY: _on_my_way,
    Button.AT_DOOR: _at_door,
    Button.MORE: _more,
    Button.DONE: _done,
    Button.CANNOT: _cannot,
}


def press(unit: Unit, pressed: PagePressed) -> KeySafe | Refused | None:
    link = links.held_by(unit, pressed.link_id, pressed.browser)
    if isinstance(link, Refused):
        return link
    alert, offer = _theirs(unit, link)
    button = Button(pressed.button)
    if button is Button.KEY:
        return _show_key(unit, link, alert, offer, pressed.press)
    if page_book.was_pressed(unit.connection, link.id, pressed.press):
        return None
    if button not in buttons(alert, offer):
        return _lost(alert) if button is Button.YES else NOT_HERE
    refused = _PRESSED[button](unit, alert, offer, pressed)
    if refused is None:  # one that was refused hears so again, if its answer was lost
        page_book.counts_press(unit.connection, link.id, pressed.press, unit.now)
    return refused


def _lost(alert: Alert) -> Refused:
    if alert.searching:
        return Refused("lost_race", f"{len(alert.searchers)} people are looking for them", alert.owner)
    return Refused("lost_race", f"{alert.responder_name or 'somebody'} is going", alert.owner)


def _show_key(unit: Unit, link: Link, alert: Alert, offer: Offer, press: str) -> KeySafe | Refused:
    """To who said yes, once; again only to the repeat of the same press, whose answer may have been lost."""
    if alert.exercise:  # a way into somebody's house is for who has to get in
        return NOT_HERE
    code = page_book.key_safe(unit.connection, _home(unit, alert).household)
    if code is None or page_state(alert, offer) is not PageState.GOING:
        return NOT_HERE
    if link.key_shown_at and link.key_press != press:
        return Refused("shown", "the code was shown once")
    if not link.key_shown_at:
        page_book.change_link(unit.connection, link.id, key_shown_at=unit.now, key_press=press)
        data = {"party": offer.party, "name": offer.name, "offer": offer.id}
        data |= {"operator": link.made_by} if link.made_by else {}  # who could have opened it in their place
        unit.log(alert, rule="responder.sees_key", actor=offer.party, data=data)
    return KeySafe(code)


def _home(unit: Unit, alert: Alert) -> directory.Home:
    return directory.home(unit.connection, alert.subject.resident, alert.subject.household)


def _door(unit: Unit, alert: Alert) -> Spot | None:
    return _home(unit, alert).at


def share(unit: Unit, shared: PositionShared) -> Refused | None:
    """Keep where they are now. That they come nearer, and that they are there, is an event; where they are is none."""
    link = links.held_by(unit, shared.link_id, shared.browser)
    if isinstance(link, Refused):
        return link
    alert, offer = _theirs(unit, link)
    if not shares_position(alert, offer):
        return NOT_HERE
    if alert.searching:  # shown to consoles; no door is what they come nearer to
        page_book.put_position(unit.connection, Position(offer.id, shared.fix, None))
        return None
    before, door = page_book.position(unit.connection, offer.id), _door(unit, alert)
    began = before.began_m if before else None
    if began is None and door and shared.fix.acc_m <= unit.policy_of(alert).arrive_radius_m:
        began = metres(shared.fix.spot, door)
    page_book.put_position(unit.connection, Position(offer.id, shared.fix, began))
    if door is None or began is None:
        return None
    found = seen(shared.fix, door, began, unit.policy_of(alert).arrive_radius_m, unit.now)
    if found.there:
        return arrive(unit, alert, offer, Proof.POSITION, actor=offer.party)
    if found.nearer and offer.state is OfferState.ACCEPTED:
        acted = ResponderActed(Deed.MOVES, offer.party, offer.name, Proof.POSITION.value)
        react(unit, alert, acted, actor=offer.party)
        offers.take(unit, alert.id, offer.party, Said.MOVES)
    return None


HANDLERS: dict[type, Handler] = {
    LinkWanted: Handler(links.want, withdrawable=True),
    LinkOpened: Handler(links.opens),
    PagePressed: Handler(press),
    PositionShared: Handler(share),
}
