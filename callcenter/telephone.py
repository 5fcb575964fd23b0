"""Wiring of the telephone: gateways, the line that performs calls, what handles their news, and the webhooks."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from callcenter.alerts.call_inputs import CallNews, InboundCall
from callcenter.alerts.call_model import Call
from callcenter.alerts.effects import SendText
from callcenter.alerts.last_seen import Words
from callcenter.alerts.model import Alert
from callcenter.alerts.naming import surname
from callcenter.clock import Clock
from callcenter.ids import new_id
from callcenter.ports import Submit
from callcenter.privacy import Seal, normalised
from callcenter.responder.tokens import address, token
from callcenter.storage import call_book, page_queries, queries, sightings
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable
from callcenter.telephony.ari_client import AriSettings
from callcenter.telephony.ari_gateway import AriGateway
from callcenter.telephony.ari_words import sound_files
from callcenter.telephony.line import Line, Numbers
from callcenter.telephony.manual import ManualGateway
from callcenter.telephony.port import PhoneGateway, Tell
from callcenter.telephony.twilio_callbacks import TwilioCallbacks
from callcenter.telephony.twilio_gateway import TwilioAccount, TwilioGateway
from callcenter.telephony.twiml import Addresses, Twiml
from callcenter.telephony.webhooks import Translator, routes
from config.prompts import Prompts
from config.settings import Settings
from handlers.call_updates import CallUpdates, Lines
from handlers.outbox import Impossible, Perform

Later = Callable[[Callable[[Any], Any]], Awaitable[Any]]


def updates(settings: Settings, prompts: Prompts) -> CallUpdates:
    return CallUpdates(Lines(prompts, normalised(settings.sos_number)))


class Telephone:
    """What of the telephone runs in one process."""

    def __init__(self, settings: Settings, prompts: Prompts, seal: Seal, *, read: Reader, clock: Clock) -> None:
        self._settings, self._prompts, self._seal = settings, prompts, seal
        self._read, self._clock = read, clock
        self._twiml = Twiml(Addresses(settings.public))
        self.line: Line | None = None

    def connect(self, submit: Submit, later: Later) -> None:
        """Build the line. The door exists by now."""
        makers: dict[str, Callable[[Submit], PhoneGateway]] = {"twilio": self._twilio, "ari": self._ari}
        gateways = [makers[name](submit) for name in self._settings.gateways]
        self.line = Line(
            [*gateways, ManualGateway()],
            submit,
            self._call,
            self._clock,
            numbers=Numbers(self._settings.caller_id),
            text_of=self._text,
            recordings=self._settings.data_dir / "recordings",
            keep=partial(self._keep, later),
            others_of=self._others,
        )

    async def start(self) -> None:
        assert self.line is not None
        await self.line.start()

    async def stop(self) -> None:
        if self.line is not None:
            await self.line.stop()

    async def run(self) -> None:
        assert self.line is not None
        await self.line.run()

    @property
    def calling(self) -> bool:
        """Somebody can be rung by a carrier, or none was ever there: then people dial and know it."""
        return self.line is None or self.line.calling

    def performers(self) -> dict[str, Perform]:
        assert self.line is not None
        line = self.line
        return {
            "place_call": line.place_call,
            "find_call": line.find_call,
            "end_call": line.end_call,
            "end_stray": line.end_stray,
            "hold_call": line.hold_call,
            "speak_to": line.speak_to,
            "end_room": line.end_room,
            "send_text": partial(send_text, line),
            "fetch_recording": line.fetch_recording,
            # Without a carrier these reach the outbox as they are, and people are told to dial.
            "phone_group": by_hand,
            "phone_resident": by_hand,
            "phone_contact": by_hand,
            "phone_operator": by_hand,
            "phone_party": by_hand,
            "ask_responders": by_hand,
            "hang_up_others": nothing_to_end,
            "hang_up_colleague": nothing_to_end,
            "end_search": nothing_to_end,
            "leave_room": nothing_to_end,
        }

    def routes(self, tell: Tell, clock: Clock | None = None) -> list[web.RouteDef]:
        """Where carriers call back. `clock`: that of the limits within which they are answered."""
        translators: dict[str, Translator] = {}
        if "twilio" in self._settings.gateways:
            s = self._settings
            tokens = [s.twilio_token.get_secret_value(), s.twilio_next_token.get_secret_value()]
            translators["twilio"] = TwilioCallbacks(s.twilio_account, tokens, self._twiml, self._new_id)
        return routes(translators, tell, clock or self._clock)

    def _twilio(self, _submit: Submit) -> TwilioGateway:
        s = self._settings
        account = TwilioAccount(
            sid=s.twilio_account,
            token=s.twilio_token.get_secret_value(),
            sms_from=s.twilio_sms_from or s.caller_id,
            api=s.twilio_api,
            hosts=frozenset({urlsplit(s.twilio_api).hostname or ""}),
            fallback_url=s.twilio_fallback_url,
        )
        return TwilioGateway(account, self._twiml, self._clock)

    def _ari(self, submit: Submit) -> AriGateway:
        s = self._settings
        settings = AriSettings(
            s.ari_url, s.ari_user, s.ari_password.get_secret_value(), s.ari_app, trunk=s.ari_endpoint
        )
        media = sound_files(s.ari_sounds)
        return AriGateway(settings, tell=tell_of(submit), clock=self._clock, media=media, new_id=self._new_id)

    def _new_id(self) -> str:
        return new_id(self._clock.now())

    # -- what the line reads and writes

    async def _call(self, call_id: str) -> Call | None:
        try:
            return await self._read(call_book.call, call_id, self._seal)
        except Unavailable as error:
            raise ConnectionError(str(error)) from error

    async def _others(self, call: Call) -> frozenset[str]:
        try:
            return await self._read(call_book.other_refs, call, self._seal)
        except Unavailable as error:
            raise ConnectionError(str(error)) from error

    async def _text(self, call: Call, prompt: str, link: str) -> str:
        """Of a drill it begins with that it is one."""
        alert = await self._read(queries.alert, call.alert_id) if call.alert_id else None
        first = self._prompts.text("sms_drill", call.language) if alert and alert.drill else ""
        return first + await self._words_of(call, alert, prompt, link)

    async def _words_of(self, call: Call, alert: Alert | None, prompt: str, link: str) -> str:
        if link:
            return await self._text_with_link(call, prompt, link)
        if alert and prompt == "sms_search":
            now, words = self._clock.now(), Words(self._prompts, call.language)
            lost = await self._read(sightings.lost, alert, now)
            return self._prompts.text(
                prompt, call.language, name=words.name(lost, now), seen=words.seen(lost, now, written=True)
            )
        name, place = (alert.subject.name, alert.subject.place) if alert else (call.name, "")
        return self._prompts.text(prompt, call.language, name=name, place=place, kind="", goes="")

    async def _text_with_link(self, call: Call, prompt: str, link: str) -> str:
        """Whoever reads it on the way knows neither the whole name nor the address."""
        found = await self._read(page_queries.found, link, self._clock.now())
        if found is None:
            raise ConnectionError("the link is not there")
        say, language = self._prompts.text, call.language
        return say(
            prompt,
            language,
            who=say(f"polite_{found.sex}", language, name=surname(found.alert.subject.name)),
            kind=say(f"kind_{found.alert.kind.value}", language),
            area=found.area,
            link=address(self._settings.public, token(self._seal, link)),
            number=self._settings.caller_id,
        )

    async def _keep(self, later: Later, call: str, ref: str, sha256: str, size: int, file: str) -> None:
        now = self._clock.now()
        write = partial(call_book.recording_stored, call_id=call, ref=ref, sha256=sha256, size=size, file=file, now=now)
        await later(write)


async def send_text(line: Line, effect: SendText) -> Impossible | None:
    """An address that was not sent is told by voice: its alert hears of it, the number stands nowhere."""
    reason = await line.send_text(effect)
    return Impossible(reason) if reason else None


async def by_hand(_effect: object) -> Impossible:
    """No carrier is connected: people are told to call, and nobody believes that a call was made."""
    return Impossible("no_telephone")


async def nothing_to_end(_effect: object) -> None:
    """Nothing of ours rings."""


def tell_of(submit: Submit) -> Tell:
    async def tell(event: CallNews | InboundCall) -> Any:  # noqa: ANN401
        return await submit(event)

    return tell
