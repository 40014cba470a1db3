metadata description = 'Vimarsh: everything that it needs in one resource group, without a key anywhere.'
targetScope = 'subscription'

import { Stage, stages } from 'stages.bicep'

@description('Name of the environment; names of resources derive from it.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region of everything, and the write region of Cosmos DB.')
param location string

@description('Which sizes apply: see stages.bicep.')
param stage Stage = 'dev'

@description('Client id of the API application in Entra ID: the audience of the tokens. Made by hooks/entra_apps.py.')
param apiClientId string

@description('Tenants whose users may sign in; empty for just this one.')
param allowedTenants string[] = []

@description('Tenants whose staff and servers have their roles here; empty for just this one. They must be among the allowed.')
param homeTenants string[] = []

@description('Tenants whose users each application acts for, by its client id; those of its own tenant where it is not named.')
param applicationTenants object = {}

@description('Origins of browsers that may call the API, such as https://chat.contoso.example.')
param allowedOrigins string[] = []

@description('Who is told of alerts, and of the budget.')
param alertEmails string[] = []

@description('With what the API asks Microsoft Graph on behalf of a user. The operator puts it into the key vault.')
param graphCredential 'none' | 'secret' | 'certificate' = 'none'

@description('Further settings of the app, by name: those with a default in functions/core/settings.py.')
param extraSettings object = {}

@description('Sizes that differ from those of the stage, by their name in stages.bicep.')
param overrides object = {}

@description('A new value for the key of pseudonyms. Used by the first deployment only.')
@secure()
param pseudonymKey string = '${newGuid()}${newGuid()}'

@description('A first value for the keys of fields that are stored encrypted. Used by the first deployment only.')
@secure()
param fieldKey string = '${newGuid()}${newGuid()}'

var sizes = union(stages[stage], overrides)
var databaseName = 'vimarsh'
var token = toLower(uniqueString(subscription().id, environmentName, location))
var audience = empty(apiClientId) ? fail('ENTRA_API_CLIENT_ID is empty: see infra/README.md') : apiClientId
var ownTenant = tenant().tenantId
var tenants = empty(allowedTenants) ? [ownTenant] : allowedTenants
var ownIsAllowed = contains(tenants, ownTenant)
var defaultHomes = ownIsAllowed ? [ownTenant] : fail('VIMARSH_TENANTS lacks this tenant: say by VIMARSH_HOME_TENANTS whose staff counts')
var homes = empty(homeTenants) ? defaultHomes : homeTenants
var tags = {
  'azd-env-name': environmentName
  application: 'vimarsh'
  stage: stage
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: sizes.logRetentionDays
    dailyCapGB: sizes.logDailyCapGB
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    databaseName: databaseName
    capacity: sizes.cosmosCapacity
    maxThroughput: sizes.cosmosMaxThroughput
    zoneRedundant: sizes.cosmosZoneRedundant
    secondaryRegions: sizes.cosmosSecondaryRegions
    backupTier: sizes.cosmosBackupTier
    privateNetwork: sizes.privateNetwork
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    sku: sizes.storageSku
    privateNetwork: sizes.privateNetwork
  }
}

module immutable 'modules/immutable.bicep' = {
  name: 'immutable'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    sku: sizes.storageSku
    privateNetwork: sizes.privateNetwork
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    pseudonymKey: pseudonymKey
    fieldKey: fieldKey
    privateNetwork: sizes.privateNetwork
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    principalId: identity.outputs.principalId
    deploymentPrincipalId: identity.outputs.deploymentPrincipalId
    deploymentContainerName: storage.outputs.deploymentContainerName
    leavesThePackage: storage.outputs.leavesThePackage
    cosmosAccountName: cosmos.outputs.accountName
    databaseName: databaseName
    storageAccountName: storage.outputs.accountName
    logAccountName: immutable.outputs.accountName
    logContainerName: immutable.outputs.logContainerName
    deletesNothing: immutable.outputs.deletesNothing
    vaultName: vault.outputs.vaultName
    insightsName: monitoring.outputs.insightsName
  }
}

module network 'modules/network.bicep' = if (sizes.privateNetwork) {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    cosmosAccountId: cosmos.outputs.accountId
    storageAccountId: storage.outputs.accountId
    logAccountId: immutable.outputs.accountId
    vaultId: vault.outputs.vaultId
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identityId: identity.outputs.id
    deploymentIdentityId: identity.outputs.deploymentId
    identityClientId: identity.outputs.clientId
    cosmosEndpoint: cosmos.outputs.endpoint
    databaseName: databaseName
    storageAccountName: storage.outputs.accountName
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    erasureLogUrl: immutable.outputs.logUrl
    vaultUri: vault.outputs.vaultUri
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    apiClientId: audience
    allowedTenants: tenants
    homeTenants: homes
    applicationTenants: applicationTenants
    allowedOrigins: allowedOrigins
    graphCredential: graphCredential
    extraSettings: extraSettings
    memoryMB: sizes.appMemoryMB
    maximumInstances: sizes.appMaximumInstances
    alwaysReady: sizes.appAlwaysReady
    platformShards: sizes.platformShards
    zoneRedundant: sizes.appZoneRedundant
    subnetId: sizes.privateNetwork ? network!.outputs.appSubnetId : ''
  }
  dependsOn: [roles]
}

module diagnostics 'modules/diagnostics.bicep' = {
  name: 'diagnostics'
  scope: group
  params: {
    workspaceId: monitoring.outputs.workspaceId
    cosmosAccountName: cosmos.outputs.accountName
    storageAccountName: storage.outputs.accountName
    vaultName: vault.outputs.vaultName
    appName: app.outputs.appName
    dataPlane: sizes.logDataPlane
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    emails: alertEmails
    workspaceId: monitoring.outputs.workspaceId
    cosmosAccountId: cosmos.outputs.accountId
  }
}

module budget 'modules/budget.bicep' = if (!empty(alertEmails)) {
  name: 'budget'
  scope: group
  params: {
    emails: alertEmails
    amount: sizes.monthlyBudget
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_NAME string = app.outputs.appName
output API_URL string = app.outputs.url
output COSMOS_ENDPOINT string = cosmos.outputs.endpoint
output KEY_VAULT_NAME string = vault.outputs.vaultName
