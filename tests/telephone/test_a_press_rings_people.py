"""A press rings the resident and an operator into one room; a neighbour who presses 1 ends all other ringing."""

from pathlib import Path

from callcenter.alerts.call_model import Role
from simulators.carrier.callees import Callee
from tests.telephone.exchange import ANN_PHONE, Exchange


async def test_resident_and_operator_meet_in_the_room(phones_url: str, tmp_path: Path) -> None:
    async with Exchange(phones_url, tmp_path) as exchange:
        exchange.carrier.set_callee("+861000000501", Callee("speaks", says=("喂",), rings_s=2))
        exchange.carrier.set_callee(ANN_PHONE, Callee("answer", rings_s=2))
        await exchange.seat()
        alert = await exchange.press()
        await exchange.until(
            lambda: {c.role for c in exchange.calls(alert) if c.joined_at} == {Role.ELDER, Role.OPERATOR},
            what="both in the room",
        )
        assert exchange.alert(alert).reached_at
