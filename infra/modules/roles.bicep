metadata description = 'What the identity of the app may do, each on the smallest scope that works.'

param principalId string
param deploymentPrincipalId string
param deploymentContainerName string

@description('Condition under which the role on blobs holds: it leaves the package alone.')
param leavesThePackage string

param logAccountName string
param logContainerName string

@description('Condition under which the role on the log holds: nothing is deleted.')
param deletesNothing string

param cosmosAccountName string
param databaseName string
param storageAccountName string
param vaultName string
param insightsName string

var storageRoles = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'
var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var cosmosDataContributor = '00000000-0000-0000-0000-000000000002'

resource cosmosAccount 'Microsoft.DocumentDB/databaseAccounts@2025-10-15' existing = {
  name: cosmosAccountName
}

resource storageAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: storageAccount
  name: 'default'
}

resource package 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobService
  name: deploymentContainerName
}

resource logAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: logAccountName
}

resource logBlobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: logAccount
  name: 'default'
}

resource erasureLog 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: logBlobs
  name: logContainerName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource onCosmos 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-10-15' = {
  parent: cosmosAccount
  name: guid(cosmosAccount.id, databaseName, principalId, cosmosDataContributor)
  properties: {
    principalId: principalId
    roleDefinitionId: '${cosmosAccount.id}/sqlRoleDefinitions/${cosmosDataContributor}'
    scope: '${cosmosAccount.id}/dbs/${databaseName}'
  }
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(storageRoles): {
    name: guid(storageAccount.id, principalId, role.value)
    scope: storageAccount
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      condition: role.key == 'blobDataOwner' ? leavesThePackage : null
      conditionVersion: role.key == 'blobDataOwner' ? '2.0' : null
    }
  }
]

resource onThePackage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(package.id, deploymentPrincipalId, blobDataContributor)
  scope: package
  properties: {
    principalId: deploymentPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

resource onTheLog 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(erasureLog.id, principalId, blobDataContributor)
  scope: erasureLog
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
    condition: deletesNothing
    conditionVersion: '2.0'
  }
}

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}
