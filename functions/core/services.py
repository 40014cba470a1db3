"""The composition root: what the functions of one process share."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from importlib import import_module

from azure.cosmos.aio import CosmosClient, DatabaseProxy

from cosmos.accounts.accounts import Accounts
from cosmos.accounts.audit import Audit
from cosmos.accounts.directory import Directory
from cosmos.accounts.users import Users
from cosmos.analytics.insights import PlatformInsights
from cosmos.analytics.names import PlatformNames
from cosmos.analytics.totals import Totals
from cosmos.chat.history import History
from cosmos.chat.ingestion import Ingestion
from cosmos.chat.repricing import Repricing
from cosmos.chat.sessions import Sessions
from cosmos.chat.turns import Turns
from cosmos.core.containers import differing
from cosmos.core.database import Database, connect
from cosmos.core.mirroring import Mirroring
from cosmos.core.observer import NOBODY, Observer
from cosmos.core.repository import Repository
from cosmos.counting.counters import Analytics
from cosmos.counting.dead_letters import DeadLetters
from cosmos.counting.folding import Folding
from cosmos.counting.heartbeats import Heartbeats
from cosmos.counting.rebuilding import Rebuilding
from cosmos.counting.sources import Placing
from cosmos.jobs.jobs import Jobs
from cosmos.library.bookmarks import Bookmarks
from cosmos.library.reviews import Reviews
from cosmos.organizations.invitations import Invitations
from cosmos.organizations.members import Members
from cosmos.organizations.organizations import Organizations
from cosmos.organizations.rights import Rights
from cosmos.privacy.consents import Consents, privacy_with
from cosmos.privacy.erasure import Erasures
from cosmos.privacy.erasure_marks import ErasureMarks
from cosmos.privacy.exporting import Exporting
from cosmos.risk.profiles import RiskOnProfiles
from cosmos.risk.risk import Risk
from cosmos.usage.alerts import Alerts
from cosmos.usage.allowances import Allowances, create_allowance
from functions.accounts.graph import Graph
from functions.core.logs import quieten_libraries
from functions.core.readiness import Readiness
from functions.core.settings import Settings, SettingsError, read_settings
from functions.core.telemetry import Telemetry
from functions.core.tokens import Tokens
from functions.privacy.erasure_log import opened
from models.accounts.limits import DEFAULT_LIMITS, LimitTable
from models.accounts.profile import UserProfile
from models.chat.names import DEFAULT_NAMES, KnownNames
from models.core.kinds import Kind, R
from models.core.pseudonyms import Pseudonyms
from models.core.write_policy import Privacy
from models.kinds import KINDS, undeclared
from models.privacy.erasure_log import Keys
from models.risk.standing import as_it_stands
from models.risk.thresholds import RiskSettings
from models.usage.pricing import PriceTable

log = logging.getLogger(__name__)

DEFAULT_RISK = RiskSettings()
DEFAULT_PRIVACY = privacy_with(text_key=b"")
DEFAULT_PATIENCE = timedelta(seconds=120)


@dataclass(frozen=True)
class Store:
    """What reads and writes the containers."""

    users: Users
    totals: Totals
    risk_on_profiles: RiskOnProfiles
    sessions: Sessions
    turns: Turns
    history: History
    analytics: Analytics
    bookmarks: Bookmarks
    accounts: Accounts
    audit: Audit
    directory: Directory
    exporting: Exporting
    allowances: Allowances
    alerts: Alerts
    ingestion: Ingestion
    folding: Folding
    dead_letters: DeadLetters
    rebuilding: Rebuilding
    repricing: Repricing
    risk: Risk
    insights: PlatformInsights
    names: PlatformNames
    erasures: Erasures
    erasure_marks: ErasureMarks
    consents: Consents
    jobs: Jobs
    heartbeats: Heartbeats
    mirroring: Mirroring
    reviews: Reviews
    rights: Rights
    organizations: Organizations
    members: Members
    invitations: Invitations
    database: Database

    def repository(self, kind: Kind[R]) -> Repository[R]:
        """The documents of a declared kind."""
        return Repository(self.database, kind)

    @classmethod
    def of(
        cls,
        database: Database,
        prices: PriceTable,
        pseudonyms: Pseudonyms,
        limits: LimitTable = DEFAULT_LIMITS,
        risk: RiskSettings = DEFAULT_RISK,
        observer: Observer = NOBODY,
        privacy: Privacy = DEFAULT_PRIVACY,
        names: KnownNames = DEFAULT_NAMES,
        patience: timedelta = DEFAULT_PATIENCE,
    ) -> Store:
        def standing(profile: UserProfile, now: datetime) -> UserProfile:
            return as_it_stands(profile, risk, now)

        users, sessions, turns = (
            Users(database, partial(create_allowance, database.user_sessions), standing),
            Sessions(database),
            Turns(database, prices, observer),
        )
        analytics, bookmarks = Analytics(database, risk, observer), Bookmarks(database)
        rights = Rights(database)
        organizations = Organizations(database, rights)
        placing = Placing(pseudonyms)
        totals, profiles = Totals(database), RiskOnProfiles(database, users)
        folding, rebuilding = Folding(totals, profiles, analytics, placing), Rebuilding(database, analytics, placing)
        alerts, jobs = Alerts(database, users, analytics, limits), Jobs(database, patience)
        return cls(
            users=users,
            totals=totals,
            risk_on_profiles=profiles,
            sessions=sessions,
            turns=turns,
            history=History(database),
            analytics=analytics,
            bookmarks=bookmarks,
            accounts=Accounts(database, users),
            audit=Audit(database),
            directory=Directory(database, users),
            exporting=Exporting(database),
            allowances=Allowances(database),
            alerts=alerts,
            ingestion=Ingestion(users, sessions, turns, bookmarks.keep, privacy),
            folding=folding,
            dead_letters=DeadLetters(database, folding, alerts),
            rebuilding=rebuilding,
            repricing=Repricing(database, prices),
            risk=Risk(database, risk),
            insights=PlatformInsights(database, risk, pseudonyms),
            names=PlatformNames(database, names),
            erasures=Erasures(database),
            erasure_marks=ErasureMarks(database, jobs),
            consents=Consents(database, users, analytics, rebuilding, privacy),
            jobs=jobs,
            heartbeats=Heartbeats(database),
            mirroring=Mirroring(database, KINDS, pseudonyms),
            reviews=Reviews(database),
            rights=rights,
            organizations=organizations,
            members=Members(database, organizations, rights),
            invitations=Invitations(database, organizations, pseudonyms),
            database=database,
        )


class Services:
    """One per process. Connects to Cosmos DB when it is first needed: at import there is no event loop yet."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tokens = Tokens(settings)
        self.graph = Graph.configured(settings)
        self.prices = PriceTable(settings.price_overrides, settings.model_aliases, settings.prefer_reported_cost)
        self.telemetry = telemetry_of(settings)
        self.privacy = privacy_with(settings.key_for("texts"), settings.retention_days_without_consent)
        self.erasure_log = opened(settings.erasure_log) if settings.erasure_log else None
        self.erasure_keys = Keys(settings.key_for("receipts"), settings.former_keys_for("receipts"))
        self._client: CosmosClient | None = None
        self._store: Store | None = None
        self._connecting = asyncio.Lock()
        self.readiness = Readiness(
            {
                "cosmos": self._reaches_cosmos,
                "containers": self._has_containers_as_declared,
                "issuer_keys": self.tokens.ready,
            }
        )

    async def store(self) -> Store:
        async with self._connecting:
            if self._store is None:
                self._client = await _entered(connect(self.settings.cosmos_connection, self.telemetry.transport()))
                self._store = Store.of(
                    Database.of(self._client, self.settings.cosmos_database),
                    self.prices,
                    Pseudonyms(self.settings.key_for("pseudonyms"), self.settings.platform_shards),
                    self.settings.limits,
                    self.settings.risk,
                    self.telemetry,
                    self.privacy,
                    self.settings.known_names,
                    timedelta(seconds=self.settings.job_patience_seconds),
                )
            return self._store

    async def close(self) -> None:
        """Closes what is open; the next `store` connects again."""
        if self._client is not None:
            await self._client.close()
        if self.erasure_log is not None:
            await self.erasure_log.close()
        self._client = self._store = None

    async def _reaches_cosmos(self) -> bool:
        return bool(await (await self._database()).read())

    async def _has_containers_as_declared(self) -> bool:
        wrong = await differing(await self._database())
        if wrong:
            log.error("not as declared: %s", ", ".join(wrong))
        return not wrong

    async def _database(self) -> DatabaseProxy:
        await self.store()
        if self._client is None:
            raise RuntimeError("the client was closed while it was needed")
        return self._client.get_database_client(self.settings.cosmos_database)


def telemetry_of(settings: Settings) -> Telemetry:
    """The telemetry that the settings ask for."""
    if not (settings.insights_connection_string or settings.otlp_endpoint):
        return Telemetry()
    exporters = import_module("functions.core.otel.exporters")  # only here: it loads three libraries, slow and large
    opened: Telemetry = exporters.opened(settings)
    return opened


async def _entered(client: CosmosClient) -> CosmosClient:
    """The client, connected; closed if that fails, or is given up."""
    try:
        return await client.__aenter__()
    except BaseException:
        await client.close()
        raise


@cache
def services() -> Services:
    """The services of this process.

    Raises:
        SettingsError: a setting is missing or wrong.
        LookupError: a model of documents is of no declared kind.
    """
    if wanting := undeclared():
        raise LookupError(f"of no declared kind: {', '.join(wanting)}; add them to models/kinds.py")
    quieten_libraries()
    return Services(read_settings())


@cache
def wrong_settings() -> list[str]:
    """The names of the settings that are missing or wrong, by which this process can't work. Told to the log, once."""
    try:
        services()
    except SettingsError as error:
        log.error("The app answers 503 to everything, and runs nothing by itself. %s", error)
        return error.names
    return []
