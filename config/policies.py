"""Alert policy as data: the ladder of an unclaimed alert and every limit, read from escalation.toml."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

RESPONDER_KINDS = frozenset({"neighbour", "family", "village_doctor", "carer", "town_station", "district_command"})
DEFAULT_FILE = Path(__file__).with_name("escalation.toml")
MOST_OVERRIDES = 100  # the check compares each with each, and nobody keeps more of them in mind
LONGEST_LINE = (
    500  # tomllib takes minutes over a key of ten thousand parts, and tells no line of a number of 5,000 digits
)


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
    unsure_s: int
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
class Override:
    """What is otherwise in one area and those in it, for some kinds of alerts, at some hours (docs/policies.md).

    Empty `kinds` or `hours` are all of them. `limits` are fields of AlertPolicy; empty `levels` and a `ladder` of None
    leave those of the policy.
    """

    id: str
    area: str | None
    kinds: frozenset[str]
    hours: str  # as people write them: mon-fri 22:00-06:00 (alerts/duty.py)
    limits: tuple[tuple[str, int], ...]
    levels: tuple[Level, ...]
    ladder: Ladder | None


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Every limit of the alert machine, in seconds. Sources: shared design, section 4; field.md, 4 and 5.

    With `overrides` it is the whole file; what holds for one alert is `policy_for` (alerts/policy_book.py).
    """

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
    move_s: int
    arrive_radius_m: int
    transfer_s: int
    searchers: int
    incident_lines: int
    calls: CallPolicy
    overrides: tuple[Override, ...] = ()
    rings: bool = False  # no setting: `Unit.ruling` lays on it what this deployment can do (docs/adr/0024)

    def ladder(self, kind: str) -> Ladder:
        return self.ladders[kind]


class _RungData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    after_s: Annotated[int, Field(ge=1, le=86_400)]
    phone: Literal["overflow_group", "duty_manager", "keyholders_and_neighbours"] | None = None


class _OwnLadder(BaseModel):
    """The ladder of an override: its kinds are those of the override."""

    model_config = ConfigDict(extra="forbid")
    repeat_s: Annotated[int, Field(ge=5, le=86_400)]
    rungs: Annotated[list[_RungData], Field(min_length=1)]

    @model_validator(mode="after")
    def _climbs(self) -> "_OwnLadder":
        times = [rung.after_s for rung in self.rungs]
        if times != sorted(set(times)):
            raise ValueError("rungs must come in growing order of after_s")
        return self

    def made(self) -> Ladder:
        return Ladder(tuple(Rung(r.id, r.after_s, r.phone) for r in self.rungs), self.repeat_s)


class _LadderData(_OwnLadder):
    kinds: Annotated[list[str], Field(min_length=1)]


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
    move_s: Annotated[int, Field(ge=60, le=1800)]
    arrive_radius_m: Annotated[int, Field(ge=10, le=500)]
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
    unsure_s: Annotated[int, Field(ge=7, le=60)]  # a request takes 4 s, and is looked for 2 s later
    look_every_s: Annotated[int, Field(ge=2, le=60)]
    reconcile_s: Annotated[int, Field(ge=10, le=300)]
    news_late_s: Annotated[int, Field(ge=2, le=60)]
    poll_s: Annotated[int, Field(ge=10, le=300)]
    queue_s: Annotated[int, Field(ge=5, le=120)]
    debt_s: Annotated[int, Field(ge=5, le=600)]


class _OverrideLimits(BaseModel):
    model_config = ConfigDict(extra="forbid")
    next_wave_s: Annotated[int | None, Field(ge=15, le=300)] = None
    most_waves: Annotated[int | None, Field(ge=1, le=20)] = None
    arrive_s: Annotated[int | None, Field(ge=60, le=7200)] = None


