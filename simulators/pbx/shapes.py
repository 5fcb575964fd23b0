"""What the stand-in keeps of channels, bridges, playbacks and recordings, and the JSON in which it shows them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from simulators.pbx.callees import Callee

Json: TypeAlias = dict[str, Any]
PROMPT_S = 3.0  # how long a sound file lasts that is not silence
SILENCE = "sound:silence/"
MISSING = "missing"  # a sound whose name holds this is not there


class Refused(Exception):
    """A status and a sentence instead of what was asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


@dataclass(slots=True, eq=False)
class Channel:
    id: str
    endpoint: str
    caller: str
    exten: str
    created: datetime
    callee: Callee
    state: str = "Down"
    dialled: bool = True  # by our application; else it came in
    arguments: tuple[str, ...] = ()
    in_application: bool = False
    bridge: "Bridge | None" = None
    music: bool = False
    prompts: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    line: asyncio.Lock = field(default_factory=asyncio.Lock)  # one playback after the other
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def shape(self, app: str) -> Json:
        data = ",".join((app, *self.arguments)) if self.in_application else ""
        return {
            "id": self.id,
            "name": f"{self.endpoint}-{self.id[-8:]}",
            "protocol_id": "",
            "state": self.state,
            "caller": {"name": "", "number": self.caller},
            "connected": {"name": "", "number": ""},
            "accountcode": "",
            "dialplan": {
                "context": "default",
                "exten": self.exten,
                "priority": 1,
                "app_name": "Stasis" if self.in_application else "AppDial2",
                "app_data": data,
            },
            "creationtime": stamp(self.created),
            "language": "en",
        }


@dataclass(slots=True, eq=False)
class Bridge:
    id: str
    created: datetime
    members: list[Channel] = field(default_factory=list)
    music: bool = False

    def shape(self) -> Json:
        return {
            "id": self.id,
            "technology": "softmix",
            "bridge_type": "mixing",
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": "",
            "channels": [channel.id for channel in self.members],
            "creationtime": stamp(self.created),
            "video_mode": "none",
        }


@dataclass(slots=True, eq=False)
class Playback:
    id: str
    media: tuple[str, ...]
    channel: Channel
    state: str = "queued"
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def lasts_s(self) -> float:
        return sum(float(uri[len(SILENCE) :]) if uri.startswith(SILENCE) else PROMPT_S for uri in self.media)

    @property
    def missing(self) -> bool:
        return any(MISSING in uri for uri in self.media)

    def shape(self) -> Json:
        return {
            "id": self.id,
            "media_uri": self.media[-1],
            "target_uri": f"channel:{self.channel.id}",
            "language": "en",
            "state": self.state,
        }


@dataclass(slots=True, eq=False)
class Recording:
    name: str
    format: str
    target: str
    state: str = "recording"

    def shape(self) -> Json:
        return {"name": self.name, "format": self.format, "state": self.state, "target_uri": self.target}


@dataclass(frozen=True, slots=True)
class Originate:
    """One entry of the ledger: a telephone that really rang."""

    channel: str
    endpoint: str
    caller_id: str
    at: datetime


Send = Callable[[Json], bool]  # False: nobody listens, the event is lost
