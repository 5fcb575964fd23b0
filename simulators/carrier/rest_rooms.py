"""REST on conferences, their participants, and recordings."""

from xml.etree.ElementTree import Element, SubElement, tostring

from simulators.carrier import answers
from simulators.carrier.answers import Answer, Refusal
from simulators.carrier.asks import Ask
from simulators.carrier.documents import prompts_at
from simulators.carrier.legs import Script, Tape, Terms
from simulators.carrier.recordings import Recording, sound
from simulators.carrier.rest_calls import Calls
from simulators.carrier.rooms import Room, RoomTerms, Seat
from simulators.carrier.switchboard import Switchboard
from simulators.carrier.webhooks import Hook

TAPED = ("true", "record-from-start")
FLAGS = {  # field -> attribute of the seat, and what is told when it becomes true or false
    "Muted": ("muted", "participant-mute", "participant-unmute"),
    "Hold": ("hold", "participant-hold", "participant-unhold"),
    "Coaching": ("coaching", "participant-modify", "participant-modify"),
    "EndConferenceOnExit": ("ends_room", "participant-modify", "participant-modify"),
}


class Conferences:
    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._rooms = board.wires.rooms
        self._root = board.wires.account.path

    async def index(self, ask: Ask) -> Answer:
        rooms = [
            room
            for room in reversed(self._rooms.all.values())
            if ask.get("FriendlyName", room.name) == room.name and ask.get("Status", room.status) == room.status
        ]
        documents = [answers.room_document(room, self._root) for room in rooms]
        return Answer(body=answers.page("conferences", documents, ask.path, ask.pairs))

    async def fetch(self, ask: Ask) -> Answer:
        return Answer(body=answers.room_document(self._room(ask), self._root))

    async def update(self, ask: Ask) -> Answer:
        room = self._room(ask)
        if hook := ask.hook("AnnounceUrl"):
            self._board.in_background(self._announce(room, hook, list(room.seats.values())))
        if ask.get("Status") == "completed" and room.open:
            self._rooms.close(room, "conference-ended-via-api")
            await self._board.settle()
        return Answer(body=answers.room_document(room, self._root))

    # --- participants

    async def participants(self, ask: Ask) -> Answer:
        room = self._room(ask)
        seats = [
            seat
            for seat in room.seats.values()
            if all(ask.flag(name) == getattr(seat, FLAGS[name][0]) for name in FLAGS if ask.has(name))
        ]
        documents = [answers.seat_document(room, seat, self._root) for seat in seats]
        return Answer(body=answers.page("participants", documents, ask.path, ask.pairs))

    async def participant(self, ask: Ask) -> Answer:
        room = self._room(ask)
        return Answer(body=answers.seat_document(room, self._seat(room, ask), self._root))

    async def create_participant(self, ask: Ask) -> Answer:
        """Dial somebody into a room, which arises with it; its document is the one a customer would have written."""
        Calls(self._board).check_numbers(ask)
        tape = Tape("Conference", ask.reports("ConferenceRecordingStatusCallback"))
        room = self._rooms.enter(
            ask.parts["room"],
            RoomTerms(
                ask.reports("ConferenceStatusCallback", "start end"),
                tape if ask.get("ConferenceRecord") in TAPED else None,
            ),
        )
        terms = Terms(
            script=_into(room, ask),
            reports=ask.reports("StatusCallback"),
            ring_s=float(ask.get("Timeout", "60")),
            limit_s=float(ask.get("TimeLimit", "14400")),
            detection=ask.detection("AmdStatusCallback", beside=True),
            tape=ask.tape("OutboundAPI"),
        )
        leg = self._board.place(ask.get("To"), ask.get("From"), terms)
        seat = Seat(
            leg,
            label=ask.get("Label"),
            muted=ask.flag("Muted"),
            coaching=ask.flag("Coaching"),
            coached_sid=ask.get("CallSidToCoach"),
            starts=ask.flag("StartConferenceOnEnter", True),
            ends_room=ask.flag("EndConferenceOnExit"),
        )
        self._rooms.keep_seat(room, seat)
        return Answer(201, answers.seat_document(room, seat, self._root), leg)

    async def update_participant(self, ask: Ask) -> Answer:
        room = self._room(ask)
        seat = self._seat(room, ask)
        if ask.has("CallSidToCoach"):
            seat.coached_sid = ask.get("CallSidToCoach")
        if ask.flag("Coaching") and seat.coached_sid not in room.seats:
            raise Refusal(20001, "CallSidToCoach is nobody in this room")
        for name, (attribute, on, off) in FLAGS.items():
            if ask.has(name):
                setattr(seat, attribute, ask.flag(name))
                self._rooms.changed(room, seat, on if ask.flag(name) else off)
        for name in ("AnnounceUrl", "HoldUrl"):
            hook = ask.hook(name, "GET" if name == "HoldUrl" else "POST")
            if hook and (name == "AnnounceUrl" or seat.hold):
                self._board.in_background(self._announce(room, hook, [seat]))
        return Answer(body=answers.seat_document(room, seat, self._root))

    async def remove_participant(self, ask: Ask) -> Answer:
        self._rooms.kick(self._seat(self._room(ask), ask))
        await self._board.settle()
        return Answer(204)

    async def _announce(self, room: Room, hook: Hook, seats: list[Seat]) -> None:
        leg = seats[0].leg if len(seats) == 1 else None
        for prompt in await prompts_at(self._board, leg, hook):
            for seat in seats:
                if prompt.text:
                    seat.leg.heard.append(prompt.text)
            await self._board.wires.pace.sleep(prompt.seconds)
        self._rooms.announced(room, hook.url)

    def _room(self, ask: Ask) -> Room:
        wanted = ask.parts["room"]
        room = self._rooms.all.get(wanted)
        if room is None:
            raise Refusal(20404)
        return room

    def _seat(self, room: Room, ask: Ask) -> Seat:
        """By call or label."""
        wanted = ask.parts["seat"]
        for seat in room.seats.values():
            if wanted in (seat.leg.sid, seat.label):
                return seat
        raise Refusal(20404)


