metadata description = 'What is added to, and neither changed nor deleted, where no restore of the database reaches: the log of erasures. No keys.'

param location string
param tags object
param token string

@allowed(['Standard_LRS', 'Standard_ZRS'])
param sku string

@description('Nothing gets in but through private endpoints.')
param privateNetwork bool

@description('How long an entry can neither be changed nor deleted, in days: as far as the app looks back.')
param keptDays int = 45

var logContainerName = 'erasures'

// An account of its own: that of the Functions host may be emptied or replaced at any time, and this one may not.
resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: 'stlog${token}'
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

resource erasures 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: blobs
  name: logContainerName
  properties: {
    publicAccess: 'None'
  }
}

// It is deployed unlocked, since a template can't lock it: README.md says how, once the system holds users' data.
resource immutable 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = {
  parent: erasures
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: keptDays
    allowProtectedAppendWrites: false
  }
}

resource expiry 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'forget-erasures'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${logContainerName}/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterCreationGreaterThan: keptDays + 5
                }
              }
            }
          }
        }
      ]
    }
  }
}

// The app adds and reads. What may be deleted again after its time, the account deletes by itself.
var blobActions = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'
var deletesNothing = '!(ActionMatches{\'${blobActions}/delete\'}) AND !(ActionMatches{\'${blobActions}/deleteBlobVersion/action\'})'

output accountId string = account.id
output accountName string = account.name
output logContainerName string = erasures.name
output deletesNothing string = deletesNothing
output logUrl string = '${account.properties.primaryEndpoints.blob}${erasures.name}'
