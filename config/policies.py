"""Alert policy as data: the ladder of an unclaimed alert and every limit, read from escalation.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

RESPONDER_KINDS = frozenset({"neighbour", "family", "village_doctor", "carer", "town_station", "district_command"})
DEFAULT_FILE = Path(__file__).with_name("escalation.toml")


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder of an unclaimed alert.

    `after_s` seconds after the alarm opened; `phone` names the group to be phoned, None for none.
    """

    id: str
    after_s: int
    phone: str | None


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs in order; after the last the alert rings again every `repeat_s` seconds."""

    rungs: tuple[Rung, ...]
    repeat_s: int


@dataclass(frozen=True, slots=True)
class CallPolicy:
    """Every limit of the call machine, in seconds. Sources: telephony.md, 5 and 6."""

    ring_resident_s: int
    ring_operator_s: int
    ring_responder_s: int
    not_after_s: int
    unknown_first_s: int
    look_every_s: int
    reconcile_s: int
    news_late_s: int
    poll_s: int
    queue_s: int
    debt_s: int


@dataclass(frozen=True, slots=True)
class Level:
    """One level of the network that helps: neighbour, village, town, district (field.md 2, the Wendeng network).

    `kinds` of responders belong to it, at least `least` of them must be on duty at any time. `wave_size` are asked at
    once; `deadline_s` after the first of them the next level is asked.
    """

    id: str
    kinds: frozenset[str]
    least: int
    wave_size: int
    deadline_s: int


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Every limit of the alert machine, in seconds. Sources: shared design, section 4; field.md, 4 and 5."""

    ladders: Mapping[str, Ladder]  # by alert kind
    levels: tuple[Level, ...]  # who is asked to go, the nearest first
    claim_idle_s: int
    owner_gone_s: int
    help_check_s: int
    attention_s: int
    reask_s: int
    follow_up_s: int
    raise_presses: int
    raise_within_s: int
    cancel_within_s: int
    late_after_s: int
    call_backs_s: tuple[int, ...]
    next_wave_s: int
    most_waves: int
    arrive_s: int
    transfer_s: int
    searchers: int
    incident_lines: int
    calls: CallPolicy
    rings: bool = False  # a gateway that can ring is connected: calls are made by the centre itself

    def ladder(self, kind: str) -> Ladder:
        return self.ladders[kind]


class _RungData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    after_s: Annotated[int, Field(ge=1, le=86_400)]
    phone: Literal["overflow_group", "duty_manager", "keyholders_and_neighbours"] | None = None


class _LadderData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kinds: Annotated[list[str], Field(min_length=1)]
    repeat_s: Annotated[int, Field(ge=5, le=86_400)]
    rungs: Annotated[list[_RungData], Field(min_length=1)]

    @model_validator(mode="after")
    def _climbs(self) -> "_LadderData":
        times = [rung.after_s for rung in self.rungs]
        if times != sorted(set(times)):
            raise ValueError("rungs must come in growing order of after_s")
        return self


class _LevelData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    kinds: Annotated[frozenset[str], Field(min_length=1)]
    least: Annotated[int, Field(ge=1, le=10)] = 1
    wave_size: Annotated[int, Field(ge=1, le=10)]
    deadline_s: Annotated[int, Field(ge=30, le=1800)]

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: frozenset[str]) -> frozenset[str]:
        if unknown := kinds - RESPONDER_KINDS:
            raise ValueError(f"there are no responders of kind {', '.join(sorted(unknown))}")
        return kinds


class _Limits(BaseModel):
    model_config = ConfigDict(extra="forbid")
    claim_idle_s: Annotated[int, Field(ge=10, le=600)]
    owner_gone_s: Annotated[int, Field(ge=5, le=600)]
    help_check_s: Annotated[int, Field(ge=30, le=3600)]
    attention_s: Annotated[int, Field(ge=10, le=600)]
    reask_s: Annotated[int, Field(ge=60, le=3600)]
    follow_up_s: Annotated[int, Field(ge=3600, le=604_800)]
    raise_presses: Annotated[int, Field(ge=2, le=10)]
    raise_within_s: Annotated[int, Field(ge=10, le=600)]
    cancel_within_s: Annotated[int, Field(ge=1, le=120)]
    late_after_s: Annotated[int, Field(ge=10, le=3600)]
    call_backs_s: Annotated[tuple[Annotated[int, Field(ge=5, le=300)], ...], Field(min_length=1)]
    next_wave_s: Annotated[int, Field(ge=15, le=300)]
    most_waves: Annotated[int, Field(ge=1, le=20)]
    arrive_s: Annotated[int, Field(ge=60, le=7200)]
    transfer_s: Annotated[int, Field(ge=10, le=45)]  # less than any owner may be idle
    searchers: Annotated[int, Field(ge=1, le=20)]
    incident_lines: Annotated[int, Field(ge=1, le=200)]

    @field_validator("call_backs_s")
    @classmethod
    def _grow(cls, times: tuple[int, ...]) -> tuple[int, ...]:
        if list(times) != sorted(set(times)):  # all are counted from when nobody spoke
            raise ValueError("call-backs must come in growing order")
        return times


class _Calls(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ring_resident_s: Annotated[int, Field(ge=10, le=120)]
    ring_operator_s: Annotated[int, Field(ge=5, le=60)]
    ring_responder_s: Annotated[int, Field(ge=10, le=120)]
    not_after_s: Annotated[int, Field(ge=10, le=600)]
    unknown_first_s: Annotated[int, Field(ge=1, le=30)]
    look_every_s: Annotated[int, Field(ge=2, le=60)]
    reconcile_s: Annotated[int, Field(ge=10, le=300)]
    news_late_s: Annotated[int, Field(ge=2, le=60)]
    poll_s: Annotated[int, Field(ge=10, le=300)]
    queue_s: Annotated[int, Field(ge=5, le=120)]
    debt_s: Annotated[int, Field(ge=5, le=600)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limits: _Limits
    calls: _Calls
    ladder: Annotated[list[_LadderData], Field(min_length=1)]
    level: Annotated[list[_LevelData], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> "_File":
        ids = [level.id for level in self.level]
        kinds = [kind for level in self.level for kind in level.kinds]
        for what, names in (("level", ids), ("kind", kinds)):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"{what} {', '.join(twice)} stands in more than one [[level]]")
        return self


def read(path: Path | None = None, *, kinds: frozenset[str] = frozenset()) -> AlertPolicy | str:
    """The policy in `path`, or one line why it cannot be used. Every kind in `kinds` must have one ladder."""
    path = path or DEFAULT_FILE
    try:
        data = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return f"{path}: {error}"
    except ValidationError as error:
        first = error.errors()[0]
        return f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    ladders: dict[str, Ladder] = {}
    for ladder in data.ladder:
        rungs = tuple(Rung(r.id, r.after_s, r.phone) for r in ladder.rungs)
        for kind in ladder.kinds:
            if kind in ladders:
                return f"{path}: kind {kind} has two ladders"
            ladders[kind] = Ladder(rungs, ladder.repeat_s)
    if unknown := kinds and ladders.keys() - kinds:
        return f"{path}: there is no kind {', '.join(sorted(unknown))}"
    if missing := kinds - ladders.keys():
        return f"{path}: no ladder for {', '.join(sorted(missing))}: such an alert would ring for nobody"
    levels = tuple(Level(**level.model_dump()) for level in data.level)
    return AlertPolicy(
        ladders=ladders, levels=levels, calls=CallPolicy(**data.calls.model_dump()), **data.limits.model_dump()
    )
