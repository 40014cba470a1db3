"""Whether resources have the properties that Azure knows, by the types in Azure's management libraries.

Those describe one API version each, which may be newer than the one that is deployed: a property that is new there
passes here. They don't tell what is required. What has no library among the dev dependencies is in `UNCHECKED`. All of
that is left to `bicep build`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Literal, TypedDict, Union, get_args, get_origin

from tree_sitter import Node
from typing_extensions import get_type_hints, is_typeddict  # the libraries' typed dicts are of its kind

from tests.infra.bicep import Declaration, File, expression, properties, string, text

TYPES = {
    "Microsoft.DocumentDB/databaseAccounts": ("cosmosdb", "DatabaseAccountCreateUpdateParameters"),
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases": ("cosmosdb", "SqlDatabaseCreateUpdateParameters"),
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers": (
        "cosmosdb",
        "SqlContainerCreateUpdateParameters",
    ),
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments": ("cosmosdb", "SqlRoleAssignmentCreateUpdateParameters"),
    "Microsoft.Insights/actionGroups": ("monitor", "ActionGroupResource"),
    "Microsoft.Insights/metricAlerts": ("monitor", "MetricAlertResource"),
    "Microsoft.Insights/scheduledQueryRules": ("monitor", "ScheduledQueryRuleResource"),
    "Microsoft.KeyVault/vaults": ("keyvault", "VaultCreateOrUpdateParameters"),
    "Microsoft.KeyVault/vaults/secrets": ("keyvault", "SecretCreateOrUpdateParameters"),
    "Microsoft.Network/privateEndpoints": ("network", "PrivateEndpoint"),
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": ("network", "PrivateDnsZoneGroup"),
    "Microsoft.Network/virtualNetworks": ("network", "VirtualNetwork"),
    "Microsoft.Network/virtualNetworks/subnets": ("network", "Subnet"),
    "Microsoft.Storage/storageAccounts": ("storage", "StorageAccountCreateParameters"),
    "Microsoft.Storage/storageAccounts/blobServices": ("storage", "BlobServiceProperties"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": ("storage", "BlobContainer"),
    "Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies": ("storage", "ImmutabilityPolicy"),
    "Microsoft.Storage/storageAccounts/managementPolicies": ("storage", "ManagementPolicy"),
    "Microsoft.Web/serverfarms": ("web", "AppServicePlan"),
    "Microsoft.Web/sites": ("web", "Site"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": ("web", "CsmPublishingCredentialsPoliciesEntity"),
    "Microsoft.Web/sites/config": ("web", "StringDictionary"),
}
UNCHECKED = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Consumption/budgets",
    "Microsoft.Insights/components",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Insights/workbooks",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Resources/resourceGroups",
}
OF_BICEP = {"parent", "scope", "dependsOn", "name"}
"""What Bicep itself takes on every resource. Names are in no body."""


def problems(files: Iterable[File]) -> list[str]:
    """Each as `file:line: what`."""
    return [
        f"{file.path.name}:{line}: {what}"
        for file in files
        for resource in file.of("resource").values()
        for line, what in _of_resource(resource)
    ]


def problems_of_containers(path: Path) -> list[str]:
    """What Azure does not know in the bodies of `containers.json`, which reach it without being Bicep."""
    return [
        f"{path.name}: {container['id']}: {what}"
        for container in json.loads(path.read_text(encoding="utf-8"))["containers"]
        for _, what in _compared(expression(container), _type_of("cosmosdb", "SqlContainerResource"))
    ]


def _of_resource(resource: Declaration) -> Iterator[tuple[int, str]]:
    kind = resource.target.partition("@")[0]
    line = resource.node.start_point.row + 1
    if kind in TYPES:
        if resource.body is not None and not resource.existing:
            yield from _compared(resource.body, _type_of(*TYPES[kind]), OF_BICEP)
    elif kind not in UNCHECKED:
        yield line, f"{kind} is not a resource type that is known here"


@cache
def _type_of(library: str, name: str) -> Any:
    models = importlib.import_module(f"azure.mgmt.{library}.models")
    model = getattr(models, name)
    if hasattr(model, "_attribute_map"):
        return _Described(models).described(model)
    return getattr(importlib.import_module(f"azure.mgmt.{library}.types"), name)


class _Described:
    """Typed dicts for the older of the libraries, which describe bodies in attribute maps."""

    def __init__(self, models: ModuleType) -> None:
        self._models = models
        self._known: dict[str, Any] = {}

    def described(self, model: Any) -> Any:
        if model.__name__ not in self._known:
            self._known[model.__name__] = dict[str, Any]  # where a model contains itself
            tree: dict[str, Any] = {}
            for part in [model, *self._variants(model)]:
                for attribute in part._attribute_map.values():
                    self._put(tree, attribute["key"].replace("\\.", "\0").split("."), self._named(attribute["type"]))
            self._known[model.__name__] = _typed(model.__name__, tree)
        return self._known[model.__name__]

    def _variants(self, model: Any) -> list[Any]:
        """The models that a body of this one may be, told apart by one of its properties."""
        names = [name for subtypes in getattr(model, "_subtype_map", {}).values() for name in subtypes.values()]
        return [getattr(self._models, name) for name in names]

    def _named(self, name: str) -> Any:
        simple = {"str": str, "bool": bool, "int": int, "float": float, "duration": str, "iso-8601": str}
        if name.startswith("["):
            return list[self._named(name[1:-1])]  # type: ignore[misc]
        if name in simple:
            return simple[name]
        model = getattr(self._models, name, None)
        return self.described(model) if hasattr(model, "_attribute_map") else Any

    def _put(self, tree: dict[str, Any], path: list[str], what: Any) -> None:
        for part in path[:-1]:
            tree = tree.setdefault(part, {})
        tree[path[-1].replace("\0", ".")] = what


def _typed(name: str, tree: dict[str, Any]) -> Any:
    members = {key: _typed(key, value) if isinstance(value, dict) else value for key, value in tree.items()}
    return TypedDict(name, members, total=False)  # type: ignore[operator]


def _compared(node: Node, expected: Any, also: Iterable[str] = ()) -> Iterator[tuple[int, str]]:
    """Where an expression can't be what is expected. What it is only known to Azure passes."""
    if node.type == "ternary_expression":
        for branch in node.named_children[1:]:
            yield from _compared(branch, expected)
    elif node.type == "object":
        yield from _object(node, expected, also)
    elif node.type in {"array", "for_statement"}:
        items = node.named_children if node.type == "array" else node.named_children[-1:]
        for item in items:
            for element in _elements(expected):
                yield from _compared(item, element)
    elif (problem := _literal(node, expected)) is not None:
        yield node.start_point.row + 1, problem


