"""Getting TwiML from the customer: asked, checked, and warned about as Twilio's debugger would."""

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from simulators.carrier import twiml
from simulators.carrier.legs import Leg, Script
from simulators.carrier.webhooks import Hook
from simulators.carrier.wires import Board


async def fetch(board: Board, leg: Leg, script: Script) -> Element | None:
    """The document, or None when there is none that could be played; then the fallback has failed too."""
    try:
        return await _get(board, leg, script, {})
    except twiml.Unplayable as broken:
        board.warn(leg, broken.code, broken.why)
        if leg.terms.fallback is None:
            return None
        why = {"ErrorCode": str(broken.code), "ErrorUrl": script.url}
    try:
        return await _get(board, leg, leg.terms.fallback, why)
    except twiml.Unplayable as broken:
        board.warn(leg, broken.code, f"fallback: {broken.why}")
        return None


async def prompts_at(board: Board, leg: Leg | None, hook: Hook) -> list[twiml.Prompt]:
    """What is heard of a waiting room, a hold or an announcement: a sound file, or a document of prompts."""
    wires = board.wires
    params = leg.params(wires.account.sid) if leg else {"AccountSid": wires.account.sid}
    reply = await wires.webhooks.ask(hook, params)
    if reply.content_type.startswith("audio/"):
        return [twiml.Prompt(f"play:{hook.url}", twiml.FILE_S)]
    try:
        return twiml.prompts(_checked(reply.status, reply.text))
    except twiml.Unplayable as broken:
        board.warn(leg, broken.code, broken.why)
        return []


async def _get(board: Board, leg: Leg, script: Script, why: Mapping[str, str]) -> Element:
    if script.text:
        return twiml.read(script.text)
    if not script.url:
        raise twiml.Unplayable(11100, "there is no address to ask")
    params = {**leg.params(board.wires.account.sid), **script.params, **why}
    if leg.answered_by:
        params["AnsweredBy"] = leg.answered_by
    reply = await board.wires.webhooks.ask(Hook(script.url, script.method), params)
    return _checked(reply.status, reply.text)


def _checked(status: int, text: str) -> Element:
    if not 200 <= status < 300:
        raise twiml.Unplayable(11200, f"HTTP {status}" if status else "no answer")
    if status == 204:
        return Element("Response")
    if not text.strip():
        raise twiml.Unplayable(12100, f"an empty document with {status}")
    return twiml.read(text)
