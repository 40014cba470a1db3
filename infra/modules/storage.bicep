metadata description = 'The storage that the Functions host needs: the deployed package, timers and durable work. No keys.'

param location string
param tags object
param token string

@allowed(['Standard_LRS', 'Standard_ZRS'])
param sku string

@description('Nothing gets in but through private endpoints.')
param privateNetwork bool

var deploymentContainerName = 'deployments'

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'st${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource deployments 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: deploymentContainerName
  properties: {
    publicAccess: 'None'
  }
}

// The host makes containers of its own, under names that it chooses. So the app's role covers the account, but for the
// container of its package: that it may read, and neither write nor delete.
var blobActions = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'
var leavesThePackage = '((!(ActionMatches{\'${blobActions}/write\'}) AND !(ActionMatches{\'${blobActions}/add/action\'}) AND !(ActionMatches{\'${blobActions}/delete\'}) AND !(ActionMatches{\'${blobActions}/deleteBlobVersion/action\'})) OR (@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringNotEquals \'${deployments.name}\'))'

output accountId string = account.id
output accountName string = account.name
output deploymentContainerName string = deployments.name
output leavesThePackage string = leavesThePackage
output deploymentContainerUrl string = '${account.properties.primaryEndpoints.blob}${deployments.name}'
