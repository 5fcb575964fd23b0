"""What happens in the town: presses and calls with a daily rhythm, a night in which many press, stop switches."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, update

from benchmarks.month.centre import HOTLINE, SOS_NUMBER
from benchmarks.month.clockwork import Clockwork
from benchmarks.month.network import PhoneNetwork
from benchmarks.month.plan import START, Plan
from benchmarks.month.town import Registered, Volunteer, at_hour
from callcenter.storage import tables as t
from devices.decoders import decode

Settle = Callable[[Any], Any]
Stops = Callable[[str, bool], None]  # a responder's stop switch is thrown
# Shares of a day's presses by hour: mornings and evenings, and never nothing.
RHYTHM = (2, 2, 2, 2, 3, 4, 6, 7, 7, 6, 5, 5, 4, 4, 4, 5, 5, 6, 7, 7, 6, 4, 3, 2)
KINDS = {"sos": 66, "fall": 13, "help": 6, "wander": 4, "fire": 1, "gas": 1, "off_hook": 4, "service_key": 5}
STORM_HOUR, STORM_S = 2.5, 900
CANCELS, CANCELS_A_MISTAKE = 0.08, 0.4  # presses that are taken back on the device


class Happenings:
    def __init__(
        self, settle: Settle, clock: Clockwork, network: PhoneNetwork, town: Registered, plan: Plan, *, stops: Stops
    ) -> None:
        self._settle, self._clock, self._network, self._town, self._plan = settle, clock, network, town, plan
        self._stops = stops
        self._dice, self._mistakes = plan.dice("happenings"), plan.dice("mistakes")
        self._messages = 0
        self.presses = 0
        for day in range(plan.days):
            self._plan_day(day)
        for volunteer in town.volunteers.values():
            self._plan_switch(volunteer)

    def _plan_day(self, day: int) -> None:
        dice, many = self._dice, self._plan.residents
        for share, what in ((self._plan.presses_a_day, self._presses), (self._plan.callers_a_day, self._rings_us)):
            expected = share * many * dice.uniform(0.8, 1.2)
            for _ in range(int(expected) + (dice.random() < expected % 1)):
                hour = dice.choices(range(24), RHYTHM)[0] + dice.random()
                self._clock.at(at_hour(day, hour), what)
        if day == self._plan.storm_day:
            for _ in range(self._plan.storm_presses):
                when = at_hour(day, STORM_HOUR) + timedelta(seconds=dice.uniform(0, STORM_S))
                self._clock.at(when, self._presses)

    # -- presses

    def _hear(self, device: str, leaf: str, body: dict[str, object]) -> None:
        payload = json.dumps({"v": 1} | body).encode()
        self._settle(decode(f"vnh/v1/{device}/{leaf}", payload, self._clock.now()))

    def _message(self) -> str:
        self._messages += 1
        return f"m{self._messages}"

    def _presses(self) -> None:
        dice = self._dice
        self.presses += 1
        kind = dice.choices(list(KINDS), list(KINDS.values()))[0]
        if kind in ("off_hook", "service_key"):
            self._hear(dice.choice(self._town.home_phones), "up/call", {"msg": self._message(), "event": kind})
            return
        device, person = dice.choice(self._town.bracelets)
        at_ease = self._mistakes.random() < self._plan.mistakes
        (self._town.at_ease.add if at_ease else self._town.at_ease.discard)(person.id)
        body: dict[str, object] = {"kind": kind, "src": "button", "batt": 60, "msg": self._message()}
        self._hear(device, "up/sos", body)
        if dice.random() < 0.1:  # our answer was late: the same press again
            self._clock.after(5, self._hear, device, "up/sos", body | {"rep": 1})
        if dice.random() < 0.15:
            for _ in range(dice.randint(1, 3)):
                again = body | {"msg": self._message()}
                self._clock.after(dice.uniform(3, 90), self._hear, device, "up/sos", again)
        if dice.random() < (CANCELS_A_MISTAKE if at_ease else CANCELS):
            cancel = {"kind": "cancel", "msg": self._message()}
            self._clock.after(dice.uniform(3, 25), self._hear, device, "up/sos", cancel)

    def _rings_us(self) -> None:
        """A resident's own telephone, or one that nobody knows."""
        dice = self._dice
        known = dice.random() < 0.7
        caller = dice.choice(self._town.town.residents).phone if known else f"+86100177{dice.randrange(10_000):04d}"
        if not self._network.living.get(caller):
            self._network.call_in(caller, SOS_NUMBER if dice.random() < 0.3 else HOTLINE)

    # -- stop switches

    def _plan_switch(self, volunteer: Volunteer) -> None:
        if volunteer.stops_at:
            self._clock.at(volunteer.stops_at, self._switch, volunteer, True)
        if volunteer.back_at and volunteer.back_at < START + timedelta(days=self._plan.days):
            self._clock.at(volunteer.back_at, self._switch, volunteer, False)

    def _switch(self, volunteer: Volunteer, stopped: bool) -> None:
        (self._town.stopped.add if stopped else self._town.stopped.discard)(volunteer.id)
        self._stops(volunteer.id, stopped)


def stop_in(read: Callable[..., Any]) -> Stops:
    """Stop switches that are thrown in the database."""

    def stops(responder: str, stopped: bool) -> None:
        def write(connection: Connection) -> None:
            connection.execute(update(t.responders).where(t.responders.c.id == responder).values(stopped=stopped))

        read(write)

    return stops
