"""The two catalogues say the same things, the page uses only what they have, and they have only what it uses."""

import json
import re
from pathlib import Path

import pytest
import yaml

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.call_model import Answer
from callcenter.alerts.call_rules import CALL_TABLE
from callcenter.alerts.effects import Effect
from callcenter.alerts.inputs import Action
from callcenter.alerts.offer_model import Proof
from callcenter.alerts.policy_bounds import CALLS, LIMITS as BOUNDS
from callcenter.console.policy_views import LIMITS
from config import policies

CONSOLE = Path(__file__).resolve().parents[2] / "callcenter/console"
STATIC = CONSOLE / "static"
TEMPLATES = CONSOLE / "templates"
CJK = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")
PLACEHOLDER = re.compile(r"\{(\w+)\}")

CATALOGUES = {name: json.loads((STATIC / f"i18n/{name}.json").read_text("utf-8")) for name in ("en", "zh-CN")}
ENGLISH = CATALOGUES["en"]
SCHEMAS = yaml.safe_load((CONSOLE / "openapi.yaml").read_text("utf-8"))["components"]["schemas"]

# What handlers write on an alert beside the rules of the tables.
FURTHER_RULES = {
    *("signal.test", "help.gap", "phone.refused", "link.made", "link.opened", "responder.sees_key"),
    *("call.wanted", "call.inbound", "call.rang_back", "call.queue", "call.alone"),
    "drill.not_rung",
    *(f"debt.{what}" for what in ("opened", "due", "reached", "visited", "escalated")),
}
RULES = {rule.id for table in (ALERT_TABLE, CALL_TABLE) for rule in table.values()} | FURTHER_RULES
# Words that handlers put into an entry's `reason`.
REASONS = ["no_telephone", "no_number", "nobody_left", "call_120_now", "internal", "somebody_goes", "spoke", "key",
           "machine", "no_gateway", "alert_over", "nobody_came", "caller_gone", "stays", "on_the_phone",
           "may_ring", "no_news", "no_text", "text_not_sent", "text_unsure",
           "number_rejected", "not_permitted", "said_on_page", "declined",
           "drill_gives_way"]  # fmt: skip

# What is wrong with a policy: our own codes, and those of pydantic that a policy can meet. Others say their reason.
FAULTS = {
    *("alone", "nobody", "empty_level", "empty_group", "group_of_nobody", "never_reached", "reached_late", "no_phone"),
    *("phones_late", "unknown_area", "overlap", "hours", "level_twice", "kind_twice", "two_ladders", "override_twice"),
    *("nothing_changed", "unknown_kind", "no_ladder", "toml", "missing", "extra_forbidden", "greater_than_equal"),
    *("less_than_equal", "too_short", "int_type", "literal_error", "asks_short", "too_many_overrides", "long_line"),
    *(
        f"long_{name}"
        for name in (*BOUNDS, *CALLS, "call_backs_s", "deadline_s", "first_rung", "next_rung", "repeat_s")
    ),
}
# What is wrong with a record beside others; what is wrong with a fact by itself is said by its rule.
FAULTS_BESIDE = {"not_registered", "another_home", "together", "in_future", "outside_area", "lies_within"}


def sources() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in STATIC.glob("*.js")}


def test_r25_the_catalogues_have_the_same_keys() -> None:
    assert CATALOGUES["en"].keys() == CATALOGUES["zh-CN"].keys()


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_key_stands_once_and_in_its_place(name: str) -> None:
    """Of two with the same key only the last would be said."""
    text = (STATIC / f"i18n/{name}.json").read_text("utf-8")
    keys = [key for key, _ in json.loads(text, object_pairs_hook=list)]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_r25_a_text_has_the_same_placeholders_in_both_languages(key: str) -> None:
    english, chinese = (CATALOGUES[name][key] for name in ("en", "zh-CN"))
    assert set(PLACEHOLDER.findall(english)) == set(PLACEHOLDER.findall(chinese))
    assert english.strip() == english != ""
    assert chinese.strip() == chinese != ""


