"""The app's settings: environment variables, which Azure Functions makes of its application settings."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from cosmos.core.database import emulator_of
from models.accounts.limits import DEFAULT_LIMITS, LimitTable
from models.answers.offer import ConfiguredModel
from models.chat.names import DEFAULT_NAMES, KnownNames
from models.core.pseudonyms import DEFAULT_SHARDS, MAX_SHARDS
from models.core.sealing import FieldKeys
from models.core.subkeys import Purpose, subkey
from models.risk.thresholds import RiskSettings
from models.usage.pricing import PriceTable
from models.usage.rates import PriceOverride
from models.usage.write_limit import WriteLimit


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address like https://host/path")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]

MONITORED = re.compile(r"(?:^|;)InstrumentationKey=[0-9A-Fa-f-]{36}(?:;|$)")


def _guid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError("must be a GUID") from None


Guid = Annotated[str, AfterValidator(_guid)]
"""Of a tenant or an application, in the form that tokens have it."""


CAPABILITIES = ("chat", "usage", "analytics", "risk", "library", "organizations", "people", "answers")
"""The capabilities that can be switched off, by the names of their folders."""


def _capabilities(names: list[str]) -> list[str]:
    unknown = sorted(set(names) - set(CAPABILITIES))
    if unknown:
        raise ValueError(f"knows no {', '.join(unknown)}; there are {', '.join(CAPABILITIES)}")
    return names


Capabilities = Annotated[
    list[str],
    BeforeValidator(lambda value: value.replace(",", " ").split() if isinstance(value, str) else value),
    AfterValidator(_capabilities),
]


class SettingsError(Exception):
    """A setting is missing or wrong; the message names each.

    Attributes:
        names: Those settings.
    """

    def __init__(self, message: str, names: list[str]) -> None:
        super().__init__(message)
        self.names = names


PriceHistory = Annotated[
    list[PriceOverride], BeforeValidator(lambda value: [value] if isinstance(value, dict) else value)
]
"""A model's prices over time; one may stand alone."""


