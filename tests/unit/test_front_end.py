"""The console's scripts are type-checked against openapi.yaml and linted, and its colours are readable.

Deno (the PyPI package, a test dependency) checks JSDoc types without Node and without the network.
The API's types are generated from openapi.yaml for each run, so they can never be out of date.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "callcenter/console/static"
OPENAPI = ROOT / "callcenter/console/openapi.yaml"
DENO = Path(sys.executable).with_name("deno")

PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def typescript(schema: dict[str, Any]) -> str:
    """A JSON Schema, as far as openapi.yaml uses it, as a TypeScript type."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for word, sign in (("oneOf", " | "), ("allOf", " & ")):
        if word in schema:
            return "(" + sign.join(typescript(part) for part in schema[word]) + ")"
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(PLAIN[one] for one in kind)
    if kind == "array":
        return f"({typescript(schema['items'])})[]"
    if kind == "object" and "properties" in schema:
        required = set(schema.get("required", []))
        fields = (
            f"{json.dumps(name)}{'' if name in required else '?'}: {typescript(part)};"
            for name, part in schema["properties"].items()
        )
        return "{ " + " ".join(fields) + " }"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {typescript(values) if values else 'unknown'}>"
    return PLAIN[str(kind)] if kind else "unknown"


def api_types() -> str:
    schemas = yaml.safe_load(OPENAPI.read_text("utf-8"))["components"]["schemas"]
    return "\n".join(
        [
            *(f"export type {name} = {typescript(schema)};" for name, schema in schemas.items()),
            'export type ActionName = Action["action"];',
            "export type LiveFrame = LiveSnapshot | LiveResumed | LiveEntry | LivePassed | LivePositions | LiveConsole"
            " | LiveBeat;",
        ]
    )


def checking_config(place: Path) -> Path:
    """A Deno configuration whose import map points at declarations instead of minified modules."""
    (place / "console-api.d.ts").write_text(api_types(), "utf-8")
    imports = {"console-api": (place / "console-api.d.ts").as_uri()}
    for package in json.loads((ROOT / "vendor.lock.json").read_text("utf-8"))["packages"]:
        for specifier, path in package["types"].items():
            imports[specifier] = (STATIC / "vendor" / package["directory"] / path).as_uri()
    config = {
        "imports": imports,
        "compilerOptions": {
            "checkJs": True,
            "strict": True,
            "noUncheckedIndexedAccess": True,
            "lib": ["dom", "dom.iterable", "esnext"],
        },
        "unstable": ["sloppy-imports"],
        # no-window: location and document are this page's own words. no-unversioned-import and the
        # like are about Deno's registries, which this page does not use.
        "lint": {"rules": {"exclude": ["no-window", "no-import-prefix", "no-unversioned-import"]}},
    }
    path = place / "deno.json"
    path.write_text(json.dumps(config), "utf-8")
    return path


