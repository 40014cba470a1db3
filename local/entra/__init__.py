"""An OpenID Connect issuer whose tokens look like Microsoft Entra ID's (v2.0)."""
