"""What must hold of every change of a call and of an offer. Each answers how many things it looked at."""

from operator import attrgetter

from benchmarks.year.breach import Breach
from callcenter.alerts.call_model import STATE_RANK, Call, CallState
from callcenter.alerts.offer_model import ASKED, ENDED, GOING, Offer

ONCE = ("placed_at", "ringing_at", "answered_at", "joined_at", "ended_at", "hang_up_at")  # said once, never changed
FIXED = ("party", "number", "role", "dialogue", "direction", "wanted_at", "not_after")
_once, _fixed = attrgetter(*ONCE), attrgetter(*FIXED)


def call(before: Call | None, after: Call) -> int:
    if after.over != (after.due is None):
        raise Breach("every call that is not over is looked after", after.alert_id, f"{after.state}, due {after.due}")
    if after.over and after.outcome is None:
        raise Breach("a call ends with an outcome", after.alert_id, after.state)
    if before is None:
        return 2
    if before.over and after.state is not before.state:
        raise Breach("over is over", after.alert_id, f"a call that was {before.state} is {after.state}")
    back = STATE_RANK[after.state] < STATE_RANK[before.state]
    if back and (before.state, after.state) != (CallState.UNKNOWN, CallState.WANTED):
        raise Breach("a call goes forward", after.alert_id, f"{before.state} became {after.state}")
    for name, known, now in zip(ONCE, _once(before), _once(after), strict=True):
        if known is not None and now != known:
            raise Breach("a time is written once", after.alert_id, f"{name} of a call: {known}")
    if _fixed(before) != _fixed(after):
        changed = [name for name in FIXED if getattr(before, name) != getattr(after, name)]
        raise Breach("whose call it is never changes", after.alert_id, f"{changed}")
    if before.answer is not None and after.answer not in (before.answer, "too_late"):
        raise Breach("an answer is an answer", after.alert_id, f"{before.answer} became {after.answer}")
    return 7


def _step(offer: Offer) -> int:
    return 0 if offer.state in ASKED else 1 if offer.state in GOING else 2


def offer(before: Offer | None, after: Offer) -> int:
    if (after.state in ENDED) != (after.ended_at is not None):
        raise Breach("an offer that ended has a time", after.alert_id, f"{after.party} is {after.state}")
    if before is None:
        return 1
    if before.state in ENDED and after != before:
        raise Breach("over is over", after.alert_id, f"an offer that was {before.state} is {after.state}")
    if _step(after) < _step(before):
        raise Breach("an offer goes forward", after.alert_id, f"{before.state} became {after.state}")
    if before.accepted_at is not None and after.accepted_at != before.accepted_at:
        raise Breach("a time is written once", after.alert_id, f"the yes of {after.party}")
    return 4
