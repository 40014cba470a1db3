metadata description = 'The identity that the app runs as, and the one that its package is deployed by: what they may do is in roles.bicep.'

param location string
param tags object
param token string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-${token}'
  location: location
  tags: tags
}

resource deployment 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-deployment-${token}'
  location: location
  tags: tags
}

output id string = identity.id
output deploymentId string = deployment.id
output deploymentPrincipalId string = deployment.properties.principalId
output principalId string = identity.properties.principalId
output clientId string = identity.properties.clientId
