"""What the functions of one process share. `functions/composition.py` says what that is, and `services` has it."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from azure.cosmos.aio import CosmosClient, DatabaseProxy

from cosmos.core.containers import differing
from cosmos.core.database import Database, connect
<<<<<<< HEAD
=======
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
from cosmos.people.guardians import Guardians
from cosmos.privacy.consents import Consents, privacy_with
from cosmos.privacy.erasure import Erasures
from cosmos.privacy.erasure_marks import ErasureMarks
from cosmos.privacy.exporting import Exporting
from cosmos.risk.profiles import RiskOnProfiles
from cosmos.risk.risk import Risk
from cosmos.usage.alerts import Alerts
from cosmos.usage.allowances import Allowances, create_allowance
from cosmos.usage.bars import set_bar
from functions.accounts.graph import Graph
>>>>>>> c7c6279 (Children need a guardian's consent, which is asked for, confirmed by others, and withdrawn at once; everybody sees who read about them)
from functions.core.logs import quieten_libraries
from functions.core.parts import Parts
from functions.core.readiness import Readiness
from functions.core.settings import Settings, SettingsError
from functions.core.telemetry import Telemetry
from functions.core.tokens import Tokens
from models.core.kinds import Kind

log = logging.getLogger(__name__)

P = TypeVar("P")


class Services(ABC):
    """One per process. Connects to Cosmos DB when it is first needed: at import there is no event loop yet.

<<<<<<< HEAD
    Attributes:
        kinds: All kinds of documents, by name.
        parts: What capabilities share besides the store, by class: `services[PriceTable]`.
    """

    def __init__(self, settings: Settings, kinds: Mapping[str, Kind[Any]], parts: Mapping[type, object]) -> None:
=======
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
    guardians: Guardians
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
            Users(
                database,
                partial(create_allowance, database.user_sessions),
                standing,
                partial(set_bar, database.user_sessions),
            ),
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
            guardians=Guardians(database, users),
            database=database,
        )


class Services:
    """One per process. Connects to Cosmos DB when it is first needed: at import there is no event loop yet."""

    def __init__(self, settings: Settings) -> None:
>>>>>>> c7c6279 (Children need a guardian's consent, which is asked for, confirmed by others, and withdrawn at once; everybody sees who read about them)
        self.settings = settings
        self.kinds = kinds
        self.parts = dict(parts)
        self.tokens = Tokens(settings)
        self.telemetry = telemetry_of(settings)
        self._client: CosmosClient | None = None
        self._store: Parts | None = None
        self._connecting = asyncio.Lock()
        self.readiness = Readiness(
            {
                "cosmos": self._reaches_cosmos,
                "containers": self._has_containers_as_declared,
                "issuer_keys": self.tokens.ready,
            }
        )

    @abstractmethod
    def opened(self, database: Database) -> Parts:
        """What reads and writes a database."""

    def __getitem__(self, part: type[P]) -> P:
        found = self.get(part)
        if found is None:
            raise LookupError(f"there is no {part.__name__} among the services of this process")
        return found

    def get(self, part: type[P]) -> P | None:
        """A part that there may be."""
        found = self.parts.get(part)
        return found if isinstance(found, part) else None

    async def store(self) -> Parts:
        async with self._connecting:
            if self._store is None:
                self._client = await _entered(connect(self.settings.cosmos_connection, self.telemetry.transport()))
                self._store = self.opened(Database.of(self._client, self.settings.cosmos_database))
            return self._store

    async def close(self) -> None:
        """Closes what is open; the next `store` connects again."""
        if self._client is not None:
            await self._client.close()
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


class _Process:
    """How this process makes its services."""

    compose: Callable[[], Services] | None = None


def composed_by(compose: Callable[[], Services]) -> None:
    """Says how the services of this process are made: once, where all capabilities are known."""
    _Process.compose = compose


@cache
def services() -> Services:
    """The services of this process.

    Raises:
        SettingsError: a setting is missing or wrong.
        LookupError: a model of documents is of no declared kind.
    """
    if _Process.compose is None:
        raise RuntimeError("functions.composition has not been imported: it says what the services are")
    quieten_libraries()
    return _Process.compose()


@cache
def wrong_settings() -> list[str]:
    """The names of the settings that are missing or wrong, by which this process can't work. Told to the log, once."""
    try:
        services()
    except SettingsError as error:
        log.error("The app answers 503 to everything, and runs nothing by itself. %s", error)
        return error.names
    return []