class _OverrideData(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
    area: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,36}$")] | None = None
    kinds: Annotated[frozenset[str], Field(min_length=1)] = frozenset()
    hours: Annotated[str, Field(min_length=1, max_length=200)] = ""
    limits: _OverrideLimits = _OverrideLimits()
    level: Annotated[list[_LevelData], Field(min_length=1)] = []
    ladder: _OwnLadder | None = None

    def made(self) -> Override:
        return Override(
            id=self.id,
            area=self.area,
            kinds=self.kinds,
            hours=self.hours,
            limits=tuple(self.limits.model_dump(exclude_none=True).items()),
            levels=tuple(Level(**level.model_dump()) for level in self.level),
            ladder=self.ladder.made() if self.ladder else None,
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limits: _Limits
    calls: _Calls
    ladder: Annotated[list[_LadderData], Field(min_length=1)]
    level: Annotated[list[_LevelData], Field(min_length=1)]
    override: list[_OverrideData] = []


Place = tuple[str | int, ...]  # ("level", 0, "wave_size") is that key of the first [[level]]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a text is no policy: `code` and `values` for programs, `reason` for people. `line` 0: not yet looked up."""

    place: Place
    reason: str
    code: str = "value"
    values: Mapping[str, Any] = field(default_factory=dict)
    line: int = 0

    @property
    def said(self) -> str:
        line = f"line {self.line}" if self.line else ""
        return ": ".join(filter(None, (".".join(map(str, self.place)), line, self.reason)))


def _twice(places: Sequence[tuple[str, Place]], code: str, says: str) -> Iterator[Fault]:
    """A fault for each name that stands a second time."""
    seen: set[str] = set()
    for name, place in places:
        if name in seen:
            yield Fault(place, says.format(name), code, {"name": name})
        seen.add(name)


def _levels_twice(levels: list[_LevelData], above: Place) -> Iterator[Fault]:
    ids = [(level.id, (*above, n, "id")) for n, level in enumerate(levels)]
    kinds = [(kind, (*above, n, "kinds")) for n, level in enumerate(levels) for kind in sorted(level.kinds)]
    yield from _twice(ids, "level_twice", "level {} stands in more than one [[level]]")
    yield from _twice(kinds, "kind_twice", "kind {} stands in more than one [[level]]")


def _whole(data: _File, known: frozenset[str]) -> Iterator[Fault]:
    """What no table says by itself. `known`: the kinds of alerts, empty when nobody asks."""
    yield from _levels_twice(data.level, ("level",))
    ladders: list[tuple[str, Place]]
    ladders = [(kind, ("ladder", n, "kinds")) for n, ladder in enumerate(data.ladder) for kind in ladder.kinds]
    yield from _twice(ladders, "two_ladders", "kind {} has two ladders")
    yield from _twice(
        [(o.id, ("override", n, "id")) for n, o in enumerate(data.override)],
        "override_twice",
        "there are two overrides {}",
    )
    if len(data.override) > MOST_OVERRIDES:
        says = f"there are {len(data.override)} overrides; at most {MOST_OVERRIDES}"
        yield Fault(("override", MOST_OVERRIDES), says, "too_many_overrides", {"most": MOST_OVERRIDES})
    for n, override in enumerate(data.override):
        yield from _levels_twice(override.level, ("override", n, "level"))
        if not (override.level or override.ladder or override.limits.model_dump(exclude_none=True)):
            yield Fault(("override", n), "this override changes nothing", "nothing_changed")
        ladders += [(kind, ("override", n, "kinds")) for kind in sorted(override.kinds)]
    if known:
        for kind, place in ladders:
            if kind not in known:
                yield Fault(place, f"there is no kind {kind}", "unknown_kind", {"name": kind})
        have = {kind for ladder in data.ladder for kind in ladder.kinds}
        if missing := sorted(known - have):
            names = ", ".join(missing)
            yield Fault((), f"no ladder for {names}: such an alert would ring for nobody", "no_ladder", {"name": names})


def _faults(error: ValidationError) -> tuple[Fault, ...]:
    return tuple(
        Fault(
            tuple(one["loc"]),
            one["msg"].removeprefix("Value error, "),
            one["type"],
            {name: value for name, value in one.get("ctx", {}).items() if isinstance(value, int | float | str)},
        )
        for one in error.errors()
    )


def parse(text: str, *, kinds: frozenset[str] = frozenset()) -> AlertPolicy | tuple[Fault, ...]:
    """The policy a text says, or everything for which it cannot be one. Every kind in `kinds` must have one ladder."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LONGEST_LINE:
            says = f"this line has {len(line)} characters; at most {LONGEST_LINE}"
            return (Fault((), says, "long_line", {"most": LONGEST_LINE}, line=number),)
    try:
        data = _File.model_validate(tomllib.loads(text))
    except ValidationError as error:
        return _faults(error)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and what it lets through
        return (Fault((), str(error), "toml"),)
    if faults := tuple(_whole(data, kinds)):
        return faults
    ladders = [(made, ladder.kinds) for ladder in data.ladder for made in [ladder.made()]]
    return AlertPolicy(
        ladders={kind: made for made, its_kinds in ladders for kind in its_kinds},
        levels=tuple(Level(**level.model_dump()) for level in data.level),
        calls=CallPolicy(**data.calls.model_dump()),
        overrides=tuple(override.made() for override in data.override),
        **data.limits.model_dump(),
    )


def read(path: Path | None = None, *, kinds: frozenset[str] = frozenset()) -> AlertPolicy | str:
    """The policy in `path`, or one line why it cannot be used."""
    path = path or DEFAULT_FILE
    try:
        found = parse(path.read_text(encoding="utf-8"), kinds=kinds)
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}: {error}"
    return found if isinstance(found, AlertPolicy) else f"{path}: {found[0].said}"
