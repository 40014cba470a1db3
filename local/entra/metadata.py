"""The OpenID configuration document, with the endpoints where Entra has them.

Source: OpenID Connect Discovery 1.0, and the shape of login.microsoftonline.com's own document.
"""

from __future__ import annotations

from typing import Any

MULTI_TENANT = ("common", "organizations")
"""Path segments that stand for any tenant; their `issuer` keeps the placeholder `{tenantid}`."""


def openid_configuration(endpoints_url: str, issuer: str, tenant: str) -> dict[str, Any]:
    """The document of one tenant.

    `endpoints_url` is where the reader reached this server (by HTTP or by HTTPS), so that it is sent on to the same
    place; `issuer` is what stands in the tokens, whichever way they were asked for.
    """
    root = f"{endpoints_url}/{tenant}"
    return {
        "token_endpoint": f"{root}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": f"{root}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": False,
        "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
        "http_logout_supported": True,
        "end_session_endpoint": f"{root}/oauth2/v2.0/logout",
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "nbf", "nonce", "oid", "tid", "ver", "uti", "rh"),
            *("name", "given_name", "family_name", "preferred_username", "email"),
        ],
    }
