"""Text messages: beside the calls, never instead of one; what does not arrive is told, so that somebody says it."""

from collections.abc import Iterable

import structlog

from callcenter import metrics
from callcenter.telephony.port import PhoneGateway, SmsSpec, TelephonyError

log = structlog.get_logger()


async def send(gateways: Iterable[PhoneGateway], sms: SmsSpec) -> str:
    """By the first that takes it. Empty: it is on its way; else a word for why not."""
    for gateway in gateways:
        try:
            await gateway.send_sms(sms)
            metrics.texts_sent.labels("sent").inc()
            return ""
        except TelephonyError as error:
            log.warning("telephony.text_not_sent", gateway=gateway.name, reason=type(error).__name__, code=error.code)
            if error.outcome == "unknown" or error.permanent:  # it may be on its way, or would be refused everywhere
                metrics.texts_sent.labels("failed").inc()
                return "no_text" if error.permanent else "text_unsure"
    metrics.texts_sent.labels("failed").inc()
    return "text_not_sent"
