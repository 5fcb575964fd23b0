"""That somebody is at the door, proved by a device of the house (docs/adr/0017)."""

from datetime import timedelta

from callcenter.alerts.inputs import Deed, ResponderActed
from callcenter.alerts.model import Alert
from callcenter.alerts.offer_model import Offer, OfferState, Proof
from callcenter.alerts.offer_rules import Said
from callcenter.alerts.rules import Refused
from callcenter.storage.unit import Unit
from devices.events import Signal, SignalKind
from handlers import offers
from handlers.reaction import react

WITHIN = timedelta(minutes=10)  # of their own word
UNDER_WAY = frozenset({OfferState.ACCEPTED, OfferState.EN_ROUTE})
_BY_HAND = frozenset({"button", "phone_key", "pull_cord"})


def arrive(unit: Unit, alert: Alert, offer: Offer, proof: Proof, *, actor: str) -> Refused | None:
    """Write it down with its proof, on the alert and on their offer."""
    acted = ResponderActed(Deed.ARRIVES, offer.party, offer.name, proof.value)
    entry = react(unit, alert, acted, actor=actor)
    if isinstance(entry, Refused):
        return entry
    offers.take(unit, alert.id, offer.party, Said.THERE, proof=proof)
    return None


def prove(unit: Unit, alert: Alert, signal: Signal) -> bool:
    """A test pressed by hand, just after somebody under way has said that they are at the door.

    Each alone says too little: a test may be the resident's, a word may be a slip. An SOS never comes here.
    """
    body = signal.body
    if body.kind is not SignalKind.TEST or body.src not in _BY_HAND or signal.retained:
        return False
    say_so = [
        offer
        for offer in unit.offers.of_alert(alert.id)
        if offer.state in UNDER_WAY and offer.says_there_at and unit.now - offer.says_there_at <= WITHIN
    ]
    if not say_so:
        return False
    latest = max(say_so, key=lambda offer: offer.says_there_at or offer.asked_at)
    return arrive(unit, alert, latest, Proof.DEVICE, actor=f"device:{signal.device}") is None