def _into(room: Room, ask: Ask) -> Script:
    """The document that sends the leg into the room. Flags are in its seat, which waits there already."""
    root = Element("Response")
    noun = SubElement(
        SubElement(root, "Dial"),
        "Conference",
        {"waitUrl": ask.get("WaitUrl"), "waitMethod": ask.get("WaitMethod", "POST")},
    )
    noun.text = room.sid
    return Script(text=tostring(root, encoding="unicode"))


class RecordingsRest:
    def __init__(self, board: Switchboard) -> None:
        self._recordings = board.wires.recordings
        self._root = board.wires.account.path

    async def index(self, ask: Ask) -> Answer:
        facts = {"CallSid": "call_sid", "ConferenceSid": "conference_sid"}
        kept = [
            made
            for made in reversed(self._recordings.kept.values())
            if all(getattr(made, facts[name]) == ask.get(name) for name in facts if ask.has(name))
        ]
        return Answer(body=answers.page("recordings", [self._document(made) for made in kept], ask.path, ask.pairs))

    async def fetch(self, ask: Ask) -> Answer:
        return Answer(body=self._document(self._made(ask)))

    async def media(self, ask: Ask) -> Answer:
        made = self._made(ask)
        if made.status != "completed":
            raise Refusal(20404)
        return Answer(body=sound(made))

    async def delete(self, ask: Ask) -> Answer:
        del self._recordings.kept[self._made(ask).sid]
        return Answer(204)

    def _made(self, ask: Ask) -> Recording:
        made = self._recordings.kept.get(ask.parts["sid"])
        if made is None:
            raise Refusal(20404)
        return made

    def _document(self, made: Recording) -> answers.Json:
        return answers.recording_document(made, self._root, self._recordings.url(made))
