"""One frozen settings object from environment variables CALLCENTER_*; impossible combinations are refused."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, Json, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything a deployment may choose. Each field is the variable CALLCENTER_<FIELD IN CAPITALS>."""

    model_config = SettingsConfigDict(env_prefix="CALLCENTER_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("var"), description="where the embedded database and broker keep their files")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data directory")
    mqtt_url: str = Field(
        "", description="mqtt://[user:password@]host:port, several with commas; empty: embedded broker"
    )
    mqtt_host: str = Field("127.0.0.1", description="address the embedded broker listens on")
    mqtt_port: int = Field(1883, ge=1, le=65535, description="port of the embedded broker")
    http_host: str = Field("127.0.0.1", description="address the console listens on")
    http_port: int = Field(8080, ge=1, le=65535, description="port of the console")
    public_url: str = Field("", description="address under which browsers reach the console; empty: http_host")
    telephony: str = Field("none", description="gateways in order, with commas: twilio, ari; none: people dial")
    caller_id: str = Field("", description="number that people see when the centre calls, E.164")
    sos_number: str = Field("", description="number whose calls are an SOS without a menu, E.164")
    twilio_account: str = Field("", description="account SID")
    twilio_token: SecretStr = Field(SecretStr(""), description="auth token")
    twilio_next_token: SecretStr = Field(SecretStr(""), description="the other token while they are being changed")
    twilio_sms_from: str = Field("", description="number or messaging service of text messages; empty: caller_id")
    twilio_api: str = Field("https://api.twilio.com", description="address of the API; no other host is ever asked")
    twilio_fallback_url: str = Field("", description="static document elsewhere, read when the centre is silent")
    ari_url: str = Field("", description="http://host:port/ari of Asterisk's REST interface")
    ari_user: str = Field("", description="user of ari.conf")
    ari_password: SecretStr = Field(SecretStr(""), description="password of ari.conf")
    ari_app: str = Field("callcenter", description="name of the Stasis application")
    ari_sounds: str = Field(
        "vnh", description="folder of Asterisk's sounds in which the prompts are (docs/asterisk.md)"
    )
    ari_endpoint: str = Field("PJSIP/{number}@trunk", description="how Asterisk dials a number")
    links_in_texts: bool = Field(False, description="text messages may hold a link to the responder's page")
    map_tiles: str = Field("", description="address of map pictures, with {z}, {x} and {y}; empty: a map without")
    map_datum: Literal["wgs84", "gcj02"] = Field("wgs84", description="of the pictures; gcj02: AMap, Tencent")
    map_note: str = Field("", description="who made the pictures, and the approval number of the map")
    map_url: str = Field("geo:{lat},{lon}?q={lat},{lon}", description="how a responder's telephone opens a map")
    secret_key: SecretStr = Field(SecretStr(""), description="seals numbers in the call log; empty: a file is kept")
    oidc_issuer: str = Field("", description="identity provider, its issuer to the letter; empty: names and passwords")
    oidc_name: str = Field("", description="what the button calls the identity provider; empty: its host")
    oidc_client_id: str = Field("", description="our client id there")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="our client secret there; empty: a public client")
    oidc_scopes: str = Field("openid profile", description="scopes asked for, with spaces")
    oidc_role_claim: str = Field("roles", description="claim that names the role; dots lead into objects")
    oidc_roles: Json[dict[str, str]] = Field(
        {}, validate_default=False, description='JSON, {"value of the claim": "role"}; the first that fits'
    )
    oidc_area_claim: str = Field("", description="claim that names the area; empty: everybody sees every area")
    oidc_areas: Json[dict[str, str]] = Field(
        {}, validate_default=False, description='JSON, {"value of the claim": "area"}; "" sees all'
    )
    second_factor_roles: str = Field("", description="roles that must have a second factor, with commas")
    demo_password: str = Field("", description="password of the demo's operators; empty: made up and printed")
    simulate: bool = Field(True, description="let the demo's town live; false: registered but quiet")
    simulate_operators: bool = Field(True, description="false: nobody works the demo's alerts; the ladder runs alone")
    synthetic_password: SecretStr = Field(
        SecretStr(""), description="of the test alarm's account; empty: there is none"
    )
    synthetic_command: str = Field("", description="run by the prober when the test alarm is missed; pages people")
    drill: bool = Field(False, description="a centre to practise in: marks every page and alert, and knows nobody real")
    keep_alerts_days: int = Field(0, ge=0, description="closed alerts, their calls and rolls; 0: for ever")
    keep_recordings_days: int = Field(0, ge=0, description="recordings of calls; 0: for ever")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = Field("auto", description="auto: text on a terminal")
    policy_file: Path | None = Field(None, description="alert policy; none: config/escalation.toml")
    plans_file: Path | None = Field(None, description="response plans; none: config/plans.toml")
    node: str = Field("centre", pattern=r"^[a-z0-9-]{1,24}$", description="name of this process, unique per broker")

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'callcenter.db'}"

    @property
    def mqtt(self) -> str:
        return self.mqtt_url or f"mqtt://{self.mqtt_host}:{self.mqtt_port}"

    @property
    def brokers(self) -> tuple[str, ...]:
        """The servers of one broker: a lane that loses one goes to the next. A comma in a password is no end."""
        return tuple(re.split(r",(?=mqtts?://)", self.mqtt))

    @property
    def public(self) -> str:
        return (self.public_url or f"http://{self.http_host}:{self.http_port}").rstrip("/")

    @property
    def gateways(self) -> tuple[str, ...]:
        """Those that can ring, in the order in which they are asked."""
        return () if self.telephony == "none" else tuple(self.telephony.split(","))

    @property
    def embedded_broker(self) -> bool:
        return not self.mqtt_url

    @model_validator(mode="after")
    def _possible(self) -> "Settings":
        if self.database_url and not self.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("CALLCENTER_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://")
        file, _, options = self.database_url.removeprefix("sqlite:///").partition("?")
        if self.database_url.startswith("sqlite") and (not file or ":memory:" in file or "mode=memory" in options):
            raise ValueError("CALLCENTER_DATABASE_URL must name a file: alarms in memory would be lost")
        for url in self.brokers:
            _check_url("CALLCENTER_MQTT_URL", url, ("mqtt", "mqtts"))
        _check_url("CALLCENTER_PUBLIC_URL", self.public_url, ("http", "https"))
        if self.embedded_broker and self.mqtt_host not in HERE:
            # Until devices are identified (devices/identity.py) anybody could press for anybody.
            raise ValueError("the embedded broker listens on loopback only; set CALLCENTER_MQTT_URL instead")
        if self.embedded_broker and self.mqtt_port == self.http_port:
            raise ValueError("CALLCENTER_MQTT_PORT and CALLCENTER_HTTP_PORT are the same")
        if "{lat}" not in self.map_url or "{lon}" not in self.map_url:
            raise ValueError("CALLCENTER_MAP_URL must say where {lat} and {lon} go")
        if self.map_tiles and not all(part in self.map_tiles for part in ("{z}", "{x}", "{y}")):
            raise ValueError("CALLCENTER_MAP_TILES must say where {z}, {x} and {y} go")
        if "{" in urlsplit(self.map_tiles).netloc:
            raise ValueError("CALLCENTER_MAP_TILES must name one host: pages may load pictures from no other")
        _check_url("CALLCENTER_MAP_TILES", self.map_tiles, ("http", "https"))
        if 0 < self.keep_alerts_days < LEAST_KEPT_DAYS:
            raise ValueError(f"CALLCENTER_KEEP_ALERTS_DAYS must be 0 (for ever) or at least {LEAST_KEPT_DAYS}")
        _check_telephony(self)
        _check_oidc(self)
        _check_drill(self)
        return self


