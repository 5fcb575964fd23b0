"""What somebody who was asked sees on their page, and which buttons it has. Pure.

The page and whoever takes its presses ask the same function, so a button that is shown is one that works.
"""

from enum import StrEnum

from callcenter.alerts.model import UNRESOLVED, Alert, wants_somebody
from callcenter.alerts.offer_model import GOING, Offer, OfferState


class PageState(StrEnum):
    ASKED = "asked"  # only what is needed to decide
    GOING = "going"  # address, how to get in, what they can say
    SEARCHING = "searching"  # whom they look for and where to begin; nothing of a house in which nobody is
    THANKS = "thanks"  # nothing of anybody


class Button(StrEnum):
    YES = "yes"
    NO = "no"
    ON_MY_WAY = "on_my_way"
    AT_DOOR = "at_door"
    MORE = "more"
    DONE = "done"
    CANNOT = "cannot"
    KEY = "key"  # shows the code of the key-safe, once


def page_state(alert: Alert, offer: Offer) -> PageState:
    """Whoever was not reached, or was let go, may still go as long as somebody is wanted.

    A yes to going to the door is none to looking for somebody who is not behind it: they are asked anew.
    """
    if alert.state not in UNRESOLVED:
        return PageState.THANKS
    if alert.searching and offer.party in alert.searchers:
        return PageState.SEARCHING
    if offer.state in GOING and not alert.searching:
        return PageState.GOING
    said_no = offer.state in (OfferState.DECLINED, OfferState.DONE)
    return PageState.ASKED if wants_somebody(alert) and not said_no else PageState.THANKS


_ASKED = (Button.YES, Button.NO)
_GOING = {
    OfferState.ACCEPTED: (Button.ON_MY_WAY, Button.AT_DOOR, Button.MORE, Button.DONE, Button.CANNOT),
    OfferState.EN_ROUTE: (Button.AT_DOOR, Button.MORE, Button.DONE, Button.CANNOT),
    OfferState.ON_SCENE: (Button.MORE, Button.DONE),
}
_SEARCHING = (Button.MORE, Button.DONE)


def buttons(alert: Alert, offer: Offer) -> tuple[Button, ...]:
    """In the order in which they are shown. The key-safe has its own place."""
    state = page_state(alert, offer)
    if state is PageState.GOING:
        return _GOING[offer.state]
    return {PageState.ASKED: _ASKED, PageState.SEARCHING: _SEARCHING}.get(state, ())


def shares_position(alert: Alert, offer: Offer) -> bool:
    """Between saying yes and being there, or as long as they look; at no other time."""
    under_way = offer.state in (OfferState.ACCEPTED, OfferState.EN_ROUTE)
    return under_way and page_state(alert, offer) in (PageState.GOING, PageState.SEARCHING)
