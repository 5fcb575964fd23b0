"""Links to the page of somebody who was asked: made, sent by text where allowed, opened once (docs/adr/0016)."""

import hmac
import secrets
from datetime import timedelta

from callcenter import metrics
from callcenter.alerts.call_model import Call
from callcenter.alerts.effects import SendText
from callcenter.alerts.model import UNRESOLVED, Alert
from callcenter.alerts.offer_model import GOING, Offer
from callcenter.alerts.rules import Refused
from callcenter.ports import LinkMade, LinkOpened, LinkWanted
from callcenter.storage import page_book
from callcenter.storage.page_book import Link
from callcenter.storage.unit import Unit
from handlers import offers

LASTS = timedelta(hours=12)  # longer than anybody is under way; and its alert being over ends it sooner
ID_BYTES = 9


def make(unit: Unit, offer: Offer, *, by: str = "") -> Link:
    """One that opens nothing yet."""
    link = Link(
        id=secrets.token_urlsafe(ID_BYTES),
        alert_id=offer.alert_id,
        offer_id=offer.id,
        party=offer.party,
        made_at=unit.now,
        expires_at=unit.now + LASTS,
        made_by=by,
    )
    page_book.add_link(unit.connection, link)
    unit.count(metrics.responder_pages.labels("made").inc)
    return link


def text(unit: Unit, call: Call, offer: Offer) -> None:
    """Beside the call, never instead of it. Asked again they get the same link: its page may be open in their hand."""
    if unit.links:
        theirs = page_book.texted(unit.connection, offer.alert_id, offer.party, unit.now)
        unit.wish(SendText(call.id, "sms_link", link=theirs or make(unit, offer).id))


def text_to_who_goes(unit: Unit, alert: Alert, call: Call) -> None:
    """They pressed 1. Who was not asked by an offer (they rang back) has no link yet."""
    offer = offers.living(unit, alert.id, call.party)
    if offer and not page_book.links_of_party(unit.connection, alert.id, call.party):
        text(unit, call, offer)


def want(unit: Unit, wanted: LinkWanted) -> LinkMade | Refused:
    """By an operator, to be sent by any other way. Who made it is kept, the link is not.

    It ends the page in the hand of whoever it is for, and shows a way into a house: so its owner or a supervisor, and
    of somebody who is going with a reason.
    """
    alert_id = page_book.alert_of_offer(unit.connection, wanted.offer_id)
    alert = unit.alert(alert_id) if alert_id else None
    offer = next((one for one in unit.offers.of_alert(alert.id) if one.id == wanted.offer_id), None) if alert else None
    if alert is None or offer is None:
        return Refused("not_found", "there is no such offer")
    if alert.state not in UNRESOLVED:
        return Refused("not_allowed", "the alert is over", alert.owner)
    if not (wanted.by.supervisor or (alert.owner is not None and alert.owner.id == wanted.by.id)):
        who = f"{alert.owner.name} has it" if alert.owner else "nobody has claimed it"
        return Refused("not_owner", who, alert.owner)
    living = offers.living(unit, alert.id, offer.party)
    if living and living.state in GOING and not wanted.reason:
        return Refused("they_go", f"{offer.name} is going: say why their page has to end", alert.owner)
    page_book.revoke_links(unit.connection, alert.id, offer.party, unit.now)
    link = make(unit, offer, by=wanted.by.id)
    data = {"offer": offer.id, "party": offer.party, "name": offer.name}
    data |= {"text": wanted.reason} if wanted.reason else {}
    unit.log(alert, rule="link.made", actor=f"operator:{wanted.by.id}", data=data)
    return LinkMade(link.id, link.expires_at)


def opens(unit: Unit, opened: LinkOpened) -> Refused | None:
    """The first browser has it from now on; of two at once one is the first."""
    link = page_book.link(unit.connection, opened.link_id)
    if refused := _refused(unit, link):
        return refused
    assert link is not None
    if link.browser:
        return None if hmac.compare_digest(link.browser, opened.browser) else _REPLAYED
    page_book.change_link(unit.connection, link.id, browser=opened.browser, opened_at=unit.now)
    theirs = next((one for one in unit.offers.of_alert(link.alert_id) if one.id == link.offer_id), None)
    data = {"party": link.party, "name": theirs.name if theirs else "", "offer": link.offer_id}
    unit.log(unit.alert(link.alert_id), rule="link.opened", actor=link.party, data=data)
    unit.count(metrics.responder_pages.labels("opened").inc)
    return None


def held_by(unit: Unit, link_id: str, browser: str) -> Link | Refused:
    """The link, if this is the browser that opened it."""
    link = page_book.link(unit.connection, link_id)
    if refused := _refused(unit, link):
        return refused
    assert link is not None
    holds = bool(link.browser) and hmac.compare_digest(link.browser, browser)
    return link if holds else _REPLAYED


_REPLAYED = Refused("replayed", "another browser has opened this link")


def _refused(unit: Unit, link: Link | None) -> Refused | None:
    if link is None:
        return Refused("forged", "there is no such link")
    if link.revoked_at or link.expires_at <= unit.now:
        return Refused("expired", "this link opens nothing any more")
    return None
