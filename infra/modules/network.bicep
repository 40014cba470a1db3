metadata description = 'A network of its own: the app goes out through one subnet, data is reached through private endpoints in the other.'

param location string
param tags object
param token string
param cosmosAccountId string
param storageAccountId string
param logAccountId string
param vaultId string

var zones = [
  'privatelink.documents.azure.com'
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
]

// Each with the number of its zone above: two accounts have blobs.
var endpoints = [
  { name: 'cosmos', resourceId: cosmosAccountId, groupId: 'Sql', zone: 0 }
  { name: 'blob', resourceId: storageAccountId, groupId: 'blob', zone: 1 }
  { name: 'log', resourceId: logAccountId, groupId: 'blob', zone: 1 }
  { name: 'queue', resourceId: storageAccountId, groupId: 'queue', zone: 2 }
  { name: 'table', resourceId: storageAccountId, groupId: 'table', zone: 3 }
  { name: 'vault', resourceId: vaultId, groupId: 'vault', zone: 4 }
]

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: ['10.20.0.0/16']
    }
  }
}

resource appSubnet 'Microsoft.Network/virtualNetworks/subnets@2024-07-01' = {
  parent: network
  name: 'app'
  properties: {
    addressPrefix: '10.20.0.0/24'
    delegations: [
      {
        name: 'flex-consumption'
        properties: {
          serviceName: 'Microsoft.App/environments'
        }
      }
    ]
  }
}

resource endpointSubnet 'Microsoft.Network/virtualNetworks/subnets@2024-07-01' = {
  parent: network
  name: 'endpoints'
  properties: {
    addressPrefix: '10.20.1.0/24'
    privateEndpointNetworkPolicies: 'Disabled'
  }
  dependsOn: [appSubnet]
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for name in zones: {
    name: name
    location: 'global'
    tags: tags
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (name, index) in zones: {
    parent: zone[index]
    name: 'vnet-${token}'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource privateEndpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for endpoint in endpoints: {
    name: 'pe-${endpoint.name}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: endpointSubnet.id
      }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: endpoint.resourceId
            groupIds: [endpoint.groupId]
          }
        }
      ]
    }
  }
]

resource zoneGroup 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (endpoint, index) in endpoints: {
    parent: privateEndpoint[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.name
          properties: {
            privateDnsZoneId: zone[endpoint.zone].id
          }
        }
      ]
    }
  }
]

output appSubnetId string = appSubnet.id
