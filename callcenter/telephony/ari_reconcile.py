"""After every connection of the WebSocket: what the PBX has is compared with what is known, and the news that was
missed is told. Calls stay where they are while our socket is away; its events do not wait.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from callcenter.alerts.call_inputs import Heard, News
from callcenter.alerts.call_model import CallOutcome
from callcenter.clock import Clock
from callcenter.telephony.ari_client import AriClient, Json
from callcenter.telephony.ari_conversation import Conversation
from callcenter.telephony.ari_switchboard import Switchboard
from callcenter.telephony.ari_words import is_ours
from callcenter.telephony.port import LegGone, TelephonyError

log = structlog.get_logger()
GONE = "gone after reconnect"


@dataclass(frozen=True, slots=True)
class Found:
    """One live channel, the bridge it is in, and the room it was known to be in when the PBX was asked."""

    shape: Json
    room: str
    known_room: str


async def reconcile(ari: AriClient, board: Switchboard, clock: Clock) -> None:
    """Events are taken meanwhile. Where one has moved a leg since the PBX was asked, the event knows better."""
    before = {one.leg.ref: one.leg.room for one in board.conversations() if one.leg.placed}
    subscribed = set((await ari.application()).get("channel_ids", ()))
    bridges = {str(bridge["id"]): bridge for bridge in await ari.bridges()}
    rooms = {str(channel): room for room, bridge in bridges.items() for channel in bridge["channels"]}
    live = {str(shape["id"]): shape for shape in await ari.channels()}
    now = clock.now()
    for channel in before.keys() - live.keys():
        if conversation := board.find(channel):
            heard = Heard(News.ENDED, now, ref=channel, outcome=CallOutcome.LOST, cause=GONE)
            board.ended(conversation, heard, _event(News.ENDED, {"id": channel}, now))
    for channel, shape in live.items():
        if channel not in board.finished and (board.find(channel) or channel in subscribed):
            found = Found(shape, rooms.get(channel, ""), before.get(channel, ""))
            try:  # one that cannot be read must not cost the others their events
                await _catch_up(board, found, now)
            except Exception:
                log.exception("ari_channel_not_reconciled", ref=channel)
    await _recordings(ari, board, set(bridges), now)


async def _catch_up(board: Switchboard, found: Found, now: datetime) -> None:
    channel, state = str(found.shape["id"]), found.shape.get("state")
    conversation = board.conversation(channel)
    if conversation is None and not is_ours(channel):
        board.welcome(found.shape, _dialled(found.shape), _event("inbound", found.shape, now), room=found.room)
        return
    conversation = conversation or board.adopt(channel)
    if state == "Ringing":
        board.ringing(conversation, _event(News.RINGING, found.shape, now))
    if state == "Up" or conversation.leg.inbound:
        _place(board, conversation, found, now)
    await conversation.catch_up()


def _place(board: Switchboard, conversation: Conversation, found: Found, now: datetime) -> None:
    """Where it stands: in a room, out of it, waiting to be told what to do, or well served."""
    leg = conversation.leg
    moved = leg.room == found.known_room and found.room != leg.room
    unknown = leg.answered_at is None and not leg.inbound
    if moved and found.room:
        if unknown:
            board.answered(conversation, _event(News.ANSWERED, found.shape, now), obey=False)
        board.entered(conversation, found.room, _event(News.JOINED, found.shape, now))
        if conversation.idle:
            conversation.stay(found.room)
    elif moved:
        board.left(conversation, _event(News.LEFT, found.shape, now))
    elif unknown or (conversation.idle and not (leg.room or leg.held or leg.turn.locked())):
        _ask_again(board, conversation, found, now)


def _ask_again(board: Switchboard, conversation: Conversation, found: Found, now: datetime) -> None:
    if conversation.leg.inbound:
        board.welcome(found.shape, _dialled(found.shape), _event("inbound", found.shape, now))
    else:
        board.answered(conversation, _event(News.ANSWERED, found.shape, now))


async def _recordings(ari: AriClient, board: Switchboard, bridges: set[str], now: datetime) -> None:
    """A recording ends with its bridge; whether it was kept is asked."""
    for room, name in board.rooms.recordings().items():
        if room in bridges:
            continue
        try:
            await ari.stored_recording(name)
            failed = False
        except LegGone:
            failed = True
        except TelephonyError as error:
            log.warning("ari_recording_not_found_out", reason=error.detail)
            continue  # asked again at the next connection
        board.rooms.vanished(room)
        event = {"type": "Reconciled.recording", "timestamp": now.isoformat(), "recording": {"name": name}}
        board.recorded(name, event, failed=failed)


def _event(what: str, shape: Json, now: datetime) -> Json:
    return {"type": f"Reconciled.{what}", "timestamp": now.isoformat(), "channel": shape}


def _dialled(shape: Json) -> str:
    """Stasis(callcenter,inbound,NUMBER): its arguments where the PBX shows them, else where the call stands."""
    dialplan = shape.get("dialplan", {})
    arguments = str(dialplan.get("app_data", "")).split(",")
    return arguments[2] if len(arguments) > 2 else str(dialplan.get("exten", ""))
