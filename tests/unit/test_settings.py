"""Settings: what a deployment may choose, and combinations that are refused at start with one clear line."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from callcenter import oidc
from callcenter.clock import SystemClock
from callcenter.privacy import Seal
from config.settings import Settings, load


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("CALLCENTER_"):
            monkeypatch.delenv(name)


def chosen(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings | str:
    for name, value in variables.items():
        monkeypatch.setenv(f"CALLCENTER_{name}", value)
    return load()


def test_nothing_needs_to_be_chosen() -> None:
    settings = load()
    assert isinstance(settings, Settings)
    assert settings.database == "sqlite:///var/callcenter.db"
    assert settings.mqtt == "mqtt://127.0.0.1:1883"
    assert settings.public == "http://127.0.0.1:8080"
    assert settings.embedded_broker


def test_every_choice_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = chosen(
        monkeypatch,
        DATA_DIR="/srv/centre",
        DATABASE_URL="postgresql+psycopg://centre@db/centre",
        MQTT_URL="mqtts://centre:secret@broker:8883",
        HTTP_HOST="0.0.0.0",
        HTTP_PORT="1883",
        PUBLIC_URL="https://centre.example/",
        SIMULATE="0",
        LOG_LEVEL="debug",
        NODE="centre-2",
        NOBODY_KNOWS="this",
    )
    assert isinstance(settings, Settings)
    assert settings.data_dir == Path("/srv/centre")
    assert settings.database == "postgresql+psycopg://centre@db/centre"
    assert settings.mqtt == "mqtts://centre:secret@broker:8883"
    assert settings.public == "https://centre.example"
    assert (settings.http_port, settings.simulate, settings.log_level, settings.node) == (
        1883,
        False,
        "debug",
        "centre-2",
    )
    assert not settings.embedded_broker


def test_the_database_stands_in_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = chosen(monkeypatch, DATA_DIR="/srv/centre")
    assert isinstance(settings, Settings)
    assert settings.database == "sqlite:////srv/centre/callcenter.db"


def test_settings_do_not_change_while_the_service_runs() -> None:
    settings = load()
    assert isinstance(settings, Settings)
    with pytest.raises(ValidationError):
        settings.http_port = 80  # type: ignore[misc]


OIDC = {
    "PUBLIC_URL": "https://centre.example",
    "OIDC_ISSUER": "https://id.example",
    "OIDC_CLIENT_ID": "centre",
    "OIDC_ROLES": '{"desk": "operator"}',
}


@pytest.mark.parametrize(
    ("variables", "about"),
    [
        ({"DATABASE_URL": "mysql://db/centre"}, "CALLCENTER_DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://db/centre"}, "CALLCENTER_DATABASE_URL"),
        ({"DATABASE_URL": "sqlite://"}, "CALLCENTER_DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///"}, "alarms in memory would be lost"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "alarms in memory would be lost"),
        ({"DATABASE_URL": "sqlite:///?timeout=5"}, "alarms in memory would be lost"),
        ({"DATABASE_URL": "sqlite:///file::memory:?uri=true"}, "alarms in memory would be lost"),
        ({"DATABASE_URL": "sqlite:///file:centre?mode=memory&uri=true"}, "alarms in memory would be lost"),
        ({"MQTT_URL": "tcp://broker:1883"}, "CALLCENTER_MQTT_URL"),
        ({"MQTT_URL": "broker:1883"}, "CALLCENTER_MQTT_URL"),
        ({"MQTT_URL": "mqtt://"}, "CALLCENTER_MQTT_URL names no host"),
        ({"MQTT_URL": "mqtt://one:1883,two:1883"}, "CALLCENTER_MQTT_URL"),
        ({"MQTT_URL": "mqtt://one:1883,mqtt://:1884"}, "CALLCENTER_MQTT_URL names no host"),
        ({"MQTT_URL": "mqtt://:1883"}, "CALLCENTER_MQTT_URL names no host"),
        ({"MQTT_URL": "mqtt://broker:many"}, "CALLCENTER_MQTT_URL"),
        ({"MQTT_URL": "mqtt://broker:99999"}, "CALLCENTER_MQTT_URL"),
        ({"MQTT_URL": "mqtt://[broker"}, "CALLCENTER_MQTT_URL"),
        ({"PUBLIC_URL": "centre.example"}, "CALLCENTER_PUBLIC_URL"),
        ({"PUBLIC_URL": "ftp://centre.example"}, "CALLCENTER_PUBLIC_URL"),
        ({"PUBLIC_URL": "https://"}, "CALLCENTER_PUBLIC_URL"),
        ({"MQTT_HOST": "0.0.0.0"}, "loopback"),
        ({"MQTT_HOST": "192.0.2.7"}, "loopback"),
        ({"MQTT_PORT": "8080"}, "are the same"),
        ({"HTTP_PORT": "1883"}, "are the same"),
        ({"HTTP_PORT": "0"}, "CALLCENTER_HTTP_PORT: "),
        ({"HTTP_PORT": "65536"}, "CALLCENTER_HTTP_PORT: "),
        ({"HTTP_PORT": "http"}, "CALLCENTER_HTTP_PORT: "),
        ({"MQTT_PORT": "0"}, "CALLCENTER_MQTT_PORT: "),
        ({"NODE": "Centre 1"}, "CALLCENTER_NODE: "),
        ({"NODE": ""}, "CALLCENTER_NODE: "),
        ({"LOG_LEVEL": "chatty"}, "CALLCENTER_LOG_LEVEL: "),
        ({"LOG_FORMAT": "xml"}, "CALLCENTER_LOG_FORMAT: "),
        ({"TELEPHONY": "smoke signals"}, "CALLCENTER_TELEPHONY must be none, or twilio and ari"),
        ({"TELEPHONY": "twilio,twilio"}, "CALLCENTER_TELEPHONY must be none, or twilio and ari"),
        ({"TELEPHONY": "twilio"}, "CALLCENTER_CALLER_ID is needed"),
        ({"TELEPHONY": "twilio", "CALLER_ID": "12349"}, "CALLCENTER_CALLER_ID must look like"),
        ({"SOS_NUMBER": "110"}, "CALLCENTER_SOS_NUMBER must look like"),
        ({"TELEPHONY": "twilio", "CALLER_ID": "+8663112349"}, "CALLCENTER_TWILIO_ACCOUNT and"),
        (
            {"TELEPHONY": "twilio", "CALLER_ID": "+8663112349", "TWILIO_ACCOUNT": "AC1", "TWILIO_TOKEN": "t"},
            "CALLCENTER_PUBLIC_URL is needed",
        ),
        ({"TELEPHONY": "ari", "CALLER_ID": "+8663112349"}, "CALLCENTER_ARI_URL, CALLCENTER_ARI_USER"),
        ({"SIMULATE": "perhaps"}, "CALLCENTER_SIMULATE: "),
        (OIDC | {"OIDC_ISSUER": "http://id.example"}, "CALLCENTER_OIDC_ISSUER must begin with https://"),
        (OIDC | {"OIDC_ISSUER": "id.example"}, "CALLCENTER_OIDC_ISSUER"),
        (OIDC | {"OIDC_ISSUER": "https://id.example?realm=1"}, "CALLCENTER_OIDC_ISSUER has no query"),
        (OIDC | {"PUBLIC_URL": ""}, "CALLCENTER_PUBLIC_URL is needed"),
        (OIDC | {"OIDC_CLIENT_ID": ""}, "CALLCENTER_OIDC_CLIENT_ID is needed"),
        (OIDC | {"OIDC_SCOPES": "profile"}, "CALLCENTER_OIDC_SCOPES must hold openid"),
        (OIDC | {"OIDC_ROLES": "{}"}, "nobody has a role by default"),
        (OIDC | {"OIDC_ROLES": "desk=operator"}, "CALLCENTER_OIDC_ROLES: "),
        (OIDC | {"OIDC_AREA_CLAIM": "town"}, "go together"),
        (OIDC | {"OIDC_AREAS": '{"east": "d1-east"}'}, "go together"),
    ],
)
def test_what_cannot_work_is_refused_with_one_line(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], about: str
) -> None:
    said = chosen(monkeypatch, **variables)
    assert isinstance(said, str), said
    assert about in said
    assert "\n" not in said


def test_the_ports_may_be_the_same_when_the_broker_is_somewhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = chosen(monkeypatch, MQTT_URL="mqtt://broker", MQTT_PORT="8080", MQTT_HOST="0.0.0.0")
    assert isinstance(settings, Settings)


def test_an_identity_provider_and_the_table_of_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = chosen(
        monkeypatch, **OIDC, OIDC_CLIENT_SECRET="hush", OIDC_AREA_CLAIM="town", OIDC_AREAS='{"east": "e"}'
    )
    assert isinstance(settings, Settings)
    assert (settings.oidc_roles, settings.oidc_areas) == ({"desk": "operator"}, {"east": "e"})
    assert (oidc.name(settings), "hush" in repr(settings)) == ("id.example", False)
    assert oidc.desk(settings, Seal(b""), SystemClock()) is not None


def test_a_role_that_there_is_not_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = chosen(monkeypatch, **OIDC | {"OIDC_ROLES": '{"desk": "operator", "boss": "root"}'})
    assert isinstance(settings, Settings)
    with pytest.raises(OSError, match="there is no role root"):
        oidc.desk(settings, Seal(b""), SystemClock())


def test_without_an_identity_provider_there_is_none() -> None:
    settings = load()
    assert isinstance(settings, Settings)
    assert (oidc.name(settings), oidc.desk(settings, Seal(b""), SystemClock())) == ("", None)


@pytest.mark.parametrize("tiles", ["https://maps.example/tile.png", "https://{s}.maps.example/{z}/{x}/{y}.png", "maps"])
def test_pictures_of_a_map_come_from_one_host_and_have_a_grid(monkeypatch: pytest.MonkeyPatch, tiles: str) -> None:
    assert "CALLCENTER_MAP_TILES" in str(chosen(monkeypatch, MAP_TILES=tiles))
    assert isinstance(chosen(monkeypatch, MAP_TILES="https://maps.example/{z}/{x}/{y}.png"), Settings)


def test_a_cluster_is_its_servers_with_commas_and_a_password_may_hold_one(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = chosen(monkeypatch, MQTT_URL="mqtt://centre:a,b@one,mqtts://two:8884")
    assert not isinstance(settings, str)
    assert settings.brokers == ("mqtt://centre:a,b@one", "mqtts://two:8884")