# Half a year of complaints and investigations; a typing error must not empty the log tonight.
LEAST_KEPT_DAYS = 180
GATEWAYS = frozenset({"twilio", "ari"})
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def _check_telephony(settings: Settings) -> None:
    """A gateway that could not ring, or could not be called back, is refused at start and not at the first alarm."""
    chosen = settings.gateways
    if len(set(chosen)) != len(chosen) or set(chosen) - GATEWAYS:
        raise ValueError("CALLCENTER_TELEPHONY must be none, or twilio and ari in their order, with a comma")
    for name in ("caller_id", "sos_number"):
        if (number := getattr(settings, name)) and not E164.fullmatch(number):
            raise ValueError(f"CALLCENTER_{name.upper()} must look like +8663112349")
    if chosen and not settings.caller_id:
        raise ValueError("CALLCENTER_CALLER_ID is needed: people must see who calls")
    if "twilio" in chosen:
        _check_url("CALLCENTER_TWILIO_API", settings.twilio_api, ("http", "https"))
        if not (settings.twilio_account and settings.twilio_token.get_secret_value()):
            raise ValueError("CALLCENTER_TWILIO_ACCOUNT and CALLCENTER_TWILIO_TOKEN are needed")
        if not settings.public_url:
            raise ValueError("CALLCENTER_PUBLIC_URL is needed: the carrier calls back there")
    if "ari" in chosen:
        _check_url("CALLCENTER_ARI_URL", settings.ari_url, ("http", "https"))
        if not (settings.ari_url and settings.ari_user and settings.ari_password.get_secret_value()):
            raise ValueError("CALLCENTER_ARI_URL, CALLCENTER_ARI_USER and CALLCENTER_ARI_PASSWORD are needed")
        if "{number}" not in settings.ari_endpoint:
            raise ValueError("CALLCENTER_ARI_ENDPOINT must say where the {number} goes")


