"""The house rules (design.md 2 and 5): who may import whom, sizes, names, and what ruff and mypy say."""

import ast
import graphlib
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("callcenter", "devices", "handlers", "config", "simulators")
OURS = (*PACKAGES, "tests", "tools", "benchmarks")

# Package or module -> what of ours it may import; the longest name that fits an importer counts. Every package may
# import itself. A name stands for itself and all below it.
MAY_IMPORT: dict[str, set[str]] = {
    "config": set(),
    "devices": {"config"},
    "devices.collector": {"callcenter.clock"},
    "callcenter.clock": set(),
    "callcenter.ids": set(),
    "callcenter.metrics": set(),
    "callcenter.alerts": {"config.policies", "config.plans", "config.prompts"},
    "callcenter.services": {"config.policies"},
    "callcenter.storage": {"callcenter.alerts", "callcenter.services", "callcenter.clock", "callcenter.ids",
                           "callcenter.metrics", "callcenter.privacy", "config.policies", "config.plans"},
    # What one part asks of another: records only.
    "callcenter.ports": {"callcenter.alerts", "callcenter.storage.records", "callcenter.storage.scope.Scope",
                         "callcenter.storage.unit_values.WrittenEffect", "config.plans.PlanStep"},
    "callcenter.people": {"callcenter.alerts", "callcenter.services", "callcenter.storage", "callcenter.ports",
                          "callcenter.privacy", "callcenter.clock", "callcenter.metrics", "config.plans"},
    "callcenter.privacy": set(),
    "callcenter.telephony": {"callcenter.alerts", "callcenter.services", "callcenter.ports", "callcenter.clock",
                             "callcenter.metrics"},
    "callcenter.responder": {"callcenter.alerts", "callcenter.ports", "callcenter.clock", "callcenter.metrics",
                             "callcenter.ids", "callcenter.privacy", "callcenter.storage.page_queries",
                             "callcenter.storage.reading", "callcenter.storage.writer.Unavailable",
                             "config.responder"},
    # Pure: from plain records to data and words.
    "callcenter.handover": {"callcenter.alerts.model", "callcenter.clock", "config.handover"},
    # Pure: what is read for it are plain records.
    "callcenter.statistics": {"callcenter.alerts", "callcenter.storage.facts"},
    # The read side of storage; writer only for the exception that says that the database is away.
    "callcenter.console": {"callcenter.alerts", "callcenter.services", "callcenter.ports", "callcenter.clock",
                           "callcenter.metrics", "callcenter.storage.queries", "callcenter.storage.reading",
                           "callcenter.storage.records", "callcenter.storage.tables", "callcenter.storage.sessions",
                           "callcenter.storage.call_queries", "callcenter.storage.statistic_queries",
                           "callcenter.storage.facts", "callcenter.storage.writer.Unavailable",
                           "callcenter.storage.roll_queries", "callcenter.storage.handover_queries",
                           "callcenter.storage.page_queries", "callcenter.storage.scope",
                           "callcenter.storage.glass_book", "callcenter.storage.room_queries",
                           "callcenter.storage.roster_queries", "callcenter.storage.alert_search",
                           "callcenter.storage.gap_queries",
                           "callcenter.storage.factor_book",
                           "callcenter.storage.consents",
                           "callcenter.storage.register_book", "callcenter.ids", "config.review",
                           "callcenter.handover", "callcenter.statistics",
                           "callcenter.privacy", "callcenter.storage.plan_records", "config.plans",
                           "callcenter.storage.policy_queries",
                           "callcenter.storage.policy_past", "config.policies", "config.policy_lines"},
    "handlers": {"devices.events", "devices.telemetry", "callcenter.alerts", "callcenter.services",
                 "callcenter.storage.unit", "callcenter.storage.unit_values", "callcenter.storage.work",
                 "callcenter.storage.heard",
                 "callcenter.storage.call_book", "callcenter.storage.call_records", "callcenter.storage.directory",
                 "callcenter.storage.offer_records", "callcenter.storage.page_book",
                 "callcenter.storage.sightings", "callcenter.storage.roll_book", "callcenter.storage.network",
                 "callcenter.storage.sessions", "callcenter.storage.factor_book",
                 "callcenter.storage.glass_book", "callcenter.storage.drill_book", "callcenter.storage.flood_book",
                 "callcenter.storage.scope",
                 "callcenter.storage.synthetic",
                 "callcenter.storage.gap_book",
                 "callcenter.storage.retention",
                 "callcenter.storage.refused_phones", "callcenter.storage.plan_book",
                 "callcenter.storage.consents", "callcenter.storage.register_book", "callcenter.storage.learned",
                 "callcenter.storage.policy_queries", "callcenter.storage.policy_shelf",
                 "callcenter.storage.records", "callcenter.storage.writer.Unavailable",
                 "callcenter.storage.writer.Unsure", "callcenter.storage.writer.is_lost", "callcenter.privacy",
                 "callcenter.people", "callcenter.ports", "callcenter.metrics", "callcenter.clock", "callcenter.ids",
                 "config.policies", "config.plans", "config.prompts"},
    # Black boxes: they know the wire and nothing of the centre.
    "simulators": {"devices.events", "config.logs"},
    # Wiring: they put the parts together and are imported only by each other.
    "callcenter.__main__": set(OURS) - {"tests", "simulators"},
    "handlers.troubles": {"callcenter.alerts", "callcenter.ids", "callcenter.storage.unit",
                          "callcenter.storage.unit_values", "callcenter.storage.queries.DEFAULT_HEARTBEAT_S",
                          "callcenter.storage.queries.LOW_BATTERY", "callcenter.storage.queries.MISSED_HEARTBEATS"},
    "callcenter.centre": {"callcenter", "handlers", "devices", "config"},
    "callcenter.telephone": {"callcenter", "handlers", "config"},
    "callcenter.oidc": {"callcenter", "config"},
    "callcenter.demo": {"callcenter", "devices", "config"},
    "callcenter.synthetic": {"callcenter", "config"},
    "callcenter.drill_centre": {"callcenter"},
    "callcenter.doctor": {"callcenter", "devices", "config"},
    "callcenter.audit": {"callcenter.storage"},
    "callcenter.backups": {"callcenter", "config"},
    "callcenter.chores": {"callcenter", "handlers", "config"},
    "callcenter.reactions": {"callcenter", "handlers"},
    "callcenter.deployment": {"callcenter", "config"},
    "callcenter.restoring": {"callcenter", "config"},
    "callcenter.provisions": {"callcenter", "config", "devices"},
}  # fmt: skip
WIRING = {
    f"callcenter.{name}"
    for name in (
        *("__main__", "centre", "telephone", "oidc", "demo", "doctor", "audit", "synthetic", "drill_centre"),
        *("backups", "restoring", "provisions", "chores", "deployment", "reactions"),
    )
}

