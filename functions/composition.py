"""The composition root: what the app is made of, capability by capability. Nothing below imports it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from cosmos.accounts.accounts import Accounts
from cosmos.accounts.audit import Audit
from cosmos.accounts.directory import Directory
from cosmos.accounts.users import Users
from cosmos.analytics.insights import PlatformInsights
from cosmos.analytics.rollups import Rollups
from cosmos.analytics.totals import Totals
from cosmos.answers.answers import Answers
from cosmos.chat.history import History
from cosmos.chat.ingestion import Ingestion
from cosmos.chat.names import PlatformNames
from cosmos.chat.repricing import Repricing
from cosmos.chat.sessions import Sessions
from cosmos.chat.turns import Turns
from cosmos.core.database import Database
from cosmos.core.groups import Groups
from cosmos.core.mirroring import Mirroring
from cosmos.core.observer import NOBODY, Observer
from cosmos.counting.counters import Counters
from cosmos.counting.dead_letters import DeadLetters
from cosmos.counting.folding import Folding, Reaction
from cosmos.counting.readers import Readers
from cosmos.counting.rebuilding import Rebuilding
from cosmos.counting.sources import Sources
from cosmos.jobs.heartbeats import Heartbeats
from cosmos.jobs.jobs import Jobs
from cosmos.library.bookmarks import Bookmarks
from cosmos.library.reviews import Reviews
from cosmos.organizations.assignments import Assignments
from cosmos.organizations.invitations import Invitations
from cosmos.organizations.member_names import MemberNames
from cosmos.organizations.members import Members
from cosmos.organizations.organizations import Organizations
from cosmos.organizations.primaries import Primaries
from cosmos.organizations.rights import Rights
from cosmos.organizations.roles import Roles
from cosmos.people.children import Children
from cosmos.people.guardians import Guardians
from cosmos.privacy.consents import Consents, privacy_with
from cosmos.privacy.erasure import Erasures
from cosmos.privacy.erasure_marks import ErasureMarks
from cosmos.privacy.exporting import Exporting
from cosmos.risk.gatherings import Gatherings
from cosmos.risk.profiles import RiskOnProfiles
from cosmos.risk.risk import Risk
from cosmos.usage.alerts import Alerts
from cosmos.usage.allowances import Allowances, create_allowance
from cosmos.usage.bars import set_bar
from functions.accounts.graph import Graph
from functions.accounts.me import Following
from functions.accounts.showing import RolesToday
from functions.answers.offers import Offers
from functions.answers.runs import Runs
from functions.core import services as core
from functions.core.groups import GroupSource
from functions.core.parts import Parts
from functions.core.services import Services, composed_by
from functions.core.settings import Settings, SettingsError, read_settings
from functions.organizations.my_rights import roles_today
from functions.privacy import consents
from functions.privacy.erasure_log import ErasureNotes, opened
from models.accounts.limits import DEFAULT_LIMITS, LimitTable
from models.accounts.profile import UserProfile
from models.chat.names import DEFAULT_NAMES, KnownNames
from models.core.pseudonyms import Pseudonyms
from models.core.rights import Place
from models.core.write_policy import Privacy
from models.counted import BUCKETS
from models.kinds import KINDS, undeclared
from models.privacy.erasure_log import Keys
from models.risk.companion import windows
from models.risk.standing import as_it_stands
from models.risk.thresholds import RiskSettings
from models.usage.pricing import PriceTable

DEFAULT_RISK = RiskSettings()
DEFAULT_PRIVACY = privacy_with(text_key=b"")
DEFAULT_PATIENCE = timedelta(seconds=120)


@dataclass(frozen=True)
class Store(Parts):
    """What reads and writes the containers: all there is, by name. Capabilities know their own parts, by class."""

    users: Users
    totals: Totals
    risk_on_profiles: RiskOnProfiles
    sessions: Sessions
    turns: Turns
    history: History
    answers: Answers
    counters: Counters
    rollups: Rollups
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
    readers: Readers
    rights: Rights
    organizations: Organizations
    members: Members
    primaries: Primaries
    roles: Roles
    assignments: Assignments
    invitations: Invitations
    guardians: Guardians
    children: Children
    database: Database

    @property
    def callers(self) -> Users:
        return self.users

    async def place(self, user_id: str, organization_id: str, groups: Groups | None = None) -> Place | None:
        return await self.rights.place(user_id, organization_id, groups)

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
        counters, bookmarks = Counters(database, BUCKETS, windows(risk), observer), Bookmarks(database)
        rights = Rights(database)
        organizations = Organizations(database, rights)
        sources = Sources(KINDS, BUCKETS, pseudonyms)
        totals, profiles = Totals(database), RiskOnProfiles(database, users, risk.shadow)
        reactions: dict[str, Reaction] = {
            "rollup": totals.changed,
            "risk_window": profiles.changed,
            "address_day": Gatherings(database.user_analytics, risk).changed,
        }
        folding, rebuilding = Folding(counters, sources, reactions), Rebuilding(database, counters, sources)
        alerts, jobs = Alerts(database, users, counters, limits), Jobs(database, patience)
        reviews, primaries = Reviews(database), Primaries(database)
        members = Members(database, organizations, rights, primaries)
        guardians = Guardians(database, users)

        async def parting(user_id: str, child_id: str) -> None:
            await guardians.part(user_id, child_id, datetime.now(UTC))

        readers = Readers(
            {
                "users": (members.bring, MemberNames(database, members).bring, guardians.bring),
                "user_sessions": (alerts.sessions,),
                "user_analytics": (reviews.set_helpful,),
            }
        )
        allowances = Allowances(database)
        return cls(
            users=users,
            totals=totals,
            risk_on_profiles=profiles,
            sessions=sessions,
            turns=turns,
            history=History(database),
            counters=counters,
            rollups=Rollups(database),
            bookmarks=bookmarks,
            accounts=Accounts(database, users),
            audit=Audit(database),
            directory=Directory(database, users),
            exporting=Exporting(database, KINDS),
            allowances=allowances,
            answers=Answers(database, allowances),
            alerts=alerts,
            ingestion=Ingestion(users, sessions, turns, bookmarks.keep, privacy),
            folding=folding,
            dead_letters=DeadLetters(database, folding, readers),
            rebuilding=rebuilding,
            repricing=Repricing(database, prices),
            risk=Risk(database, risk),
            insights=PlatformInsights(database, risk, pseudonyms),
            names=PlatformNames(database, names),
            erasures=Erasures(database, KINDS, {"guardianship": parting}),
            erasure_marks=ErasureMarks(database, jobs),
            consents=Consents(database, users, counters, rebuilding, privacy),
            jobs=jobs,
            mirroring=Mirroring(database, KINDS, pseudonyms),
            reviews=reviews,
            readers=readers,
            heartbeats=Heartbeats(database),
            rights=rights,
            organizations=organizations,
            roles=Roles(database, rights),
            assignments=Assignments(database, organizations, rights),
            members=members,
            primaries=primaries,
            invitations=Invitations(database, organizations, pseudonyms),
            guardians=guardians,
            children=Children(database),
            database=database,
        )


class AppServices(Services):
    """The services of the app."""

    settings: Settings

    def __init__(self, settings: Settings) -> None:
        own = {name: [model.price] for name, model in settings.models.items() if model.price}
        prices = PriceTable(settings.price_overrides | own, settings.model_aliases, settings.prefer_reported_cost)
        privacy = privacy_with(settings.key_for("texts"), settings.retention_days_without_consent)
        parts: dict[type, object] = {
            PriceTable: prices,
            Offers: Offers(settings, prices),
            Runs: Runs(),
            Privacy: privacy,
            ErasureNotes: ErasureNotes(
                opened(settings.erasure_log) if settings.erasure_log else None,
                Keys(settings.key_for("receipts"), settings.former_keys_for("receipts")),
            ),
            RolesToday: RolesToday(roles_today),
            Following: Following(consents.promised_by_edit, consents.location),
        }
        if graph := Graph.configured(settings):
            parts |= {Graph: graph, GroupSource: graph}
        super().__init__(settings, KINDS, parts)

    def opened(self, database: Database) -> Store:
        return Store.of(
            database,
            self[PriceTable],
            Pseudonyms(self.settings.key_for("pseudonyms"), self.settings.platform_shards),
            self.settings.limits,
            self.settings.risk,
            self.telemetry,
            self[Privacy],
            self.settings.known_names,
            timedelta(seconds=self.settings.job_patience_seconds),
        )

    async def close(self) -> None:
        await self[Runs].close()
        await self[Offers].close()
        await super().close()
        if log := self[ErasureNotes].log:
            await log.close()

    async def store(self) -> Store:
        return cast(Store, await super().store())


def composed() -> AppServices:
    """The services that the settings of this process ask for.

    Raises:
        SettingsError: a setting is missing or wrong.
        LookupError: a model of documents is of no declared kind.
    """
    if wanting := undeclared():
        raise LookupError(f"of no declared kind: {', '.join(wanting)}; add them to models/kinds.py")
    settings = read_settings()
    if not settings.field_keys and (sealing := sorted(name for name, kind in KINDS.items() if kind.secrets)):
        raise SettingsError(f"FIELD_KEYS is missing: {', '.join(sealing)} hold secrets", ["FIELD_KEYS"])
    return AppServices(settings)


composed_by(composed)


def services() -> AppServices:
    """The services of this process, whole."""
    return cast(AppServices, core.services())