def test_chinese_is_written_in_catalogues_only() -> None:
    """`words.<language>.j2` are the catalogues of the shell, which must be readable without scripts."""
    texts = sources() | {
        path.name: path.read_text("utf-8") for path in TEMPLATES.iterdir() if not path.name.startswith("words.")
    }
    assert [name for name, text in texts.items() if CJK.search(text)] == []


def test_the_shell_has_the_same_words_in_both_languages() -> None:
    english, chinese = (
        re.findall(r"set (\w+) =", (TEMPLATES / f"words.{name}.j2").read_text("utf-8")) for name in ("en", "zh-CN")
    )
    assert english == chinese
    used = re.findall(r"words\.(\w+)\b(?!\")", (TEMPLATES / "console.html.j2").read_text("utf-8"))
    assert set(used) <= set(english)


def enumerated(prefix: str, words: object) -> set[str]:
    assert isinstance(words, (list, tuple, set, frozenset))
    return {f"{prefix}.{word}" for word in words}


def composed_keys() -> set[str]:
    """Keys the scripts put together from a prefix and a word of the API or of the alert machine."""
    properties = SCHEMAS["Alert"]["properties"]
    actions = set(re.findall(r'\{ id: "(\w+)"', sources()["actions.js"]))
    assert actions <= {action.value for action in Action}
    fields = {
        f"field.{action}.{field}"
        for action, listed in re.findall(r'id: "(\w+)", key: "\w", fields: \[([^\]]*)\]', sources()["actions.js"])
        for field in re.findall(r'"(\w+)"', listed)
    }
    with_form = {key.split(".")[1] for key in fields}
    all_rungs = [rung for kind in SCHEMAS["AlertKind"]["enum"] for rung in policies.read().ladder(kind).rungs]
    return (
        enumerated("kind", SCHEMAS["AlertKind"]["enum"])
        | enumerated("gap_kind", SCHEMAS["GapKind"]["enum"])
        | enumerated("map", ["home", "fix"])
        | enumerated("map.state", ["asked", "goes", "under_way", "there"])
        | enumerated("state", SCHEMAS["AlertState"]["enum"])
        | enumerated("outcome", SCHEMAS["OutcomeCode"]["enum"])
        | enumerated("role", SCHEMAS["Role"]["enum"])
        | enumerated("family", SCHEMAS["Device"]["properties"]["family"]["enum"])
        | enumerated("conflict", SCHEMAS["Conflict"]["allOf"][1]["properties"]["code"]["enum"])
        | enumerated("mark", ["real", *(name for name, kind in properties.items() if kind.get("type") == "boolean")])
        | enumerated("rule", RULES)
        | enumerated("rung", {rung.id for rung in all_rungs} | {"ring_again"})
        | enumerated("effect", [*(effect.kind for effect in Effect.__args__), "call"])
        | enumerated("group", {rung.phone for rung in all_rungs if rung.phone} | {"ambulance"})
        | enumerated("reason", REASONS)
        | enumerated("call_answer", [answer.value for answer in Answer])
        | enumerated("action", actions)
        | enumerated("action_busy", actions)
        | enumerated("done", actions | {"call_contact", "step"})
        | enumerated("submit", with_form)
        | fields
        | enumerated("proof", [proof.value for proof in Proof])
        | enumerated("age", ["ok", "warn", "breach"])
        | enumerated("link", ["connecting", "live", "reconnecting", "lost"])
        | enumerated("sound", ["elsewhere", "off", "on", "quiet", "ringing"])
        | enumerated("sex", ["f", "m"])
        | enumerated("fix", ["gnss", "wifi", "cell", "ble", "none"])
        | enumerated("datum", ["wgs84", "gcj02", "bd09"])
        | enumerated("actor", ["system", "telephone"])
        | enumerated("language", tuple(CATALOGUES))
        | enumerated("flood", ["by_load", "by_supervisor"])
        | enumerated("view", ["missing", "unreachable"])
        | enumerated("direction", SCHEMAS["CallDirection"]["enum"])
        | enumerated("call_role", SCHEMAS["CallRole"]["enum"])
        | enumerated("level", [level.id for level in policies.read().levels])
        | enumerated("policy_rung", {rung.id for rung in all_rungs})
        | enumerated("policy_limit", LIMITS)
        | enumerated("policy_worse", SCHEMAS["PolicyForecastAlert"]["properties"]["worse"]["items"]["enum"])
        | enumerated("policy_fault", FAULTS)
        | enumerated("responder_kind", policies.RESPONDER_KINDS)
        | enumerated("call_state", SCHEMAS["CallState"]["enum"])
        | enumerated("call_outcome", SCHEMAS["CallOutcome"]["enum"])
        | enumerated("channel", SCHEMAS["Channel"]["enum"])
        | enumerated("incident_kind", SCHEMAS["IncidentKind"]["enum"])
        | enumerated("incident_ask", SCHEMAS["IncidentAsk"]["enum"])
        | enumerated("standing", SCHEMAS["OnRoll"]["properties"]["standing"]["enum"])
        | enumerated("incident", ["kind", "ask", "name", "place", "standing", "whose"])
        | enumerated("grouping", SCHEMAS["Grouping"]["enum"])
        | enumerated("level", [level.id for level in policies.read().levels])
        | enumerated("wall", [f"class_{name}" for name in SCHEMAS["WallClass"]["enum"]])
        | enumerated("desk", SCHEMAS["DeskState"]["enum"])
        | enumerated("left", [rule.replace(".", "_") for rule in SCHEMAS["RoomLeft"]["properties"]["rule"]["enum"]])
        | enumerated("test_alarm", ["missed", "well"])
        | said_of_records()
        | enumerated("card", re.findall(r'h\(Fact, \{ name: "(\w+)"', sources()["resident_card.js"]))
    )


