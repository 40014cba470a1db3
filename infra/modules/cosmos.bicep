metadata description = 'The Cosmos DB account, its database, and the containers exactly as cosmos/containers.json has them.'

param location string
param tags object
param token string
param databaseName string

@description('Serverless: one region, up to about 5,000 RU/s. Autoscale: 10 to 100 % of a maximum per container.')
@allowed(['serverless', 'autoscale'])
param capacity string

@description('With autoscale: highest RU/s by container, in thousands. A container that is not named gets 1000.')
param maxThroughput object

@description('Spreads the replicas of each region over its availability zones.')
param zoneRedundant bool

@description('Regions that can be read, and take over from the first. Autoscale only.')
param secondaryRegions string[]

@description('How far back a restore can go.')
@allowed(['Continuous7Days', 'Continuous30Days'])
param backupTier string

@description('Nothing gets in but through the private endpoint.')
param privateNetwork bool

var containers = loadJsonContent('../../cosmos/containers.json').containers
var autoscale = capacity == 'autoscale'
var regions = concat([location], autoscale ? secondaryRegions : [])
var capabilityNames = concat(
  ['EnableNoSQLFullTextSearch', 'EnableNoSQLVectorSearch'],
  autoscale ? [] : ['EnableServerless']
)

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-10-15' = {
  name: 'cosmos-${token}'
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    enableAutomaticFailover: length(regions) > 1
    capabilities: [
      for capability in capabilityNames: {
        name: capability
      }
    ]
    consistencyPolicy: {
      defaultConsistencyLevel: 'Session'
    }
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: backupTier
      }
    }
    locations: [
      for (region, priority) in regions: {
        locationName: region
        failoverPriority: priority
        isZoneRedundant: zoneRedundant
      }
    ]
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-10-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: {
      id: databaseName
    }
  }
}

@batchSize(1)
resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-10-15' = [
  for declared in containers: {
    parent: database
    name: declared.id
    properties: {
      resource: declared
      options: autoscale
        ? {
            autoscaleSettings: {
              maxThroughput: maxThroughput[?declared.id] ?? 1000
            }
          }
        : {}
    }
  }
]

output accountId string = account.id
output accountName string = account.name
output endpoint string = account.properties.documentEndpoint
