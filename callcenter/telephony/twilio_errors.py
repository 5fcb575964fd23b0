"""What went wrong with Twilio, in the port's words: the one place that knows how many ways there are to fail."""

from enum import Enum

import aiohttp
from twilio.base.exceptions import (  # type: ignore[import-untyped]  # noqa: TID251
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)

from callcenter.telephony.port import (
    AuthFailed,
    CarrierUnreachable,
    LegGone,
    NotPermitted,
    NumberRejected,
    OutcomeUnknown,
    TelephonyError,
    Throttled,
    Unsupported,
)


class Asked(Enum):
    """What a request does, which decides what its failure means."""

    READ = "read"  # changes nothing: without an answer nothing has happened
    CHANGE = "change"  # of something that is there: not found means that it is over
    CREATE = "create"  # not found means that we asked in the wrong place


class Answered(Exception):
    """The carrier answered, and not with what was asked for. The SDK's own exceptions lose Retry-After."""

    def __init__(self, status: int, code: int | None, msg: str, retry_after: float | None) -> None:
        super().__init__(msg)
        self.status, self.code, self.msg, self.retry_after = status, code, msg, retry_after


# Twilio's error codes; whatever is not here goes by the HTTP status.
CODES: dict[int, type[TelephonyError]] = {
    20003: AuthFailed,
    # Our own number is refused: every call would be, so the next gateway is asked, and not the next person.
    21210: AuthFailed,
    21212: AuthFailed,
    21219: AuthFailed,  # a trial account
    20005: AuthFailed,  # the account is closed or suspended
    20404: LegGone,
    20429: Throttled,
    10004: Throttled,  # too many calls at once
    13223: NumberRejected,
    13224: NumberRejected,
    21201: NumberRejected,  # none at all
    21211: NumberRejected,
    21214: NumberRejected,
    21215: NotPermitted,  # geography
    21216: NotPermitted,
    21217: NumberRejected,
    21220: LegGone,  # the call is not in progress any more
    21408: NotPermitted,  # SMS to that region
    21604: NumberRejected,  # none at all
    21606: NotPermitted,  # our number sends no SMS
    21610: NumberRejected,  # they asked for no more SMS
    21612: NumberRejected,
    21614: NumberRejected,  # a landline
}
# 400 alone says nothing of the number: our own address or a field of ours may be wrong, and then every call would be.
STATUSES: dict[int, type[TelephonyError]] = {
    401: AuthFailed,
    403: AuthFailed,
    404: LegGone,
    410: LegGone,
    429: Throttled,
}
# Raised before a byte was sent: name not found, refused, no TLS, no connection within its time.
NOTHING_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    ConnectionRefusedError,
)
# After that: reset, hung, HTML where JSON belongs (json's error is a ValueError), JSON of another shape, a failed list.
UNCLEAR = (TimeoutError, aiohttp.ClientError, OSError, TwilioException, ValueError, TypeError, KeyError, AttributeError)


def port_error(caught: Exception, asked: Asked) -> TelephonyError:
    """The port's error for whatever the SDK, the HTTP client or the carrier came up with; ours passes through."""
    unclear = CarrierUnreachable if asked is Asked.READ else OutcomeUnknown
    match caught:
        case TelephonyError():
            return caught
        case Answered() | TwilioRestException() | TwilioServiceException():
            return _refusal(caught, asked, unclear)
        case _ if isinstance(caught, NOTHING_SENT):
            return CarrierUnreachable(_detail(caught))
        case _ if isinstance(caught, UNCLEAR):
            return unclear(_detail(caught))
    raise caught


def _refusal(
    answer: Answered | TwilioRestException | TwilioServiceException, asked: Asked, unclear: type[TelephonyError]
) -> TelephonyError:
    kind = CODES.get(answer.code or 0) or STATUSES.get(answer.status)
    if kind is None:
        kind = Unsupported if 400 <= answer.status < 500 else unclear
    if kind is LegGone and asked is Asked.CREATE:
        kind = AuthFailed  # wrong account or address: "it is over already" would lose the call
    detail = str(getattr(answer, "msg", "") or getattr(answer, "title", ""))
    code = str(answer.code) if answer.code else ""
    retry_after = getattr(answer, "retry_after", None)
    return kind(detail or f"HTTP {answer.status}", code=code, http=answer.status, retry_after=retry_after)


def _detail(caught: Exception) -> str:
    return f"{type(caught).__name__}: {caught}"[:300]
