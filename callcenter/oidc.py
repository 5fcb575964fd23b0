"""Wires the identity provider of a deployment's settings, if there is one."""

from urllib.parse import urlsplit

from callcenter.clock import Clock
from callcenter.console.oidc_api import RETURN, OidcDesk, unknown_roles
from callcenter.console.oidc_provider import Client, Provider
from callcenter.console.oidc_tokens import Grants
from callcenter.privacy import Seal
from config.settings import Settings


def desk(settings: Settings, seal: Seal, clock: Clock) -> OidcDesk | None:
    """None: people sign in with name and password only. Raises OSError."""
    if not settings.oidc_issuer:
        return None
    grants = Grants(settings.oidc_role_claim, settings.oidc_roles, settings.oidc_area_claim, settings.oidc_areas)
    if wrong := unknown_roles(grants):
        raise OSError(wrong)
    client = Client(
        settings.oidc_issuer,
        settings.oidc_client_id,
        settings.oidc_client_secret.get_secret_value(),
        settings.oidc_scopes,
        settings.public + RETURN,
    )
    return OidcDesk(Provider(client, clock), grants, seal)


def name(settings: Settings) -> str:
    """What people read on the button; empty: there is none."""
    return settings.oidc_name or urlsplit(settings.oidc_issuer).hostname or ""
