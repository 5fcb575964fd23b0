"""What is done on a leg, in words no carrier owns: Twilio's adapter renders it, Asterisk's interprets it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Say:
    """Speak a text. `lang` is zh-CN or en."""

    text: str
    lang: str


@dataclass(frozen=True, slots=True)
class Play:
    """Play a recorded file, a path below the centre's public address."""

    file: str


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: int


@dataclass(frozen=True, slots=True)
class Ask:
    """Say `prompts` and wait for one key. What comes (or that nothing came) is heard as INPUT for `step`."""

    step: str
    prompts: tuple[Say | Play | Pause, ...]
    timeout_s: int = 10
    speech: bool = False  # a spoken word counts as an answer too


@dataclass(frozen=True, slots=True)
class Join:
    """Enter the room. `start` False: wait there until somebody who starts it comes. Leaving never ends the room."""

    room: str
    start: bool = True
    record: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    max_s: int


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Step = Say | Play | Pause | Ask | Join | Record | Hangup
Script = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What the door answers to a callback: the script of this leg, and the leg's id."""

    call_id: str
    script: Script
