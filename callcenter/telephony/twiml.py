"""How a script is told to Twilio: every step as TwiML, and the addresses at which the carrier asks what comes next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from twilio.twiml.voice_response import VoiceResponse  # type: ignore[import-untyped]  # noqa: TID251

from callcenter.alerts.script import Ask, Hangup, Join, Pause, Play, Record, Say, Script


@dataclass(frozen=True, slots=True)
class Voice:
    """A pair that does not fit fails the whole verb: without a name the carrier takes the language's default voice."""

    language: str
    name: str | None = None


# Addresses that only report. By itself the carrier tells them once more, and only where it could not connect; so it
# tells them up to five times within 15 s whatever went wrong (Twilio, "Webhooks: Connection Overrides"). Nobody waits
# on the line for them.
NOTICES = frozenset({"status", "room", "amd", "rec", "sms"})
RETRIED = "#rc=5&rp=all"
VOICES: Mapping[str, Voice] = {"zh-CN": Voice("cmn-CN"), "en": Voice("en-GB")}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a carrier finds us. `public` is the address the world uses, with the proxy's prefix where there is one."""

    public: str
    provider: str = "twilio"

    @property
    def origin(self) -> str:
        return self.public.rstrip("/")

    def at(self, kind: str, id: str = "", query: Mapping[str, str] | None = None) -> str:
        path = f"{self.origin}/telephony/{self.provider}/v1/{kind}" + (f"/{quote(id, safe='')}" if id else "")
        address = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        return address + RETRIED if kind in NOTICES else address

    def file(self, path: str) -> str:
        return f"{self.origin}/{quote(path.lstrip('/'))}"


@dataclass(frozen=True, slots=True)
class Leg:
    """Whose script it is.

    `query` (role, room) travels in the addresses the carrier asks next: they are signed, so they still say where
    somebody belongs when nothing can be looked up. `after` names what this script follows, so that two answers to
    the same question, asked twice, are two events, and one answer sent twice is one.
    """

    call_id: str
    query: Mapping[str, str] = field(default_factory=dict)
    after: str = ""


def _speakable(text: str) -> str:
    """XML cannot hold control characters: a single one and the carrier drops the call."""
    return "".join(char if char.isprintable() else " " for char in text)


class Twiml:
    """Renders scripts. Twilio's own classes escape: text goes in as it is."""

    def __init__(self, addresses: Addresses, *, voices: Mapping[str, Voice] = VOICES, hold_music: str = "") -> None:
        self.addresses = addresses
        self._voices, self._hold_music = voices, hold_music
        self._verbs: dict[type, Callable[[Any, Any, Leg], None]] = {
            Say: self._say,
            Play: self._play,
            Pause: self._pause,
            Ask: self._ask,
            Join: self._join,
            Record: self._record,
            Hangup: self._hang_up,
        }

    def document(self, script: Script, leg: Leg) -> str:
        response = VoiceResponse()
        self._add(response, script, leg)
        return str(response)

    def wait(self, words: tuple[Say, ...], address: str) -> str:
        """Say `words` and ask again at `address`."""
        response = VoiceResponse()
        self._add(response, words, Leg(""))
        response.redirect(address, method="POST")
        return str(response)

    def _add(self, verb: Any, steps: Script, leg: Leg) -> None:  # noqa: ANN401
        for step in steps:
            self._verbs[type(step)](verb, step, leg)

    def _voice(self, lang: str) -> Voice:
        return self._voices.get(lang) or self._voices["zh-CN"]

    def _say(self, verb: Any, say: Say, _leg: Leg) -> None:  # noqa: ANN401
        voice = self._voice(say.lang)
        verb.say(_speakable(say.text), voice=voice.name, language=voice.language)

    def _play(self, verb: Any, play: Play, _leg: Leg) -> None:  # noqa: ANN401
        verb.play(self.addresses.file(play.file))

    def _pause(self, verb: Any, pause: Pause, _leg: Leg) -> None:  # noqa: ANN401
        verb.pause(length=pause.seconds)

    def _step(self, leg: Leg, name: str) -> str:
        after = {"after": leg.after} if leg.after else {}
        return self.addresses.at("step", leg.call_id, {"step": name, **leg.query, **after})

    def _ask(self, verb: Any, ask: Ask, leg: Leg) -> None:  # noqa: ANN401
        action = self._step(leg, ask.step)
        spoken = next((prompt.lang for prompt in ask.prompts if isinstance(prompt, Say)), "zh-CN")
        hearing = {"speech_timeout": 2, "language": self._voice(spoken).language} if ask.speech else {}
        gather = verb.gather(
            input="dtmf speech" if ask.speech else "dtmf",
            num_digits=1,
            finish_on_key="",  # '#' is a key like any other
            timeout=ask.timeout_s,
            action_on_empty_result=True,
            action=action,
            method="POST",
            **hearing,
        )
        self._add(gather, ask.prompts, leg)
        verb.redirect(action, method="POST")  # a gather that falls through would end in silence and hang up

    def _join(self, verb: Any, join: Join, leg: Leg) -> None:  # noqa: ANN401
        recording = {
            "record": "record-from-start",
            "recording_status_callback": self.addresses.at("rec", leg.call_id),
            "recording_status_callback_method": "POST",
            "recording_status_callback_event": "completed absent",
        }
        verb.dial().conference(
            join.room,
            participant_label=leg.call_id,
            start_conference_on_enter=join.start,
            end_conference_on_exit=False,  # on every leg, the operator's too: rooms are closed by us
            beep=False,
            wait_url=self._hold_music or None,  # an empty one is silence, and who hears nothing hangs up
            wait_method="GET" if self._hold_music else None,
            status_callback=self.addresses.at("room", leg.call_id),
            status_callback_method="POST",
            status_callback_event="start end join leave",
            **(recording if join.record else {}),
        )

    def _record(self, verb: Any, record: Record, leg: Leg) -> None:  # noqa: ANN401
        # Without an address of its own the verb asks for this very document again, for ever.
        verb.record(
            max_length=record.max_s,
            play_beep=True,
            action=self._step(leg, "recorded"),
            method="POST",
            recording_status_callback=self.addresses.at("rec", leg.call_id),
            recording_status_callback_method="POST",
            recording_status_callback_event="completed absent",
        )

    def _hang_up(self, verb: Any, _hangup: Hangup, _leg: Leg) -> None:  # noqa: ANN401
        verb.hangup()
