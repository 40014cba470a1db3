metadata description = 'The few secrets that there are: the key of pseudonyms, those of encrypted fields, and if wanted the credential for Microsoft Graph.'

param location string
param tags object
param token string

@description('Nothing gets in but through the private endpoint.')
param privateNetwork bool

@description('Kept by the first deployment; later ones leave what is there, or every hash would change.')
@secure()
@minLength(32)
param pseudonymKey string

@description('Kept by the first deployment, likewise: what is stored encrypted could not be read with another one.')
@secure()
@minLength(32)
param fieldKey string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: 'kv-${token}'
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
  }
}

@onlyIfNotExists()
resource hashKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'pseudonym-key'
  properties: {
    value: pseudonymKey
    contentType: 'text/plain'
  }
}

@onlyIfNotExists()
resource fieldKeys 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'field-keys'
  properties: {
    value: string({ '1': fieldKey })
    contentType: 'application/json'
  }
}

output vaultId string = vault.id
output vaultName string = vault.name
output vaultUri string = vault.properties.vaultUri
