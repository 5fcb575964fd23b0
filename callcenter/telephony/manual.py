"""The gateway that cannot ring: a person dials. It is what remains when nothing else works, and always works."""

from collections.abc import Sequence

from callcenter.alerts.script import Script
from callcenter.telephony.port import DialReceipt, LegHint, LegSnapshot, LegSpec, SmsSpec, Unsupported

BY_HAND = "by hand"


class ManualGateway:
    """Places nothing, so nothing of it can be looked up, changed or ended."""

    name = "manual"
    rings = False

    async def start(self) -> None:
        """There is nothing to connect to."""

    async def stop(self) -> None:
        """And nothing to close."""

    async def dial(self, leg: LegSpec) -> DialReceipt:
        raise Unsupported(BY_HAND)

    async def say(self, call_id: str, ref: str, script: Script) -> None:
        raise Unsupported(BY_HAND)

    async def hold(self, call_id: str, ref: str, room: str, *, held: bool) -> None:
        raise Unsupported(BY_HAND)

    async def hang_up(self, call_id: str, ref: str) -> None:
        """The person who dialled hangs up."""

    async def close_room(self, room: str) -> None:
        """There are no rooms."""

    async def send_sms(self, sms: SmsSpec) -> DialReceipt:
        raise Unsupported(BY_HAND)

    async def find_leg(self, call_id: str, hint: LegHint) -> LegSnapshot | None:
        return None

    async def list_live(self) -> Sequence[LegSnapshot]:
        return ()

    async def fetch_recording(self, ref: str) -> bytes:
        raise Unsupported(BY_HAND)

    async def delete_recording(self, ref: str) -> None:
        """There are no recordings."""

    async def is_well(self) -> bool:
        return True
