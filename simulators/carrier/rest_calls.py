"""REST on calls and messages."""

import re
from collections.abc import Iterable
from datetime import datetime

from simulators.carrier import answers, messages
from simulators.carrier.answers import Answer, Refusal
from simulators.carrier.asks import Ask
from simulators.carrier.legs import Follow, HangUp, Leg, Terms
from simulators.carrier.messages import Message
from simulators.carrier.switchboard import Switchboard

E164 = re.compile(r"\+[1-9]\d{6,14}")
LONGEST_TWIML = 4000


class Calls:
    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._account = board.wires.account

    async def create(self, ask: Ask) -> Answer:
        self.check_numbers(ask)
        script = ask.script()
        if script is None or (ask.get("Url") and not ask.get("Url").startswith(("http://", "https://"))):
            raise Refusal(21205)
        if len(script.text) > LONGEST_TWIML:
            raise Refusal(20001, "Twiml is too long")
        terms = Terms(
            script=script,
            fallback=ask.fallback(),
            reports=ask.reports("StatusCallback"),
            ring_s=float(ask.get("Timeout", "60")),
            limit_s=float(ask.get("TimeLimit", "14400")),
            detection=ask.detection("AsyncAmdStatusCallback", beside=ask.flag("AsyncAmd")),
            tape=ask.tape("OutboundAPI"),
        )
        leg = self._board.place(ask.get("To"), ask.get("From"), terms)
        return Answer(201, self._document(leg), leg)

    def check_numbers(self, ask: Ask) -> None:
        """Of whom is called, and as whom."""
        to, shown, network = ask.get("To"), ask.get("From"), self._board.wires.network
        if not to:
            raise Refusal(21201)
        if not shown:
            raise Refusal(21213)
        if not E164.fullmatch(to):
            raise Refusal(21211, to)
        if to.startswith(network.forbidden):
            raise Refusal(21215)
        if self._account.numbers and shown not in self._account.numbers:
            raise Refusal(21210, shown)

    async def index(self, ask: Ask) -> Answer:
        legs = [leg for leg in reversed(self._board.legs.values()) if _fits(leg, ask)]
        documents = [self._document(leg) for leg in legs]
        return Answer(body=answers.page("calls", documents, ask.path, ask.pairs))

    async def fetch(self, ask: Ask) -> Answer:
        return Answer(body=self._document(self._leg(ask)))

    async def update(self, ask: Ask) -> Answer:
        leg, script = self._leg(ask), ask.script()
        if status := ask.get("Status"):
            self._board.order(leg, HangUp("canceled" if status == "canceled" else "completed"))
        elif script:
            if leg.status != "in-progress":
                raise Refusal(21220)
            self._board.order(leg, Follow(script))
        await self._board.settle()
        return Answer(body=self._document(leg))

    def _leg(self, ask: Ask) -> Leg:
        leg = self._board.legs.get(ask.parts["sid"])
        if leg is None:
            raise Refusal(20404)
        return leg

    def _document(self, leg: Leg) -> answers.Json:
        return answers.call_document(leg, self._account.path)


class Messages:
    def __init__(self, board: Switchboard) -> None:
        self.all: dict[str, Message] = {}
        self._board = board
        self._wires = board.wires

    async def create(self, ask: Ask) -> Answer:
        to, shown = ask.get("To"), ask.get("From")
        checks = (
            (not to, 21604),
            (not shown and not ask.get("MessagingServiceSid"), 21603),
            (not ask.get("Body"), 21602),
            (not E164.fullmatch(to), 21211),
            (to.startswith(self._wires.network.forbidden), 21408),
            (to.startswith(self._wires.network.landlines), 21614),
            (bool(shown and self._wires.account.numbers and shown not in self._wires.account.numbers), 21606),
        )
        for wrong, code in checks:
            if wrong:
                raise Refusal(code)
        sid, fate = self._wires.sids.make("SM"), self._board.callee_at(to).sms
        hook = ask.hook("StatusCallback")
        message = Message(sid, to, shown, ask.get("Body"), hook, fate, self._wires.pace.now())
        self.all[message.sid] = message
        self._board.in_background(messages.send(message, self._wires))
        return Answer(201, self._document(message))

    async def index(self, ask: Ask) -> Answer:
        kept = [m for m in reversed(self.all.values()) if _same(ask, {"To": m.to, "From": m.from_})]
        kept = [m for m in kept if _within(ask, "DateSent", m.sent_at or m.created_at)]
        return Answer(body=answers.page("messages", [self._document(m) for m in kept], ask.path, ask.pairs))

    async def fetch(self, ask: Ask) -> Answer:
        message = self.all.get(ask.parts["sid"])
        if message is None:
            raise Refusal(20404)
        return Answer(body=self._document(message))

    def _document(self, message: Message) -> answers.Json:
        return answers.message_document(message, self._wires.account.path)


def _fits(leg: Leg, ask: Ask) -> bool:
    facts = {"To": leg.to, "From": leg.from_, "Status": leg.status, "ParentCallSid": leg.terms.parent_sid}
    # A queued call has no start time; being found by the time it was placed is our reading, unverified.
    times = {"StartTime": leg.started_at or leg.placed_at, "EndTime": leg.ended_at}
    return _same(ask, facts) and all(_within(ask, name, moment) for name, moment in times.items())


def _same(ask: Ask, facts: dict[str, str]) -> bool:
    return all(ask.get(name) == value for name, value in facts.items() if ask.has(name))


def _within(ask: Ask, name: str, moment: datetime | None) -> bool:
    """Dates are compared by the second, as the documents show them. Twilio's `<` and `>` include the limit."""
    limits: Iterable[tuple[str, str]] = [
        (mark, ask.get(name + mark)) for mark in ("", "<", ">") if ask.has(name + mark)
    ]
    for mark, text in limits:
        if moment is None:
            return False
        limit = text.rstrip("Z").replace(" ", "T")
        shown = moment.strftime("%Y-%m-%dT%H:%M:%S")[: len(limit)]
        if not {"": shown == limit, "<": shown <= limit, ">": shown >= limit}[mark]:
            return False
    return True
