"""What must hold of the deployment, whatever else changes in it: no keys, the roles, the containers, the settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tree_sitter import Node

from tests.infra.bicep import Declaration, File, properties, string, text, walk

ROLES = {
    "blobDataOwner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "blobDataContributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "queueDataContributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "tableDataContributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
    "monitoringMetricsPublisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "keyVaultSecretsUser": "4633458b-17de-408a-b874-0445c86b69e6",
    "cosmosDataContributor": "00000000-0000-0000-0000-000000000002",
}
"""Azure's built-in roles that the app needs. More would be too much.

Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles, and for Cosmos DB
https://learn.microsoft.com/azure/cosmos-db/nosql/reference-data-plane-security
"""

PROTECTIONS = {
    ("Microsoft.DocumentDB/databaseAccounts", "disableLocalAuth"): "true",
    ("Microsoft.DocumentDB/databaseAccounts", "minimalTlsVersion"): "Tls12",
    ("Microsoft.Storage/storageAccounts", "allowSharedKeyAccess"): "false",
    ("Microsoft.Storage/storageAccounts", "allowBlobPublicAccess"): "false",
    ("Microsoft.Storage/storageAccounts", "minimumTlsVersion"): "TLS1_2",
    ("Microsoft.KeyVault/vaults", "enableRbacAuthorization"): "true",
    ("Microsoft.KeyVault/vaults", "enablePurgeProtection"): "true",
    ("Microsoft.Insights/components", "DisableLocalAuth"): "true",
    ("Microsoft.Web/sites", "httpsOnly"): "true",
}
OF_THE_HOST = ("AzureWebJobsStorage__", "APPLICATIONINSIGHTS_", "AZURE_CLIENT_ID", "COSMOS__")
"""Beginnings of the settings that the Functions host and the SDKs read, not functions/core/settings.py."""

_SECRETS = re.compile(
    r"listKeys|listConnectionStrings|listSecrets|AccountKey=|SharedAccess|InstrumentationKey="
    r"|[?&]sig=|BEGIN [A-Z ]*PRIVATE KEY|[A-Za-z0-9+/]{42,}=",
    re.IGNORECASE,
)
_API_VERSION = re.compile(r"20\d\d-\d\d-\d\d(-preview)?")


def resources(files: Iterable[File], kind: str) -> list[Declaration]:
    """Those of a type that the files deploy."""
    return [
        each
        for file in files
        for each in file.of("resource").values()
        if each.target.partition("@")[0] == kind and not each.existing
    ]


def wrong_api_versions(files: Iterable[File]) -> list[str]:
    """Types without a well-formed version, and those with more than one."""
    versions: dict[str, set[str]] = {}
    for file in files:
        for each in file.of("resource").values():
            kind, _, version = each.target.partition("@")
            versions.setdefault(kind, set()).add(version)
    return [
        f"{kind}: {', '.join(sorted(found))}"
        for kind, found in sorted(versions.items())
        if len(found) != 1 or not all(map(_API_VERSION.fullmatch, found))
    ]


def wrong_protections(files: Iterable[File]) -> list[str]:
    """What is open that must be closed."""
    files = list(files)
    return [
        f"{kind}: {name} is not {expected}"
        for (kind, name), expected in PROTECTIONS.items()
        if {_setting(each, name) for each in resources(files, kind)} != {expected}
    ]


def _setting(resource: Declaration, name: str) -> str | None:
    inner = properties(resource.body)["properties"] if resource.body else None
    value = properties(inner).get(name) if inner else None
    return None if value is None else string(value) or text(value)


def wrong_roles(roles: File) -> list[str]:
    """Roles that are missing, more than needed, not those of Azure, or on a whole resource group."""
    assigned = {name: value for node in _variables(roles) for name, value in _constants(node)}
    found = [f"{name} is {assigned.get(name, 'missing')}" for name in ROLES if assigned.get(name) != ROLES[name]]
    found += [f"{name} is not needed" for name in sorted(set(assigned) - set(ROLES))]
    bodies = {each.name: each.body for each in roles.of("resource").values() if "role" in each.target.lower()}
    used = {text(node) for body in bodies.values() if body for node in walk(body.parent or body)}
    found += [f"{each.name} is not assigned" for each in roles.of("variable").values() if each.name not in used]
    for name, body in bodies.items():
        given = properties(body) if body else {}
        if "scope" not in given | properties(given["properties"]):
            found.append(f"{name} has no scope")
    return found


def _variables(file: File) -> Iterator[tuple[str, Node]]:
    for each in file.of("variable").values():
        if each.value is not None:
            yield each.name, each.value


def _constants(variable: tuple[str, Node]) -> Iterator[tuple[str, str]]:
    name, value = variable
    if value.type == "object":
        yield from ((key, string(inner) or "") for key, inner in properties(value).items())
    else:
        yield name, string(value) or ""


def wrong_log(log: File, roles: File, app: File, days: int) -> list[str]:
    """Whether entries of the log of erasures can be changed or deleted while they may be needed.

    Args:
        days: For how long they may be.
    """
    kept = log.of("parameter")["keptDays"].value
    policies = resources([log], "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies")
    periods = [_setting(each, "immutabilityPeriodSinceCreationInDays") for each in policies]
    found = [] if periods == ["keptDays"] else ["the log of erasures is not immutable"]
    if kept is None or int(text(kept)) < days:
        found.append(f"the log of erasures is kept for less than {days} days")
    assigned = roles.of("resource")["onTheLog"].body
    if assigned is None or text(properties(properties(assigned)["properties"]).get("condition", assigned)) != (
        "deletesNothing"
    ):
        found.append("the app may delete from the log of erasures")
    return found if "ERASURE_LOG" in settings_of(app) else [*found, "the app is not told of the log of erasures"]


def wrong_containers(cosmos: File, declared: Path) -> list[str]:
    """Whether the containers are the ones of the file, all of them, as they are there and nothing beside."""
    found = resources([cosmos], "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers")
    if len(found) != 1:
        return [f"containers are declared {len(found)} times"]
    loop, body = found[0].value, found[0].body
    if loop is None or loop.type != "for_statement" or body is None:
        return ["containers are not made in a loop"]
    variable, looped = (text(node) for node in loop.named_children[:2])
    source = cosmos.of("variable").get(looped)
    loaded = re.fullmatch(
        r"loadJsonContent\('(.+)'\)\.containers", text(source.value) if source and source.value else ""
    )
    if loaded is None or (cosmos.path.parent / loaded[1]).resolve() != declared.resolve():
        return [f"containers are not those of {declared.name}"]
    given = properties(body)
    resource = properties(given["properties"]).get("resource")
    if text(given["name"]) != f"{variable}.id" or resource is None or text(resource) != variable:
        return ["a container differs from how it is declared"]
    return []


def settings_of(app: File) -> dict[str, str]:
    """The app settings that may be given, with their expressions."""
    [config] = resources([app], "Microsoft.Web/sites/config")
    if config.body is None:
        return {}
    nodes = [properties(config.body)["properties"]]
    graph = app.of("variable").get("graphSettings")
    nodes += [graph.value] if graph and graph.value else []
    objects = [node for start in nodes for node in walk(start) if node.type == "object"]
    pairs = {name: value for each in objects for name, value in properties(each).items()}
    return {name: text(value) for name, value in pairs.items() if value.type != "object"}


def wrong_settings(app: File, known: Mapping[str, bool]) -> list[str]:
    """Settings that nothing reads, and required ones that are not given.

    Args:
        known: What functions/core/settings.py reads, by name, and whether it is required.
    """
    given = settings_of(app)
    found = [f"{name} is given, and nothing reads it" for name in given if name not in known and not _of_host(name)]
    found += [
        f"{name} is required, and not given" for name, required in known.items() if required and name not in given
    ]
    if "COSMOS__accountEndpoint" not in given or "COSMOS" in given:
        found.append("the account is to be reached by identity, not by a connection string")
    return found


def _of_host(name: str) -> bool:
    return name.startswith(OF_THE_HOST)


def secrets_in(paths: Iterable[Path]) -> list[str]:
    """Where there is a key, a connection string, or what asks Azure for one: `file:line`."""
    return [
        f"{path.name}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if _SECRETS.search(line)
    ]
