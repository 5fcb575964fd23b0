"""Recordings: made when a leg or a room is over, told of a little later, fetched as a small real WAV, deleted."""

import io
import wave
from dataclasses import dataclass
from datetime import datetime

from simulators.carrier.account import Account, Network, Sids
from simulators.carrier.legs import Tape
from simulators.carrier.pace import Pace, rfc2822
from simulators.carrier.webhooks import Webhooks

RATE, LONGEST_S = 8000, 2  # the file is a token: a long call is not worth its megabytes


@dataclass(eq=False, slots=True)
class Recording:
    sid: str
    tape: Tape
    started_at: datetime
    seconds: int
    status: str = "processing"
    call_sid: str = ""
    conference_sid: str = ""


class Recordings:
    def __init__(self, account: Account, network: Network, sids: Sids, *, pace: Pace, webhooks: Webhooks) -> None:
        self.kept: dict[str, Recording] = {}
        self.origin = ""  # the carrier's own address, known when it listens
        self._account = account
        self._network = network
        self._sids = sids
        self._pace = pace
        self._webhooks = webhooks

    def begin(
        self, tape: Tape, started_at: datetime | None, *, call_sid: str = "", conference_sid: str = ""
    ) -> Recording:
        """Of what lasted from then until now; of nothing at all the carrier will say `absent`."""
        now = self._pace.now()
        seconds = max(1, round((now - started_at).total_seconds())) if started_at else 0
        made = Recording(
            self._sids.make("RE"), tape, started_at or now, seconds, call_sid=call_sid, conference_sid=conference_sid
        )
        self.kept[made.sid] = made
        return made

    async def finish(self, made: Recording) -> None:
        """Some time later it can be had, and is told of."""
        await self._pace.sleep(self._network.recording_after_s)
        made.status = "completed" if made.seconds and not self._network.recordings_absent else "absent"
        reports = made.tape.reports
        if reports.hook and made.status in reports.events:
            self._webhooks.tell(made.sid, reports.hook, self._params(made), last=True)

    def url(self, recording: Recording) -> str:
        return f"{self.origin}{self._account.path}/Recordings/{recording.sid}"

    def _params(self, made: Recording) -> dict[str, str]:
        of = {"CallSid": made.call_sid, "ConferenceSid": made.conference_sid}
        return {name: sid for name, sid in of.items() if sid} | {
            "AccountSid": self._account.sid,
            "RecordingSid": made.sid,
            "RecordingUrl": self.url(made),
            "RecordingStatus": made.status,
            "RecordingDuration": str(made.seconds),
            "RecordingChannels": str(made.tape.channels),
            "RecordingSource": made.tape.source,
            "RecordingStartTime": rfc2822(made.started_at),
            "RecordingTrack": "both",
        }


def sound(recording: Recording) -> bytes:
    """Silence, as a file that players open."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(recording.tape.channels)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"\0\0" * recording.tape.channels * RATE * min(recording.seconds, LONGEST_S))
    return file.getvalue()
