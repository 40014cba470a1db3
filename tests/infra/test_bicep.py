"""What can be told of infra/ without Azure, and that the checks would tell if it were wrong."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from functions.core.settings import Settings
from models.privacy.erasure_log import REACH
from tests.infra import policy, schemas
from tests.infra.bicep import File, read_all, syntax_errors
from tests.infra.references import Resolver

ROOT = Path(__file__).resolve().parents[2]
KNOWN = {field.alias or name: field.is_required() for name, field in Settings.model_fields.items()}


def problems(root: Path) -> list[str]:
    """All that all checks find in the `infra` and `cosmos` folders of a root."""
    files = read_all(root / "infra")
    by_name = {file.path.name: file for file in files.values()}
    found = [error for file in files.values() for error in syntax_errors(file)]
    found += Resolver(files).problems()
    found += schemas.problems(files.values())
    found += schemas.problems_of_containers(root / "cosmos" / "containers.json")
    found += policy.wrong_api_versions(files.values())
    found += policy.wrong_protections(files.values())
    found += policy.wrong_roles(by_name["roles.bicep"])
    found += policy.wrong_log(by_name["immutable.bicep"], by_name["roles.bicep"], by_name["app.bicep"], REACH.days)
    found += policy.wrong_containers(by_name["cosmos.bicep"], root / "cosmos" / "containers.json")
    found += policy.wrong_settings(by_name["app.bicep"], KNOWN)
    found += policy.secrets_in(texts(root, "infra", ".github", ".devcontainer", ".vscode", "azure.yaml"))
    return found


def texts(root: Path, *names: str) -> list[Path]:
    """The files of these names, and below the folders of these names."""
    found = [path for name in names for path in [root / name, *(root / name).rglob("*")] if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The folders that are checked, to plant mistakes in."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=ignored)
    (tmp_path / "cosmos").mkdir()
    shutil.copy(ROOT / "cosmos" / "containers.json", tmp_path / "cosmos")
    return tmp_path


@pytest.fixture(scope="module")
def files() -> dict[str, File]:
    return {file.path.name: file for file in read_all(ROOT / "infra").values()}


def test_nothing_is_wrong() -> None:
    assert problems(ROOT) == []


def test_every_module_is_deployed(files: dict[str, File]) -> None:
    deployed = {Path(module.target).name for module in files["main.bicep"].of("module").values()}
    assert deployed == {path.name for path in (ROOT / "infra" / "modules").glob("*.bicep")}


MISTAKES = {
    "syntax": ("main.bicep", "params: {", "params: {{", "main.bicep"),
    "module path": ("main.bicep", "modules/vault.bicep", "modules/vaults.bicep", "there is no module"),
    "misspelt parameter": (
        "main.bicep",
        "zoneRedundant: sizes",
        "zoneRedundan: sizes",
        "has no parameter zoneRedundan",
    ),
    "missing parameter": ("main.bicep", "    sku: sizes.storageSku\n", "", "needs the parameter sku"),
    "output": ("main.bicep", "outputs.principalId", "outputs.principal", "has no output principal"),
    "member of a variable": ("main.bicep", "sizes.storageSku", "sizes.storageSKU", "sizes has no storageSKU"),
    "member in a loop": ("modules/network.bicep", "endpoint.groupId", "endpoint.group", "endpoint has no group"),
    "member of a resource": ("modules/storage.bicep", "account.name", "account.named", "account has no named"),
    "symbol": ("modules/app.bicep", "plan.id", "plans.id", "plans is not declared"),
    "function": ("main.bicep", "uniqueString(", "uniqueText(", "uniqueText() is not a known function"),
    "import": ("main.bicep", "import { Stage, stages }", "import { Stage, sizes }", "imports sizes"),
    "assigned parameter": ("main.bicepparam", "param stage ", "param stages ", "has no parameter stages"),
    "unused parameter": ("modules/vault.bicep", "location: location", "location: 'x'", "location is not used"),
    "property": ("modules/app.bicep", "maximumInstanceCount:", "maximumInstances:", "has no maximumInstances"),
    "property in a loop": ("modules/cosmos.bicep", "failoverPriority:", "priority:", "has no priority"),
    "property of an older library": ("modules/alerts.bicep", "emailAddress:", "address:", "has no address"),
    "value": ("modules/cosmos.bicep", "'Session'", "'Sessions'", "'Sessions' is none of"),
    "type of a value": ("modules/app.bicep", "httpsOnly: true", "httpsOnly: 'true'", "should be of type bool"),
    "resource type": ("modules/vault.bicep", "KeyVault/vaults@", "KeyVault/vault@", "is not a resource type"),
    "API version": ("modules/roles.bicep", "vaults@2024-11-01", "vaults@2023-07-01", "2023-07-01, 2024-11-01"),
    "keys allowed": ("modules/cosmos.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "disableLocalAuth"),
    "shared keys": ("modules/storage.bicep", "SharedKeyAccess: false", "SharedKeyAccess: true", "allowSharedKeyAccess"),
    "role id": ("modules/roles.bicep", "974c5e8b", "974c5e8c", "queueDataContributor is 974c5e8c"),
    "missing role": (
        "modules/roles.bicep",
        "  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'\n",
        "",
        "tableDataContributor is missing",
    ),
    "role of an owner": (
        "modules/roles.bicep",
        "var storageRoles = {",
        "var storageRoles = {\n  owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'",
        "owner is not needed",
    ),
    "role on the group": ("modules/roles.bicep", "  scope: vault\n", "", "onVault has no scope"),
    "role not assigned": ("modules/roles.bicep", "keyVaultSecretsUser)\n", "'x')\n", "keyVaultSecretsUser"),
    "log that can be changed": (
        "modules/immutable.bicep",
        "/immutabilityPolicies@2025-06-01' = {",
        "/immutabilityPolicies@2025-06-01' existing = {",
        "is not immutable",
    ),
    "log that is forgotten": ("modules/immutable.bicep", "keptDays int = 45", "keptDays int = 30", "less than 45 days"),
    "log that can be emptied": ("modules/roles.bicep", "condition: deletesNothing", "condition: null", "may delete"),
    "log that nobody knows": ("modules/app.bicep", "      ERASURE_LOG: erasureLogUrl\n", "", "not told of the log"),
    "other containers": (
        "modules/cosmos.bicep",
        "cosmos/containers.json').containers",
        "cosmos/container.json').containers",
        "there is no ../../cosmos/container.json",
    ),
    "container that differs": (
        "modules/cosmos.bicep",
        "resource: declared",
        "resource: union(declared, { defaultTtl: 60 })",
        "a container differs",
    ),
    "setting of nobody": ("modules/app.bicep", "COSMOS_DATABASE:", "COSMOS_DB:", "COSMOS_DB is given"),
    "setting that is missing": (
        "modules/app.bicep",
        "      ENTRA_AUDIENCE: apiClientId\n",
        "",
        "ENTRA_AUDIENCE is",
    ),
    "connection string": ("modules/app.bicep", "COSMOS__accountEndpoint:", "COSMOS:", "not by a connection string"),
    "a key that is asked for": ("modules/app.bicep", "plan.id", "storageAccount.listKeys().keys[0].value", "app.bicep"),
    "a key": ("modules/app.bicep", "name: 'FC1'", f"name: '{base64.b64encode(bytes(64)).decode()}'", "app.bicep:"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(mistake: str, copy: Path) -> None:
    name, right, wrong, expected = MISTAKES[mistake]
    path = copy / "infra" / name
    source = path.read_text(encoding="utf-8")
    assert right in source
    path.write_text(source.replace(right, wrong), encoding="utf-8")

    assert [found for found in problems(copy) if expected in found]


CONTAINER_MISTAKES = {
    "property": ('"defaultTtl"', '"ttl"', "SqlContainerResource has no ttl"),
    "inner property": ('"compositeIndexes"', '"compositeIndices"', "IndexingPolicy has no compositeIndices"),
    "value": ('"kind": "Hash"', '"kind": "Hashed"', "'Hashed' is none of"),
    "property of full text": ('"defaultLanguage"', '"language"', "FullTextPolicy has no language"),
}


@pytest.mark.parametrize("mistake", CONTAINER_MISTAKES)
def test_a_container_that_azure_would_refuse_is_found(mistake: str, copy: Path) -> None:
    right, wrong, expected = CONTAINER_MISTAKES[mistake]
    path = copy / "cosmos" / "containers.json"
    source = path.read_text(encoding="utf-8")
    assert right in source
    path.write_text(source.replace(right, wrong), encoding="utf-8")

    assert [found for found in problems(copy) if expected in found]