HERE = frozenset({"127.0.0.1", "::1", "localhost"})


def _check_drill(settings: Settings) -> None:
    """What a centre to practise in acknowledges nobody answers: it hears no bracelet that somebody wears, and rings
    no telephone that somebody has.
    """
    if not settings.drill:
        return
    if settings.mqtt_url:
        raise ValueError("CALLCENTER_DRILL: not with CALLCENTER_MQTT_URL; presses of people might arrive there")
    if settings.database_url:
        raise ValueError("CALLCENTER_DRILL: not with CALLCENTER_DATABASE_URL; it keeps a database of its own")
    simulated = settings.gateways == ("twilio",) and urlsplit(settings.twilio_api).hostname in HERE
    if settings.gateways and not simulated:
        raise ValueError("CALLCENTER_DRILL: not with CALLCENTER_TELEPHONY; it rings no telephone of a person")


def _check_oidc(settings: Settings) -> None:
    """A sign-in that could let nobody in, or whose answers others could read or change, is refused at start."""
    if not settings.oidc_issuer:
        return
    _check_url("CALLCENTER_OIDC_ISSUER", settings.oidc_issuer, ("http", "https"))
    issuer = urlsplit(settings.oidc_issuer)
    if issuer.query or issuer.fragment:
        raise ValueError("CALLCENTER_OIDC_ISSUER has no query and no fragment")
    if issuer.scheme == "http" and issuer.hostname not in HERE:
        raise ValueError("CALLCENTER_OIDC_ISSUER must begin with https:// unless it is this machine")
    if not settings.public_url:
        raise ValueError("CALLCENTER_PUBLIC_URL is needed: the identity provider sends people back there")
    if not settings.oidc_client_id:
        raise ValueError("CALLCENTER_OIDC_CLIENT_ID is needed")
    if "openid" not in settings.oidc_scopes.split():
        raise ValueError("CALLCENTER_OIDC_SCOPES must hold openid")
    if not (settings.oidc_role_claim and settings.oidc_roles):
        raise ValueError(
            "CALLCENTER_OIDC_ROLE_CLAIM and CALLCENTER_OIDC_ROLES are needed: nobody has a role by default"
        )
    if bool(settings.oidc_area_claim) != bool(settings.oidc_areas):
        raise ValueError("CALLCENTER_OIDC_AREA_CLAIM and CALLCENTER_OIDC_AREAS go together")


def _check_url(name: str, url: str, schemes: tuple[str, ...]) -> None:
    """An empty one is fine: it means the default."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        port_is_possible = parts.port is None or 0 < parts.port <= 65535
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if parts.scheme not in schemes:
        raise ValueError(f"{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not parts.hostname or not port_is_possible:
        raise ValueError(f"{name} names no host, or no possible port")


def load() -> Settings | str:
    """The settings, or one clear line why they are impossible."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"CALLCENTER_{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        return name + first["msg"].removeprefix("Value error, ")
