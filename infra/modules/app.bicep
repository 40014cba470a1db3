metadata description = 'The function app on Flex Consumption. Its settings are those of functions/core/settings.py and of the host.'

param location string
param tags object
param token string
param identityId string
param deploymentIdentityId string
param identityClientId string
param cosmosEndpoint string
param databaseName string
param storageAccountName string
param deploymentContainerUrl string
param erasureLogUrl string
param vaultUri string
param insightsConnectionString string
param apiClientId string
param allowedTenants string[]
param homeTenants string[]
param applicationTenants object
param allowedOrigins string[]
param graphCredential 'none' | 'secret' | 'certificate'

@description('Further settings, by name.')
param extraSettings object

@description('Memory of an instance.')
@allowed([512, 2048, 4096])
param memoryMB int

@description('How many instances there may be of each group of functions that scale together.')
@minValue(1)
@maxValue(1000)
param maximumInstances int

@description('Instances that are never taken away, by group: http, or function:<name>.')
param alwaysReady array

@description('Partitions that the platform is counted in first. It stays what it is once there are turns.')
@minValue(1)
@maxValue(4096)
param platformShards int

param zoneRedundant bool

@description('The subnet through which the app goes out; empty for none.')
param subnetId string

var metadataBase = '${environment().authentication.loginEndpoint}${length(allowedTenants) == 1 ? allowedTenants[0] : 'organizations'}'
var graphSettings = {
  none: {}
  secret: {
    GRAPH_CLIENT_SECRET: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/graph-client-secret)'
  }
  certificate: {
    GRAPH_CLIENT_CERTIFICATE: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/graph-client-certificate)'
  }
}

resource storageAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageAccountName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
      '${deploymentIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: deploymentIdentityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: memoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReady
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      cors: {
        allowedOrigins: allowedOrigins
        supportCredentials: false
      }
    }
  }
}

resource noPasswordsForDeployment 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    {
      AzureWebJobsStorage__blobServiceUri: storageAccount.properties.primaryEndpoints.blob
      AzureWebJobsStorage__queueServiceUri: storageAccount.properties.primaryEndpoints.queue
      AzureWebJobsStorage__tableServiceUri: storageAccount.properties.primaryEndpoints.table
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL: 'true'
      APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED: 'true'
      AZURE_CLIENT_ID: identityClientId
      COSMOS__accountEndpoint: cosmosEndpoint
      COSMOS__credential: 'managedidentity'
      COSMOS__clientId: identityClientId
      COSMOS_DATABASE: databaseName
      ENTRA_METADATA_URL: '${metadataBase}/v2.0/.well-known/openid-configuration'
      ENTRA_ISSUER: '${environment().authentication.loginEndpoint}{tenantid}/v2.0'
      ENTRA_AUDIENCE: apiClientId
      ENTRA_TENANTS: string(allowedTenants)
      ENTRA_HOME_TENANTS: string(homeTenants)
      APPLICATION_TENANTS: string(applicationTenants)
      ERASURE_LOG: erasureLogUrl
      PLATFORM_SHARDS: string(platformShards)
      FIELD_KEYS: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/field-keys)'
      PSEUDONYM_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/pseudonym-key)'
    },
    graphSettings[graphCredential],
    extraSettings
  )
}

output appName string = app.name
output url string = 'https://${app.properties.defaultHostName}/api'