def said_of_records() -> set[str]:
    """Every fact of every register and of a contact, what it may hold where that is not a choice, and the choices."""
    names = ("Resident", "Device", "Responder", "Area", "Contact")
    facts = [(name, kind) for one in names for name, kind in SCHEMAS[f"{one}Facts"]["properties"].items()]
    choices = {(name, value or "none") for name, kind in facts for value in kind.get("enum", ())}
    choices |= {("left_why", value or "none") for value in SCHEMAS["LeftWhy"]["enum"]}
    ruled = {
        name for name, kind in facts if kind.get("type") != "boolean" and "enum" not in kind and "$ref" not in kind
    }
    registers = SCHEMAS["RegisterName"]["enum"]
    purposes = SCHEMAS["Purpose"]["enum"]
    return (
        enumerated("fact", {name for name, _kind in facts} | {f"consent_{one}" for one in purposes})
        | enumerated("fact_rule", ruled | {"kind", "id", "other"})
        | {f"choice.{name}.{value}" for name, value in choices}
        | enumerated("register_fault", FAULTS_BESIDE)
        | enumerated("register_kind", registers)
        | enumerated("register.new", registers)
        | enumerated("register_how", SCHEMAS["RegisterChange"]["properties"]["how"]["enum"])
        | enumerated("consent_purpose", purposes)
        | enumerated("consent_says", purposes)
    )


def written_keys() -> set[str]:
    """Keys that stand whole in the scripts; a plural stands for its forms."""
    text = "\n".join(sources().values())
    plurals = {key.rsplit(".", 1)[0] for key in ENGLISH if key.endswith(".other")}
    quoted = set(re.findall(r'"([a-z_]+\.[a-z_0-9.]+)"', text))
    known_prefixes = {key.split(".")[0] for key in ENGLISH}
    keys = {key for key in quoted if key.split(".")[0] in known_prefixes and not key.endswith((".js", ".single_keys"))}
    keys -= {f"console.{name}" for name in ("asked", "language", "lock_minutes", "locked", "used_at")}  # its store
    keys -= (RULES | {"effect.failed", "seat.taken"}) - ENGLISH.keys()
    forms = {f"{key}.{form}" for key in keys & plurals for form in ("one", "other")}
    return (keys - plurals) | forms


def test_every_key_the_page_uses_exists() -> None:
    assert (composed_keys() | written_keys()) - ENGLISH.keys() == set()


def test_every_text_is_used() -> None:
    assert ENGLISH.keys() - (composed_keys() | written_keys()) == set()
