"""The REST side: a table of operations with the parameters Asterisk publishes for them. It is stricter than Asterisk,
which ignores what it does not know: here an unknown parameter is an error of ours, and refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from simulators.pbx.exchange import Exchange
from simulators.pbx.shapes import Json, Refused

Values: TypeAlias = Mapping[str, str]  # of the path and of the query
Work = Callable[[Exchange, Values], Any]  # JSON, bytes, or None for "done, and nothing to say" (204)


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    work: Work
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def refusal(operation: Operation, names: set[str]) -> str:
    """One line why these parameters cannot be; empty when they can."""
    unknown, missing = names - {*operation.required, *operation.optional}, set(operation.required) - names
    if unknown:
        return f"{operation.name} has no parameter {', '.join(sorted(unknown))}"
    return f"{operation.name} needs {', '.join(sorted(missing))}" if missing else ""


# --- what the operations do


def _originate(pbx: Exchange, given: Values) -> Json:
    if given.get("app") != pbx.app or "extension" in given:
        raise Refused(400, "Application or extension must be specified, and not both")
    if not given.get("timeout", "30").lstrip("-").isdecimal():
        raise Refused(400, "timeout is no number")
    return pbx.originate(given["channelId"], given["endpoint"], given).shape(pbx.app)


def _hang_up(pbx: Exchange, given: Values) -> None:
    if given.get("reason", "normal") not in {"normal", "busy", "congestion", "no_answer", "rejected"}:
        raise Refused(400, "Invalid Reason")
    pbx.hang_up(pbx.channel(given["channelId"]))


def _set_variable(pbx: Exchange, given: Values) -> None:
    variables = pbx.channel(given["channelId"]).variables
    if given["variable"] == "TALK_DETECT(remove)":
        variables.pop("TALK_DETECT(set)", None)
    else:
        variables[given["variable"]] = given.get("value", "")


def _play(pbx: Exchange, given: Values) -> Json:
    channel = pbx.served(given["channelId"])
    media = given["media"].split(",")
    if not all(uri.startswith(("sound:", "recording:", "tone:", "digits:", "number:")) for uri in media):
        raise Refused(400, "media is no media URI")
    return pbx.play(channel, given["playbackId"], media).shape()


def _playback(pbx: Exchange, given: Values) -> Json:
    if given["playbackId"] not in pbx.playbacks:
        raise Refused(404, "Playback not found")
    return pbx.playbacks[given["playbackId"]].shape()


def _music(pbx: Exchange, given: Values, *, on: bool) -> None:
    pbx.served(given["channelId"]).music = on


def _create_bridge(pbx: Exchange, given: Values) -> Json:
    if not set(given.get("type", "mixing").split(",")) <= {"mixing", "holding", "dtmf_events", "proxy_media"}:
        raise Refused(400, "Unknown bridge type")
    return pbx.create_bridge(given["bridgeId"]).shape()


def _add_channel(pbx: Exchange, given: Values) -> None:
    bridge = pbx.bridge(given["bridgeId"])
    if given["channel"] not in pbx.channels:
        raise Refused(400, "Channel not found")
    channel = pbx.channels[given["channel"]]
    if not channel.in_application:
        raise Refused(422, "Channel not in Stasis application")
    pbx.enter(bridge, channel)


def _remove_channel(pbx: Exchange, given: Values) -> None:
    bridge = pbx.bridge(given["bridgeId"])
    if given["channel"] not in pbx.channels:
        raise Refused(400, "Channel not found")
    if pbx.channels[given["channel"]].bridge is not bridge:
        raise Refused(422, "Channel not in this bridge")
    pbx.leave(pbx.channels[given["channel"]])


def _bridge_music(pbx: Exchange, given: Values, *, on: bool) -> None:
    bridge = pbx.bridge(given["bridgeId"])
    if not on and not bridge.music:
        raise Refused(409, "Bridge isn't playing music")
    bridge.music = on


def _record_bridge(pbx: Exchange, given: Values) -> Json:
    return pbx.record(given["name"], given["format"], f"bridge:{pbx.bridge(given['bridgeId']).id}").shape()


def _record_channel(pbx: Exchange, given: Values) -> Json:
    channel, max_s = pbx.served(given["channelId"]), float(given.get("maxDurationSeconds", "0"))
    return pbx.record_channel(channel, given["name"], given["format"], max_s).shape()


def _stored(pbx: Exchange, given: Values) -> Json:
    pbx.recorded(given["recordingName"])
    return {"name": given["recordingName"], "format": "wav"}


def _delete_stored(pbx: Exchange, given: Values) -> None:
    pbx.recorded(given["recordingName"])
    del pbx.stored[given["recordingName"]]


def _application(pbx: Exchange, given: Values) -> Json:
    if given["applicationName"] != pbx.app:
        raise Refused(404, "Application does not exist.")
    mine = [one.id for one in pbx.channels.values() if one.dialled or one.in_application]
    return {
        "name": pbx.app,
        "channel_ids": mine,
        "bridge_ids": list(pbx.bridges),
        "endpoint_ids": [],
        "device_names": [],
        "events_allowed": [],
        "events_disallowed": [],
    }


_RECORD = ("maxDurationSeconds", "maxSilenceSeconds", "ifExists", "beep", "terminateOn")
_PLAY = ("lang", "offsetms", "skipms")
_ORIGINATE = ("app", "appArgs", "callerId", "timeout", "extension", "context", "priority", "label", "otherChannelId",
              "originator", "formats")  # fmt: skip
_C, _B = "/channels/{channelId}", "/bridges/{bridgeId}"

OPERATIONS: tuple[Operation, ...] = (
    Operation("originate", "POST", "/channels", _originate, ("endpoint", "channelId"), _ORIGINATE),
    Operation("list_channels", "GET", "/channels", lambda pbx, _: [c.shape(pbx.app) for c in pbx.channels.values()]),
    Operation("get_channel", "GET", _C, lambda pbx, v: pbx.channel(v["channelId"]).shape(pbx.app)),
    Operation("hangup", "DELETE", _C, _hang_up, optional=("reason", "reason_code")),
    Operation("answer", "POST", f"{_C}/answer", lambda pbx, v: pbx.answer(pbx.served(v["channelId"]))),
    Operation("continue", "POST", f"{_C}/continue", lambda pbx, v: pbx.go_on_in_dialplan(pbx.served(v["channelId"])),
              optional=("context", "extension", "priority", "label")),
    Operation("set_variable", "POST", f"{_C}/variable", _set_variable, ("variable",), ("value",)),
    Operation("play", "POST", f"{_C}/play", _play, ("media", "playbackId"), _PLAY),
    Operation("start_moh", "POST", f"{_C}/moh", lambda pbx, v: _music(pbx, v, on=True), optional=("mohClass",)),
    Operation("stop_moh", "DELETE", f"{_C}/moh", lambda pbx, v: _music(pbx, v, on=False)),
    Operation("record_channel", "POST", f"{_C}/record", _record_channel, ("name", "format"), _RECORD),
    Operation("get_playback", "GET", "/playbacks/{playbackId}", _playback),
    Operation("stop_playback", "DELETE", "/playbacks/{playbackId}", lambda pbx, v: pbx.stop_playback(v["playbackId"])),
    Operation("list_bridges", "GET", "/bridges", lambda pbx, _: [bridge.shape() for bridge in pbx.bridges.values()]),
    Operation("create_bridge", "POST", "/bridges", _create_bridge, ("bridgeId",), ("type", "name")),
    Operation("get_bridge", "GET", _B, lambda pbx, v: pbx.bridge(v["bridgeId"]).shape()),
    Operation("destroy_bridge", "DELETE", _B, lambda pbx, v: pbx.destroy_bridge(pbx.bridge(v["bridgeId"]))),
    Operation("add_channel", "POST", f"{_B}/addChannel", _add_channel, ("channel",),
              ("role", "absorbDTMF", "mute", "inhibitConnectedLineUpdates")),
    Operation("remove_channel", "POST", f"{_B}/removeChannel", _remove_channel, ("channel",)),
    Operation("start_bridge_moh", "POST", f"{_B}/moh", lambda pbx, v: _bridge_music(pbx, v, on=True),
              optional=("mohClass",)),
    Operation("stop_bridge_moh", "DELETE", f"{_B}/moh", lambda pbx, v: _bridge_music(pbx, v, on=False)),
    Operation("record_bridge", "POST", f"{_B}/record", _record_bridge, ("name", "format"), _RECORD),
    Operation("get_stored", "GET", "/recordings/stored/{recordingName}", _stored),
    Operation("get_file", "GET", "/recordings/stored/{recordingName}/file",
              lambda pbx, v: pbx.recorded(v["recordingName"])),
    Operation("delete_stored", "DELETE", "/recordings/stored/{recordingName}", _delete_stored),
    Operation("get_application", "GET", "/applications/{applicationName}", _application),
    Operation("get_info", "GET", "/asterisk/info",
              lambda pbx, _: {"status": {"startup_time": "", "last_reload_time": ""}}, optional=("only",)),
)  # fmt: skip
