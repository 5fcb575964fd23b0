"""Text messages: taken, sent, delivered or not, and told of."""

from dataclasses import dataclass
from datetime import datetime

from simulators.carrier.account import API
from simulators.carrier.callees import SmsFate
from simulators.carrier.webhooks import Hook
from simulators.carrier.wires import Wires

COURSE: dict[SmsFate, tuple[str, ...]] = {
    "delivered": ("sent", "delivered"),
    "undelivered": ("sent", "undelivered"),
    "failed": ("failed",),
}
ERRORS = {"undelivered": 30003, "failed": 30007}


@dataclass(eq=False, slots=True)
class Message:
    sid: str
    to: str
    from_: str
    body: str
    hook: Hook | None
    fate: SmsFate
    created_at: datetime
    status: str = "queued"
    sent_at: datetime | None = None
    error: int | None = None

    def entry(self) -> dict[str, object]:
        shown = {"sid": self.sid, "to": self.to, "from": self.from_, "body": self.body, "status": self.status}
        return {**shown, "error": self.error, "created_at": self.created_at.isoformat()}


async def send(message: Message, wires: Wires) -> None:
    for status in COURSE[message.fate]:
        await wires.pace.sleep(wires.network.sms_s)
        message.status, message.error = status, ERRORS.get(status)
        message.sent_at = message.sent_at or wires.pace.now()
        if message.hook:
            last = status == COURSE[message.fate][-1]
            wires.webhooks.tell(message.sid, message.hook, _params(message, wires.account.sid), last=last)


def _params(message: Message, account_sid: str) -> dict[str, str]:
    params = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "MessageStatus": message.status,
        "SmsStatus": message.status,
        "To": message.to,
        "From": message.from_,
        "AccountSid": account_sid,
        "ApiVersion": API,
    }
    return params | ({"ErrorCode": str(message.error)} if message.error else {})