# Package or module -> third-party names it may import, the same way.
THIRD_PARTY: dict[str, set[str]] = {
    "config": {"pydantic", "pydantic_settings", "structlog"},
    "devices": {"pydantic"},
    "devices.mqtt": {"aiomqtt", "paho"},
    "devices.broker": {"jinja2"},
    "devices.identity": {"nats", "nkeys"},
    "callcenter": set(),
    "callcenter.metrics": {"prometheus_client"},
    "callcenter.storage": {"sqlalchemy", "alembic", "structlog"},
    "callcenter.privacy": {"cryptography"},
    "callcenter.telephone": {"aiohttp"},
    "callcenter.demo": {"pydantic"},
    "callcenter.people": {"pydantic", "sqlalchemy"},
    "callcenter.telephony": {"aiohttp", "structlog"},
    "callcenter.telephony.twilio_gateway": {"aiohttp", "twilio"},
    "callcenter.telephony.twilio_errors": {"aiohttp", "twilio"},
    "callcenter.telephony.twilio_callbacks": {"aiohttp", "twilio"},
    "callcenter.telephony.twiml": {"twilio"},
    # Connection: the type of what a query is called with. No statement is written here.
    "callcenter.console": {"aiohttp", "structlog", "pydantic", "sqlalchemy.Connection"},
    "callcenter.console.app": {"aiohttp", "structlog"},
    "callcenter.console.pages": {"aiohttp", "jinja2", "prometheus_client"},
    "callcenter.console.handover_api": {"aiohttp", "jinja2"},
    "callcenter.console.roster_api": {"aiohttp", "jinja2"},
    "callcenter.handover.document": {"pydantic"},
    "callcenter.responder": {"aiohttp", "jinja2", "pydantic"},
    "callcenter.console.auth": {"aiohttp", "argon2", "sqlalchemy.Connection"},
    "callcenter.console.second_factor": {"pyotp", "segno"},
    "callcenter.console.oidc_tokens": {"joserfc"},
    "callcenter.console.oidc_provider": {"aiohttp", "joserfc.jwk.KeySet"},
    "callcenter.centre": {"aiohttp", "structlog"},
    "callcenter.deployment": {"structlog"},
    "callcenter.audit": {"sqlalchemy"},
    "callcenter.drill_centre": {"sqlalchemy.Connection"},
    "callcenter.backups": {"pydantic", "sqlalchemy"},
    "callcenter.reactions": {"sqlalchemy.Connection"},
    "callcenter.restoring": {"sqlalchemy"},
    "callcenter.doctor": {"sqlalchemy"},
    "handlers": {"structlog"},
    "simulators": {"aiohttp", "aiomqtt", "pydantic", "structlog"},
}