def deno(place: Path, *arguments: str) -> str:
    if not DENO.exists():
        pytest.skip(f"{DENO} is missing: install the development dependencies to check the scripts")
    finished = subprocess.run(
        [DENO, *arguments],
        cwd=STATIC,
        env=os.environ | {"DENO_DIR": str(place / "cache"), "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr[-6000:] + finished.stdout[-2000:]
    return finished.stdout


def scripts() -> list[str]:
    return sorted(path.name for path in STATIC.glob("*.js"))


def test_the_scripts_agree_with_their_types_and_the_api(tmp_path: Path) -> None:
    deno(tmp_path, "check", "--no-remote", "--config", str(checking_config(tmp_path)), *scripts())


def test_the_scripts_pass_the_linter(tmp_path: Path) -> None:
    deno(tmp_path, "lint", "--config", str(checking_config(tmp_path)), *scripts())


LIST_PROOF = """
import { layout, ROW } from "STATIC/list_layout.js";
import { compare, lateness, ordered, worstFamily } from "STATIC/order.js";
const fail = (what) => { throw new Error(what); };
const whole = (most) => Math.floor(Math.random() * most);
for (let i = 0; i < 20000; i += 1) {
  const viewport = 200 + whole(800), rows = 1 + whole(2000), index = whole(rows);
  const y = whole(viewport + ROW) - ROW;
  const now = { rows, viewport, scrollTop: whole(9e4), padTop: whole(300), atTop: false, anchor: { index, y } };
  const drawn = layout(now);
  if (drawn.padTop + index * ROW - drawn.scrollTop !== y) fail("the anchor moved");
  if (drawn.scrollTop + viewport > drawn.height && drawn.scrollTop > 0) fail("scrolled beyond the end");
  if (y > -ROW && y < viewport && (index < drawn.first || index >= drawn.last)) fail("the anchor is not drawn");
  if (drawn.last - drawn.first > viewport / ROW + 12) fail("too many rows are drawn");
}
const at = (seconds) => new Date(1.8e12 + seconds * 1000).toISOString();
const plain = { state: "waiting", kind: "sos", priority: 5, owner: null, waiting_since: at(0) };
const alert = (id, more) => ({ ...plain, id, ...more });
const list = [
  alert("closed", { state: "closed" }), alert("taken", { state: "claimed", owner: { id: "o" }, priority: 1 }),
  alert("young", { waiting_since: at(9) }), alert("old"), alert("fall", { priority: 2, waiting_since: at(20) }),
  alert("lost", { state: "handed_over", priority: 4 }), alert("done", { state: "resolved", priority: 1 }),
];
const ids = (inHand) => ordered(list, { keep: new Set(), inHand }).map((one) => one.id).join(" ");
if (ids(null) !== "fall lost old young taken done") fail(ids(null));
if (ids(alert("taken", { priority: 1 })) !== "taken fall lost old young done") fail("the row in hand moved");
if (worstFamily([list[3], alert("b", { priority: 9 })]) !== "high" || worstFamily([]) !== null) fail("family");
const late = [14999, 15000, 60000].map((age) => lateness(list[3], age)).join(" ");
if (late !== "ok warn breach" || lateness(list[1], 9e9) !== null) fail(late);
if (compare(list[2], list[3]) <= 0) fail("oldest first");
const drill = alert("drill", { kind: "fall", priority: 1, drill: true, silent: true, waiting_since: at(-9e4) });
const calm = alert("calm", { kind: "battery", priority: 9, state: "resolved", waiting_since: at(9e6) });
if (compare(drill, calm) <= 0 || compare(calm, drill) >= 0) fail("a drill stands before something real");
if (worstFamily([drill, calm]) !== "low" || worstFamily([drill]) !== "drill") fail("a drill drowns something real");
"""


def test_order_and_layout_of_the_list(tmp_path: Path) -> None:
    script = tmp_path / "proof.js"
    script.write_text(LIST_PROOF.replace("STATIC", STATIC.as_uri()), "utf-8")
    deno(tmp_path, "run", "--no-remote", "--no-config", str(script))


SELDOM_PROOF = """
import { atMost } from "STATIC/seldom.js";
const fail = (what) => { throw new Error(what); };
let now = 0, due = null, done = [];
performance.now = () => now;
globalThis.setTimeout = (does) => { if (due) fail("two timers"); due = does; return 1; };
globalThis.clearTimeout = () => { due = null; };
const told = atMost(100, () => done.push(now));
told(); now = 10; told(); told();
if (done.join() !== "0") fail("not at once, or too often: " + done);
now = 99.5; due();  // a timer that comes early
if (done.join() !== "0,99.5") fail("what was held back is lost: " + done);
now = 150; told(); now = 210; due();
now = 400; told();
if (done.join() !== "0,99.5,210,400" || due) fail("it got stuck: " + done);
"""


def test_what_a_flood_holds_back_is_done_in_the_end(tmp_path: Path) -> None:
    script = tmp_path / "proof.js"
    script.write_text(SELDOM_PROOF.replace("STATIC", STATIC.as_uri()), "utf-8")
    deno(tmp_path, "run", "--no-remote", "--no-config", str(script))


FOLD_PROOF = """
import { compare, isEmergency } from "STATIC/order.js";
import { foldedRows, isFoldable, isFoldId, stood } from "STATIC/folds.js";

const fail = (what) => { throw new Error(what); };
const whole = (most) => Math.floor(Math.random() * most);
const KINDS = ["sos", "fall", "fire", "gas", "wander", "help", "ambulance", "offline", "service", "battery", "novel"];
const STATES = ["waiting", "waiting", "waiting", "claimed", "helping", "handed_over", "resolved"];
const alert = (n) => {
  const state = STATES[whole(STATES.length)];
  const owner = state === "waiting" || whole(3) === 0 ? null : { id: "o" };
  return { id: `a${n}`, kind: KINDS[whole(KINDS.length)], press_count: whole(2), silent: whole(9) === 0, state, owner,
    priority: 1 + whole(9), area_id: [null, "d1", "d 2"][whole(3)],
    waiting_since: new Date(1.8e12 + whole(9e6)).toISOString() };
};
const counts = { folded: 0, open: 0 };
for (let i = 0; i < 3000; i += 1) {
  const alerts = Array.from({ length: whole(40) }, (_, n) => alert(n)).sort(compare);
  const opened = new Set(["fold::offline", "fold:d1:battery"].slice(whole(3)));
  const held = alerts.length ? `a${whole(alerts.length)}` : null;
  const plain = foldedRows(alerts, { on: false, opened, inHand: new Set([held]) });
  if (plain.some((row) => row.fold || row.member) || plain.length !== alerts.length) fail("folded while off");
  const rows = foldedRows(alerts, { on: true, opened, inHand: new Set([held, null]) });
  const shown = rows.flatMap((row) => row.alert ?? []);
  const folds = rows.flatMap((row) => row.fold ?? []);
  const first = rows.findIndex((row) => row.fold);
  const hidden = alerts.filter((one) => !shown.includes(one));
  for (const one of hidden) {
    if (isEmergency(one) || one.press_count || one.silent || one.owner || one.id === held) fail(`hid ${one.id}`);
    if (one.kind !== "offline" && one.kind !== "battery") fail(`hid ${one.kind}`);
  }
  for (const [index, row] of rows.entries()) {
    if (first >= 0 && index > first && row.alert && !row.member) fail("a row stands below a fold");
    if (row.member && !isFoldable(row.alert)) fail("a member that is no technical signal");
    if (isFoldId(row.id) !== (row.fold !== null)) fail(row.id);
  }
  const people = shown.filter((one) => !isFoldable(one));
  if (people.join() !== alerts.filter((one) => !isFoldable(one)).join()) fail("the order of people changed");
  const closed = folds.filter((fold) => !fold.open).reduce((sum, fold) => sum + fold.count, 0);
  if (closed !== hidden.length) fail("the count is not what is hidden");
  if (new Set(rows.map((row) => row.id)).size !== rows.length) fail("a row stands twice");
  for (const fold of folds) {
    const members = alerts.filter((one) => isFoldable(one) && one.kind === fold.kind && one.area_id === fold.area &&
      (fold.open || one.id !== held));
    if (members.length !== fold.count) fail("the count of a fold");
    if (members.some((one) => Date.parse(one.waiting_since) < fold.oldestMs)) fail("not the oldest");
    if (/ /.test(fold.id)) fail("an id with a space names nothing");
  }
  counts.folded += closed;
  counts.open += folds.filter((fold) => fold.open).length;
}
if (!counts.folded || !counts.open) fail("proved nothing");
const lost = { ...alert(0), kind: "offline", press_count: 0, silent: false, state: "waiting", owner: null };
if (stood(lost, lost) !== lost || stood(null, lost) !== null) fail("the row in hand moved");
if (stood(lost, { ...lost, kind: "sos", press_count: 1 }) !== null) fail("a press stays low");
"""


def test_flood_mode_folds_no_alarm_of_a_person(tmp_path: Path) -> None:
    script = tmp_path / "proof.js"
    script.write_text(FOLD_PROOF.replace("STATIC", STATIC.as_uri()), "utf-8")
    deno(tmp_path, "run", "--no-remote", "--no-config", str(script))


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")) + sorted(STATIC.glob("*.css")), ids=lambda p: p.name)
def test_a_module_stays_readable(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    assert "innerHTML" not in text
    assert "eval(" not in text
    assert text.startswith(("//", "/*")), "say in the first line what the module owns"


# Text and the surface under it: 4.5 to 1. Edges of controls and the focus ring: 3 to 1.
TEXT_PAIRS = [
    ("text", "ground"), ("text", "surface"), ("text", "raised"), ("text", "chosen"), ("text", "alarm-soft"),
    ("text-soft", "ground"), ("text-soft", "surface"), ("text-soft", "raised"), ("text-soft", "chosen"),
    ("text-soft", "alarm-soft"), ("on-accent", "accent"), ("on-alarm", "alarm"), ("alarm", "alarm-soft"),
    ("alarm", "surface"), ("alarm", "chosen"), ("on-warn", "warn"), ("warn-text", "surface"),
    ("good", "surface"), ("good", "alarm-soft"), ("good", "chosen"), ("technical", "surface"),
    ("technical", "raised"), ("technical", "chosen"), ("surface", "technical"),
    ("on-heat-a", "heat-a"), ("on-heat-b", "heat-b"), ("on-heat-c", "heat-c"), ("on-heat-d", "heat-d"),
]  # fmt: skip
SHAPE_PAIRS = [("edge", "surface"), ("edge", "ground"), ("focus", "surface"), ("focus", "ground")]


def tokens() -> dict[str, dict[str, str]]:
    light, dark = (STATIC / "tokens.css").read_text("utf-8").split("@media (prefers-color-scheme: dark)")
    found = {}
    for name, text in (("light", light), ("dark", dark)):
        found[name] = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text))
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_are_readable(scheme: str) -> None:
    colours = tokens()[scheme]
    pairs = [(*pair, 4.5) for pair in TEXT_PAIRS] + [(*pair, 3.0) for pair in SHAPE_PAIRS]
    weak = {
        f"{front} on {back}": round(contrast(colours[front], colours[back]), 2)
        for front, back, least in pairs
        if contrast(colours[front], colours[back]) < least
    }
    assert not weak