class Settings(BaseSettings):
    """Read once, at start-up. Field descriptions are what the operator reads."""

    model_config = SettingsConfigDict(
        extra="ignore", populate_by_name=True, enable_decoding=False, env_ignore_empty=True
    )

    cosmos: SecretStr | None = Field(
        default=None, alias="COSMOS", description="Connection string of an emulator on this machine; not in Azure"
    )
    cosmos_endpoint: WebAddress | None = Field(
        default=None, alias="COSMOS__accountEndpoint", description="The account's endpoint, reached by managed identity"
    )
    cosmos_database: str = Field(default="vimarsh", alias="COSMOS_DATABASE", description="Name of the database")
    entra_metadata_url: WebAddress = Field(
        alias="ENTRA_METADATA_URL", description="OpenID metadata of the issuer: …/v2.0/.well-known/openid-configuration"
    )
    entra_issuer: WebAddress = Field(
        alias="ENTRA_ISSUER", description="The tokens' exact `iss`; `{tenantid}` stands for the tenant of the token"
    )
    entra_audience: str = Field(alias="ENTRA_AUDIENCE", description="The API's client id: the tokens' `aud`")
    entra_tenants: list[Guid] = Field(
        alias="ENTRA_TENANTS", min_length=1, description='Tenants whose users may sign in, as JSON: ["<tenant id>"]'
    )
    entra_home_tenants: list[Guid] = Field(
        default_factory=list,
        alias="ENTRA_HOME_TENANTS",
        description="Those of them whose staff and servers have their roles here, as JSON; the first one if absent",
    )
    application_tenants: dict[Guid, list[Guid]] = Field(
        default_factory=dict,
        alias="APPLICATION_TENANTS",
        description="Whose users an application acts for, by its client id, as JSON: "
        '{"<client id>": ["<tenant id>"]}, of ENTRA_TENANTS; those of the tenant that its token is from if absent',
    )
    pseudonym_key: SecretStr = Field(
        alias="PSEUDONYM_KEY",
        description="Secret of at least 32 characters: addresses, names on the platform, and questions whose texts are "
        "not kept, are hashed with keys that follow from it",
    )
    field_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        alias="FIELD_KEYS",
        description="What fields that hold secrets are encrypted with, as JSON: "
        '{"<name>": "<at least 32 characters>"}; the last one seals what is new',
    )
    insights_connection_string: SecretStr | None = Field(
        default=None,
        alias="APPLICATIONINSIGHTS_CONNECTION_STRING",
        description="Application Insights, which takes traces and metrics; without it and OTLP none are made",
    )
    otlp_endpoint: WebAddress | None = Field(
        default=None,
        alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="An OTLP collector that takes traces and metrics by HTTP as JSON, like http://127.0.0.1:4318; "
        "OpenTelemetry's own OTEL_ variables hold beside it",
    )
    platform_shards: int = Field(
        default=DEFAULT_SHARDS,
        ge=1,
        le=MAX_SHARDS,
        alias="PLATFORM_SHARDS",
        description="Partitions that the platform's figures are counted in first; as lasting as PSEUDONYM_KEY, so "
        "choose it by size before the first turn: docs/capacity.md",
    )
    capabilities: Capabilities = Field(
        alias="CAPABILITIES",
        default=list(CAPABILITIES),
        description=f"What the app can do, of {', '.join(CAPABILITIES)}, with spaces between: what is left out has no "
        "routes and runs nothing. Accounts, privacy and counting are always there",
    )
    session_idle_minutes: int = Field(
        default=30, ge=1, alias="SESSION_IDLE_MINUTES", description="A session ends after this long without a turn"
    )
    graph_client_id: str | None = Field(
        default=None, alias="GRAPH_CLIENT_ID", description="Who asks Microsoft Graph for users; the audience if absent"
    )
    graph_client_secret: SecretStr | None = Field(
        default=None, alias="GRAPH_CLIENT_SECRET", description="Its secret; without any credential Graph is not asked"
    )
    graph_client_certificate: SecretStr | None = Field(
        default=None,
        alias="GRAPH_CLIENT_CERTIFICATE",
        description="Its private key and certificate as one PEM, instead of a secret",
    )
    graph_url: WebAddress = Field(
        default="https://graph.microsoft.com/v1.0", alias="GRAPH_URL", description="Microsoft Graph, with its version"
    )
    price_overrides: dict[str, PriceHistory] = Field(
        default_factory=dict,
        alias="PRICE_OVERRIDES",
        description='USD per million tokens by model, as JSON: {"my-model": {"input": 0.5, "output": 1.5}}; or a list '
        'of prices over time, each but one with its "effective_from": "2026-11-01T00:00:00Z"',
    )

    max_tokens_per_turn: int = Field(
        default=10_000_000,
        ge=100_000,
        le=100_000_000,
        alias="MAX_TOKENS_PER_TURN",
        description="Tokens of all kinds that one turn, or one admission, may have; more is refused as a mistake",
    )
    write_limit: WriteLimit = Field(
        default_factory=WriteLimit,
        alias="WRITE_LIMIT",
        description="What one user may record within a minute of UTC, whatever their limits, as JSON: "
        '{"turns": 120, "bytes": 4000000}; at least as many turns as their limit of queries. Servers are exempt',
    )
    known_names: KnownNames = Field(
        default=DEFAULT_NAMES,
        alias="KNOWN_NAMES",
        description="Names that users' turns may be counted by on the platform, besides those of the price table and "
        'of servers\' turns, as JSON in place of the defaults: {"personality": ["socrates"], "category": ["science"]}; '
        "others count as `other`",
    )
    model_aliases: dict[str, str] = Field(
        default_factory=dict,
        alias="MODEL_ALIASES",
        description='Which models names of deployments stand for, as JSON: {"our-chat": "azure/gpt-4o"}; also ARNs of '
        "profiles. Priced and counted as that model",
    )
    prefer_reported_cost: bool = Field(
        default=False,
        alias="PREFER_REPORTED_COST",
        description="Whether a cost that the provider reports goes before the price table's",
    )
    refuse_unpriced: bool = Field(
        default=False,
        alias="REFUSE_UNPRICED",
        description="Whether admissions of models without a price are refused where the user's cost is limited",
    )

    limits: LimitTable = Field(
        default=DEFAULT_LIMITS,
        alias="LIMITS",
        description="What a user may use in a UTC minute, and in a day and month of their calendar, as JSON in place "
        'of the defaults: {"minute": {"queries": 30}, "day": {"tokens": 5000000, "cost_usd": 10}, "month": {}}; '
        "what is absent has no limit",
    )
    risk: RiskSettings = Field(
        default_factory=RiskSettings,
        alias="RISK",
        description="How abuse is judged and what follows from it, as JSON; what is absent stays as by default: "
        '{"shadow": false, "suspend_from": 90, "thresholds": {"excessive_usage": {"turns_per_day": 300}}}',
    )
    child_retention_days: int = Field(
        default=365,
        ge=30,
        le=3650,
        alias="CHILD_RETENTION_DAYS",
        description="Accounts of children under 13 are erased this many days after a guardian's withdrawal, or after "
        "their last sign-in or turn",
    )
    retention_days_without_consent: int = Field(
        default=30,
        ge=1,
        le=3650,
        alias="RETENTION_DAYS_WITHOUT_CONSENT",
        description="Turns and sessions of users who have withdrawn their consent to retention are kept this many days",
    )
    reservation_seconds: int = Field(
        default=600, ge=10, le=86_400, alias="RESERVATION_SECONDS", description="An admission expires after this long"
    )

    models: dict[str, ConfiguredModel] = Field(
        default_factory=dict,
        alias="MODELS",
        description="The models that answers are asked of, as JSON, the default first: "
        '{"gpt-4o-mini": {"endpoint": "https://my.openai.azure.com", "azure": true, "context_window": 128000}}; '
        "without any, sample answers say that there is none",
    )
    model_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        alias="MODEL_KEYS",
        description='Their API keys by name, as JSON: {"<model>": "<key>"}; Azure OpenAI needs none',
    )
    answer_seconds: float = Field(
        default=300, ge=1, le=3600, alias="ANSWER_SECONDS", description="An answer is broken off after this long"
    )
    model_patience_seconds: float = Field(
        default=60,
        ge=0.1,
        le=600,
        alias="MODEL_PATIENCE_SECONDS",
        description="A model that says nothing for this long is given up",
    )

    erasure_settle_seconds: float = Field(
        default=60,
        ge=0,
        le=3600,
        alias="ERASURE_SETTLE_SECONDS",
        description="From closing an account to deleting what is in it, and from withdrawing a consent to the last "
        "look at what is stored; must be longer than a process goes by a profile that it has seen (30), and the "
        "longest request after that (25)",
    )

    erasure_log: str | None = Field(
        default=None,
        alias="ERASURE_LOG",
        description="Where erasures are noted beside the database, so that a restore brings nobody back: the URL of a "
        "container of blobs, or the path of a folder on a laptop; without it none are",
    )
    former_pseudonym_keys: list[SecretStr] = Field(
        default_factory=list,
        alias="FORMER_PSEUDONYM_KEYS",
        description='What PSEUDONYM_KEY was before, as JSON: ["<key>"]; for 45 days after a change, so that a restore '
        "finds whose erasures were noted with it",
    )

    job_patience_seconds: float = Field(
        default=120,
        ge=1,
        le=3600,
        alias="JOB_PATIENCE_SECONDS",
        description="A job that has not come a step further for this long is given to another driver, later each time",
    )

    @field_validator(
        "entra_tenants",
        "entra_home_tenants",
        "application_tenants",
        "price_overrides",
        "models",
        "model_keys",
        "model_aliases",
        "known_names",
        "write_limit",
        "limits",
        "risk",
        "former_pseudonym_keys",
        "field_keys",
        mode="before",
    )
    @classmethod
    def _of_json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("must be JSON") from None

    @field_validator("entra_home_tenants")
    @classmethod
    def _are_allowed(cls, value: list[str], others: ValidationInfo) -> list[str]:
        if not set(others.data.get("entra_tenants", value)).issuperset(value):
            raise ValueError("must be among ENTRA_TENANTS")
        return value

    @field_validator("cosmos")
    @classmethod
    def _is_of_an_emulator(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            emulator_of(value.get_secret_value())
        return value

    @field_validator("insights_connection_string")
    @classmethod
    def _has_an_instrumentation_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value and not MONITORED.search(value.get_secret_value()):
            raise ValueError("must have InstrumentationKey=<a GUID>")
        return value

    @field_validator("price_overrides")
    @classmethod
    def _makes_a_table(cls, value: dict[str, PriceHistory]) -> dict[str, PriceHistory]:
        PriceTable(value)
        return value

    @field_validator("models")
    @classmethod
    def _have_prices(cls, value: dict[str, ConfiguredModel]) -> dict[str, ConfiguredModel]:
        PriceTable({name: [model.price] for name, model in value.items() if model.price})
        return value

    @field_validator("model_keys")
    @classmethod
    def _are_of_models(cls, value: dict[str, SecretStr], others: ValidationInfo) -> dict[str, SecretStr]:
        if unknown := sorted(set(value) - set(others.data.get("models", value))):
            raise ValueError(f"must be of MODELS, which has no {', '.join(unknown)}")
        return value

    @field_validator("pseudonym_key")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @field_validator("field_keys")
    @classmethod
    def _are_long(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        if any(len(key.get_secret_value()) < 32 for key in value.values()):
            raise ValueError("must have keys of at least 32 characters")
        return value

    @field_validator("erasure_log")
    @classmethod
    def _is_a_place(cls, value: str | None) -> str | None:
        if value and "://" in value and not value.startswith("https://"):
            raise ValueError(
                "must be a URL like https://<account>.blob.core.windows.net/erasures, or the path of a folder"
            )
        return value

    @field_validator("graph_client_certificate")
    @classmethod
    def _has_a_key_and_a_certificate(cls, value: SecretStr | None) -> SecretStr | None:
        pem = value.get_secret_value() if value else None
        if pem and not ("PRIVATE KEY-----" in pem and "-----BEGIN CERTIFICATE-----" in pem):
            raise ValueError("must be a PEM with a private key and its certificate")
        return value

    @model_validator(mode="after")
    def _names_one_account(self) -> Self:
        if (self.cosmos is None) == (self.cosmos_endpoint is None):
            raise ValueError("set COSMOS__accountEndpoint (in Azure) or COSMOS (for an emulator), one of the two")
        return self

    @property
    def home_tenants(self) -> frozenset[str]:
        return frozenset(self.entra_home_tenants or self.entra_tenants[:1])

    def key_for(self, purpose: Purpose) -> bytes:
        """The key for one of the purposes of `PSEUDONYM_KEY`."""
        return subkey(self.pseudonym_key.get_secret_value().encode(), purpose)

    @property
    def sealing_keys(self) -> FieldKeys:
        """What fields that hold secrets are sealed with."""
        return FieldKeys({name: key.get_secret_value() for name, key in self.field_keys.items()})

    def former_keys_for(self, purpose: Purpose) -> tuple[bytes, ...]:
        """Those before it."""
        return tuple(subkey(key.get_secret_value().encode(), purpose) for key in self.former_pseudonym_keys)

    @property
    def cosmos_connection(self) -> str:
        return self.cosmos.get_secret_value() if self.cosmos else self.cosmos_endpoint or ""


def read_settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: naming every setting that is missing or wrong, without its value.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, part['loc'])) or 'COSMOS'}: {part['msg']}" for part in error.errors()]
        names = sorted({str(part["loc"][0]) if part["loc"] else "COSMOS" for part in error.errors()})
        raise SettingsError("The app's settings are not right. " + "; ".join(wrong), names) from None
