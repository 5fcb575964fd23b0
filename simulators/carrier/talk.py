"""One conversation: plays documents to a leg verb by verb, and lets the other end react."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from xml.etree.ElementTree import Element

from simulators.carrier import twiml
from simulators.carrier.dialling import absolute, dial_numbers, events_of, hook_of, reports_of
from simulators.carrier.documents import fetch, prompts_at
from simulators.carrier.legs import Leg, Reports, Script, Tape
from simulators.carrier.rooms import Room, RoomTerms, Seat
from simulators.carrier.webhooks import Hook
from simulators.carrier.wires import Board

APOLOGY = "an application error has occurred"
REFUSED_AS = {"rejected": "no-answer", "busy": "busy"}
TAPED = ("true", "record-from-start")
RECORDED_S = 4.0  # how long somebody speaks after the tone


class HungUp(Exception):
    """The document ends the call; with which status."""

    def __init__(self, status: str = "completed") -> None:
        super().__init__(status)
        self.status = status


class Talk:
    def __init__(self, leg: Leg, board: Board) -> None:
        self._leg = leg
        self._board = board
        self._pace = board.wires.pace
        self._where = ""  # of the document being played: what its addresses are relative to
        self._verbs: dict[str, Callable[[Element], Awaitable[Script | None]]] = {
            "Gather": self._gather,
            "Redirect": self._redirect,
            "Hangup": self._hang_up,
            "Reject": self._reject,
            "Record": self._record,
            "Dial": self._dial,
        }

    async def run(self, script: Script | None) -> None:
        """Play document after document until one ends without naming the next."""
        while script is not None:
            self._where = script.url or self._where
            document = await fetch(self._board, self._leg, script)
            if document is None:
                self._board.answer(self._leg)
                self._leg.heard.append(APOLOGY)
                raise HungUp
            script = await self._play(document)

    async def _play(self, document: Element) -> Script | None:
        for element in document:
            if element.tag != "Reject":
                self._board.answer(self._leg)  # a call to us is answered by the first verb that is no refusal
            if element.tag in twiml.PROMPTS:
                await self._hear(twiml.prompts([element]))
            elif following := await self._verbs[element.tag](element):
                return following
        return None

    async def _hear(self, prompts: Iterable[twiml.Prompt]) -> None:
        for prompt in prompts:
            if prompt.text:
                self._leg.heard.append(prompt.text)
            await self._pace.sleep(prompt.seconds)

    def _next(self, element: Element, params: dict[str, str]) -> Script:
        """The action of a verb; without one it is the document's own address again."""
        url = element.get("action", "")
        return Script(absolute(self._where, url) if url else self._where, element.get("method", "POST"), params=params)

    # --- verbs: each returns where the next document is, or None to go on in this one

    async def _redirect(self, verb: Element) -> Script | None:
        return Script(absolute(self._where, (verb.text or "").strip()), verb.get("method", "POST"))

    async def _hang_up(self, _verb: Element) -> Script | None:
        raise HungUp

    async def _reject(self, verb: Element) -> Script | None:
        raise HungUp("completed" if self._leg.answered_at else REFUSED_AS[verb.get("reason", "rejected")])

    async def _gather(self, verb: Element) -> Script | None:
        leg, callee = self._leg, self._leg.callee
        accepted = verb.get("input", "dtmf").split()
        digits = callee.digits_at(leg.gathers) if "dtmf" in accepted else ""
        words = callee.words_at(leg.gathers) if "speech" in accepted else ""
        leg.gathers += 1
        prompts, timeout = twiml.prompts(verb), float(verb.get("timeout", "5"))
        if callee.early and (digits or words):  # barging in: the rest of the prompt is not heard
            await self._hear(prompts[: len(prompts) // 2])
        else:
            await self._hear(prompts)
            await self._pace.sleep(min(callee.after_s, timeout) if digits or words else timeout)
            if callee.after_s > timeout:
                digits = words = ""
        if digits:
            return await self._pressed(verb, digits, timeout)
        if words:
            leg.said.append(words)
            return self._next(verb, {"SpeechResult": words, "Confidence": "0.9"})
        return self._next(verb, {"Digits": ""}) if verb.get("actionOnEmptyResult") == "true" else None

    async def _pressed(self, verb: Element, keys: str, timeout: float) -> Script:
        self._leg.digits.append(keys)
        finish, wanted = verb.get("finishOnKey", "#"), int(verb.get("numDigits", "0"))
        ended = [place for place, key in enumerate(keys) if key in finish]
        digits = keys[: ended[0]] if ended else keys
        if wanted and len(digits) >= wanted:
            digits = digits[:wanted]
        elif not ended:
            await self._pace.sleep(timeout)  # it waits for more
        return self._next(verb, {"Digits": digits, "FinishedOnKey": keys[ended[0]] if ended else ""})

    async def _record(self, verb: Element) -> Script | None:
        began = self._pace.now()
        await self._pace.sleep(min(RECORDED_S, float(verb.get("maxLength", "3600"))))
        tape = Tape("RecordVerb", reports_of(verb, "recordingStatusCallback", self._where, default="completed"))
        recordings = self._board.wires.recordings
        made = recordings.begin(tape, began, call_sid=self._leg.sid)
        self._board.in_background(recordings.finish(made))
        facts = {"RecordingUrl": recordings.url(made), "RecordingSid": made.sid}
        return self._next(verb, facts | {"RecordingDuration": str(made.seconds), "Digits": "hangup"})

    async def _dial(self, verb: Element) -> Script | None:
        room = verb.find("Conference")
        if room is None:
            told = await dial_numbers(self._board, self._leg, verb, self._where)
        else:
            await self.join(*self._seat(room))
            told = {"DialCallStatus": "completed"}
        return self._next(verb, told) if verb.get("action") else None

    # --- rooms

    async def join(self, room: Room, seat: Seat, wait: Hook | None = None) -> None:
        await self._board.wires.rooms.stay(room, seat, self._wait(room, wait))

    async def _wait(self, room: Room, hook: Hook | None) -> None:
        if hook is None or room.status != "init":
            return
        prompts = await prompts_at(self._board, self._leg, hook)
        while prompts and room.status == "init":
            await self._hear(prompts)
            await asyncio.sleep(0)  # prompts may last no time at all
            if not any(prompt.seconds for prompt in prompts):
                return

    def _seat(self, noun: Element) -> tuple[Room, Seat, Hook | None]:
        events = events_of(noun, "statusCallbackEvent", "start end")
        told = reports_of(noun, "recordingStatusCallback", self._where, default="completed")
        tape = Tape("Conference", told) if noun.get("record") in TAPED else None
        terms = RoomTerms(Reports(hook_of(noun, "statusCallback", self._where), events), tape)
        room = self._board.wires.rooms.enter((noun.text or "").strip(), terms)
        seat = Seat(
            self._leg,
            label=noun.get("participantLabel", ""),
            muted=noun.get("muted") == "true",
            coaching=bool(noun.get("coach")),
            coached_sid=noun.get("coach", ""),
            starts=noun.get("startConferenceOnEnter", "true") == "true",
            ends_room=noun.get("endConferenceOnExit") == "true",
        )
        url = noun.get("waitUrl", "")
        wait = Hook(absolute(self._where, url), noun.get("waitMethod", "POST")) if url else None
        return room, seat, wait
