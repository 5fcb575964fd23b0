"""What the parts of the carrier share, and what a conversation may ask of the switchboard."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from simulators.carrier.account import Account, Network, Sids
from simulators.carrier.callees import Callee
from simulators.carrier.legs import Direction, Leg, Order, Terms
from simulators.carrier.pace import Pace
from simulators.carrier.recordings import Recordings
from simulators.carrier.rooms import Rooms
from simulators.carrier.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Wires:
    account: Account
    network: Network
    pace: Pace
    sids: Sids
    webhooks: Webhooks
    rooms: Rooms
    recordings: Recordings
    seed: int


class Board(Protocol):
    wires: Wires

    def place(
        self, to: str, from_: str, terms: Terms, *, direction: Direction = ..., callee: Callee | None = ...
    ) -> Leg: ...

    def order(self, leg: Leg, order: Order) -> None: ...

    def answer(self, leg: Leg) -> None: ...

    def warn(self, leg: Leg | None, code: int, why: str) -> None: ...

    def in_background(self, work: Coroutine[Any, Any, None]) -> None: ...