def _object(node: Node, expected: Any, also: Iterable[str]) -> Iterator[tuple[int, str]]:
    shapes = [each for each in _alternatives(expected) if is_typeddict(each)]
    if not shapes:
        return
    members: dict[str, Any] = {}
    for shape in shapes:
        for name, member in _members(shape).items():
            members[name] = members[name] | member if name in members else member
    for name, value in properties(node).items():
        if name in members:
            yield from _compared(value, members[name])
        elif name not in also:
            yield value.start_point.row + 1, f"{shapes[0].__name__} has no {name}"


@cache
def _members(shape: Any) -> dict[str, Any]:
    """The types of the properties. Enumerations are with the models, and other models are not to be taken for types."""
    models = importlib.import_module(shape.__module__.replace(".types", ".models"))
    enums = {name: each for name, each in vars(models).items() if isinstance(each, type) and issubclass(each, Enum)}
    return get_type_hints(shape, localns=enums)


def _alternatives(expected: Any) -> list[Any]:
    if get_origin(expected) in {Union, UnionType}:
        return [each for part in get_args(expected) for each in _alternatives(part)]
    return [expected]


def _elements(expected: Any) -> list[Any]:
    return [get_args(each)[0] for each in _alternatives(expected) if get_origin(each) is list and get_args(each)]


def _literal(node: Node, expected: Any) -> str | None:
    written = string(node)
    if written is not None and "${" not in written:
        values = {str(value).lower() for value in _values(expected)}
        if values and written.lower() not in values:
            return f"'{written}' is none of {', '.join(sorted(values))}"
    kinds = {"string": str, "boolean": bool, "number": int}
    allowed = set(_alternatives(expected))
    if node.type in kinds and allowed <= {str, bool, int, float}:
        fits = {kinds[node.type]} | ({float} if node.type == "number" else set())
        if not fits & allowed:
            return f"{text(node)} should be of type {' or '.join(sorted(each.__name__ for each in allowed))}"
    return None


def _values(expected: Any) -> Iterator[object]:
    for each in _alternatives(expected):
        if get_origin(each) is Literal:
            yield from (value.value if isinstance(value, Enum) else value for value in get_args(each))
        elif isinstance(each, type) and issubclass(each, Enum):
            yield from (member.value for member in each)