LARGEST_MODULE, LARGEST_FUNCTION, LARGEST_USUAL_FUNCTION = 400, 60, 40
VAGUE = {"manager", "managers", "helper", "helpers", "util", "utils", "base", "common"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def modules(*packages: str) -> dict[str, tuple[Path, ast.Module]]:
    paths = (path for package in packages for path in sorted((ROOT / package).rglob("*.py")))
    return {name_of(path): (path, parsed(path)) for path in paths}


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Every node of it, once for all tests that look for one."""
    return tuple(ast.walk(tree))


@cache
def imports(tree: ast.Module) -> tuple[str, ...]:
    return tuple(_imports(tree))


def _imports(tree: ast.Module) -> Iterator[str]:
    """Full names: `from a.b import c` is a.b.c."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def within(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def row_of(table: dict[str, set[str]], module: str) -> str:
    """The longest name of the table that fits; empty when none does."""
    return max((name for name in table if within(module, {name})), key=len, default="")


def own_package(module: str) -> str:
    """Where a module's neighbours live: callcenter's parts are packages of their own."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "callcenter" else parts[0]


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


# -- who may import whom


def test_every_module_imports_of_ours_only_what_the_table_allows() -> None:
    wrong = []
    for module, (_path, tree) in modules(*PACKAGES).items():
        allowed = MAY_IMPORT.get(row_of(MAY_IMPORT, module), set()) | {own_package(module)}
        ours = [name for name in imports(tree) if name.split(".")[0] in OURS]
        wrong += [f"{module} imports {name}" for name in ours if not within(name, allowed)]
    assert wrong == []


def test_every_module_imports_of_others_only_what_the_table_allows() -> None:
    wrong = []
    for module, (_path, tree) in modules(*PACKAGES).items():
        allowed = THIRD_PARTY.get(row_of(THIRD_PARTY, module), set())
        others = [name for name in imports(tree) if name.split(".")[0] not in {*OURS, *sys.stdlib_module_names}]
        wrong += [f"{module} imports {name}" for name in others if not within(name, allowed)]
    assert wrong == []


def test_the_alert_machine_needs_nothing_but_the_standard_library_and_its_policy() -> None:
    for module, (_path, tree) in modules("callcenter/alerts").items():
        for name in imports(tree):
            policy = {"config.policies", "config.plans", "config.prompts"}
            roots = {*sys.stdlib_module_names, "callcenter.alerts", *policy}
            assert within(name, roots), f"{module} imports {name}"


def test_wiring_is_imported_only_by_wiring() -> None:
    for module, (_path, tree) in modules(*PACKAGES).items():
        if module not in WIRING:
            assert not [name for name in imports(tree) if within(name, WIRING)], module


# Granted by the design's table, and not used yet.
NOT_YET = {
    "devices": {"config"},
    "devices.collector": {"callcenter.clock"},
    "callcenter.storage": {"callcenter.services", "callcenter.clock"},
    "callcenter.people": {"callcenter.alerts", "callcenter.services", "callcenter.ports", "callcenter.clock",
                          "callcenter.metrics"},
    "callcenter.console": {"callcenter.services"},
    "callcenter.telephony": {"callcenter.services"},
    "handlers": {"callcenter.services", "callcenter.people", "config.policies"},
}  # fmt: skip


def test_no_row_of_the_tables_is_wider_than_needed() -> None:
    """A permission nobody uses hides the next violation. Rows of packages still to come are left alone."""
    idle, known = [], modules(*PACKAGES)
    for table, row in [(MAY_IMPORT, row) for row in MAY_IMPORT] + [(THIRD_PARTY, row) for row in THIRD_PARTY]:
        users = [module for module in known if row_of(table, module) == row]
        used = {name for module in users for name in imports(known[module][1])}
        granted = table[row] - (NOT_YET.get(row, set()) if table is MAY_IMPORT else set())
        if users and row not in WIRING:
            idle += [f"{row} need not import {one}" for one in granted if not any(within(name, {one}) for name in used)]
    assert idle == []


def test_modules_do_not_import_each_other_in_circles() -> None:
    known = modules(*OURS)
    graph: dict[str, set[str]] = {}
    for module, (_path, tree) in known.items():
        named = {name if name in known else name.rpartition(".")[0] for name in imports(tree)}
        graph[module] = {name for name in named if name in known and name != module}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def _asks_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_imports_stand_at_the_top_and_are_absolute() -> None:
    for module, (_path, tree) in modules(*PACKAGES).items():
        top = {id(node) for part in (tree, *filter(_asks_for_types, tree.body)) for node in part.body}
        for node in nodes(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert id(node) in top, f"{module}:{node.lineno} imports where it stands"
                assert not isinstance(node, ast.ImportFrom) or node.level == 0, f"{module}:{node.lineno}"


# -- sizes, docstrings, names


def test_no_module_is_longer_than_it_can_be_read() -> None:
    for module, (path, _tree) in modules(*PACKAGES, "tools", "benchmarks").items():
        count = len(path.read_text(encoding="utf-8").splitlines())
        assert count <= LARGEST_MODULE, f"{module} has {count} lines"


def test_functions_are_short() -> None:
    """A migration is a list of tables, not a function to be understood."""
    written = {
        f"{module}.{node.name}": lines(node)
        for module, (_path, tree) in modules(*PACKAGES, "tools", "benchmarks").items()
        if ".migrations.versions." not in module
        for node in functions(tree)
    }
    assert {name: length for name, length in written.items() if length > LARGEST_FUNCTION} == {}
    assert sorted(written.values())[int(len(written) * 0.95)] <= LARGEST_USUAL_FUNCTION


def test_every_module_says_what_it_owns() -> None:
    for module, (_path, tree) in modules(*OURS).items():
        assert ast.get_docstring(tree) or not tree.body, f"{module} has no docstring"


def test_what_belongs_to_an_alert_asks_the_policy_of_that_alert() -> None:
    """`Unit.in_force` may be another one than the alert opened under (docs/adr/0018). Who asks it has no alert yet."""
    asking = {
        f"{module}.{function.name}"
        for module, (_path, tree) in modules("callcenter", "handlers").items()
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "unit.in_force"
    }
    assert asking == {
        "handlers.device_signals._late",  # of a press, before it is known whose it is
        "handlers.incidents._turns",  # a roll is no alert
        "handlers.incidents._call",
    }


def test_names_say_what_things_are() -> None:
    for module, (_path, tree) in modules(*OURS).items():
        defined = [node.name for node in nodes(tree) if isinstance(node, ast.ClassDef)]
        for name in [*module.split("."), *defined, *(node.name for node in functions(tree))]:
            words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
            assert not words & VAGUE, f"{name} in {module}"


def test_every_silenced_finding_names_itself() -> None:
    for module, (path, _tree) in modules(*OURS).items():
        text = path.read_text(encoding="utf-8")
        if "noqa" not in text and "ignore" not in text:
            continue  # reading tokens takes long
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                silenced = re.search(r"#\s*(noqa(?!: ?[A-Z]+\d)|type: ?ignore(?!\[)|mypy: ignore)", token.string)
                assert not silenced, f"{module}:{token.start[0]} {token.string}"


# -- what must not be in the repository

# Put together here, so that this file does not hold what it looks for.
MACHINE_PATHS = [f"/{name}/" for name in ("work", "root", "home")]
REGISTRIES = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "arti" + "factory",
              "j" + "frog", "dev" + "pi", "/" + "simple/", "--index" + "-url", "--extra-index" + "-url"]  # fmt: skip


def tracked() -> Iterator[tuple[str, str]]:
    """Name and text of every text file that is, or could be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    named = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, named):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        if b"\0" not in content:
            yield name, content.decode("utf-8")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="an unpacked archive: what is committed is not known")
def test_no_file_names_a_registry_or_a_path_of_the_machine_it_was_written_on() -> None:
    found = []
    for name, text in tracked():
        for needle in (*MACHINE_PATHS, *REGISTRIES):
            found += [f"{name}: {line.strip()[:100]}" for line in text.splitlines() if needle in line]
    assert found == []


# -- the tools' word


@pytest.mark.parametrize(
    "command",
    [("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",)],
    ids=["lint", "format", "types"],
)
def test_what_make_check_says(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
