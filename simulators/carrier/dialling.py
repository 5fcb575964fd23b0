"""Dial with numbers: calls them all at once, the first to answer is connected, the others ring no longer."""

import asyncio
from contextlib import suppress
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from simulators.carrier.legs import Detection, HangUp, Leg, Reports, Script, Tape, Terms
from simulators.carrier.webhooks import Hook
from simulators.carrier.wires import Board


def hook_of(element: Element, attribute: str, where: str) -> Hook | None:
    """The address an attribute such as statusCallback gives; relative ones count from `where` the document is."""
    url = element.get(attribute, "")
    return Hook(absolute(where, url), element.get(f"{attribute}Method", "POST")) if url else None


def absolute(where: str, url: str) -> str:
    # Not urljoin alone: it tidies absolute addresses, and what is signed must be what was written.
    return url if "://" in url else urljoin(where, url)


def events_of(element: Element, attribute: str, default: str) -> frozenset[str]:
    return frozenset(element.get(attribute, default).split())


def reports_of(element: Element, attribute: str, where: str, *, default: str) -> Reports:
    return Reports(hook_of(element, attribute, where), events_of(element, f"{attribute}Event", default))


async def dial_numbers(board: Board, leg: Leg, dial: Element, where: str) -> dict[str, str]:
    """What the Dial's action is told."""
    numbers = list(dial) or [dial]
    children = [_place(board, leg, dial, number=number, where=where) for number in numbers]
    try:
        winner = await _first_to_answer(children)
        for child in children:
            if child is not winner:
                board.order(child, HangUp("canceled"))
        if winner:
            await winner.ended.wait()
    finally:
        for child in children:
            board.order(child, HangUp())  # whoever dialled is gone: nobody rings on for him
    shown = winner or children[-1]
    return {
        "DialCallSid": shown.sid,
        "DialCallStatus": shown.status,
        "DialCallDuration": str(shown.talk_s),
        "DialBridged": "true" if winner else "false",
    }


def _place(board: Board, leg: Leg, dial: Element, *, number: Element, where: str) -> Leg:
    amd = hook_of(number, "amdStatusCallback", where)
    whisper = number.get("url", "")
    tape = None
    if dial.get("record", "do-not-record") not in ("do-not-record", "false"):
        tape = Tape("DialVerb", reports_of(dial, "recordingStatusCallback", where, default="completed"))
    terms = Terms(
        script=Script(absolute(where, whisper), number.get("method", "POST")) if whisper else None,
        reports=reports_of(number, "statusCallback", where, default="completed"),
        ring_s=float(dial.get("timeout", "30")),
        limit_s=float(dial.get("timeLimit", "14400")),
        detection=Detection(amd) if number.get("machineDetection") else None,
        tape=tape,
        parent_sid=leg.sid,
    )
    to = (number.text or "").strip()
    return board.place(to, dial.get("callerId", leg.from_), terms, direction="outbound-dial")


async def _first_to_answer(legs: list[Leg]) -> Leg | None:
    waiting = {asyncio.ensure_future(leg.settled.wait()): leg for leg in legs}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                leg = waiting.pop(task)
                if leg.answered_at:
                    return leg
        return None
    finally:
        for task in waiting:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
