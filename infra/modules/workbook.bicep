metadata description = 'The page that an operator looks at: requests, cost of the database, feeds and dead letters.'

param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'vimarsh-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Vimarsh'
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: loadTextContent('workbook.json')
  }
}
