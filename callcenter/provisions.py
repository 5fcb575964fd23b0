"""What one process is given by its settings: words, plans, its key, what it keeps, and a broker of its own."""

from callcenter.alerts.model import Kind
from callcenter.console.roles import ROLES
from callcenter.privacy import Seal, read_key
from callcenter.storage.retention import Keep
from callcenter.storage.sessions import NOBODYS
from config import plans as plan_file, prompts
from config.plans import Plans
from config.prompts import Prompts
from config.settings import Settings
from devices.broker import EmbeddedBroker


def keep(settings: Settings) -> Keep:
    return Keep(settings.keep_alerts_days, settings.keep_recordings_days, settings.data_dir / "recordings")


def words() -> Prompts:
    """Raises OSError."""
    found = prompts.read()
    if isinstance(found, str):
        raise OSError(found)
    return found


def plans(settings: Settings) -> Plans:
    """Raises OSError."""
    found = plan_file.read(settings.plans_file, kinds=frozenset(Kind))
    if isinstance(found, str):
        raise OSError(found)
    return found


def seal(settings: Settings) -> Seal:
    """Raises OSError."""
    found = read_key(settings.data_dir, settings.secret_key.get_secret_value())
    if isinstance(found, str):
        raise OSError(found)
    return found


def demands(settings: Settings) -> frozenset[str]:
    """Roles that owe a second factor.

    Raises OSError: a role that is none would be demanded of nobody, and a screen on the wall has no telephone.
    """
    named = frozenset(one.strip() for one in settings.second_factor_roles.split(",") if one.strip())
    if wrong := sorted(named - (ROLES.keys() - {*NOBODYS})):
        raise OSError(f"CALLCENTER_SECOND_FACTOR_ROLES: {wrong[0]} is no role of people")
    return named


def embedded_broker(settings: Settings) -> EmbeddedBroker | None:
    if not settings.embedded_broker:
        return None
    directory = settings.data_dir / "broker"
    return EmbeddedBroker(host=settings.mqtt_host, port=settings.mqtt_port, directory=directory, name=settings.node)
