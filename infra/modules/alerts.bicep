metadata description = 'What somebody should be told of, and to whom it is told. README.md says what to do about each.'

param location string
param tags object
param token string
param emails string[]
param workspaceId string
param cosmosAccountId string

@description('Refused requests to Cosmos DB in five minutes. The SDK tries again by itself, so a few are no harm.')
param throttledRequests int = 100

@description('How far a change feed may be behind, in seconds.')
param feedLagSeconds int = 300

@description('How long ago the last heartbeat may be that a change feed has passed, in seconds.')
param feedAgeSeconds int = 300

var logAlerts = [
  {
    name: 'server-errors'
    description: 'The API answers with 5xx.'
    severity: 1
    query: 'AppRequests | where toint(ResultCode) >= 500 | summarize Found = sum(ItemCount)'
    threshold: 5
    window: 'PT5M'
    frequency: 'PT5M'
  }
  {
    name: 'dead-letters'
    description: 'A change could not be counted and was put aside as a dead letter.'
    severity: 2
    query: 'AppTraces | where Message startswith "dead letter:" | summarize Found = sum(ItemCount)'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT15M'
  }
  {
    name: 'durable-work-held-up'
    description: 'A step of an erasure, a withdrawal or other durable work fails, and is tried again.'
    severity: 2
    query: 'AppTraces | where Message startswith "a job is held up:" | summarize Found = sum(ItemCount)'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT15M'
  }
  {
    name: 'job-overdue'
    description: 'An erasure, a withdrawal or other durable work is past the time by which it should have ended; or nobody looks.'
    severity: 1
    query: 'AppMetrics | where Name == "vimarsh.jobs.overdue" | summarize Looked = count(), Overdue = countif(Max > 0) | project Found = iff(Looked == 0 or Overdue > 0, 1, 0)'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
  }
  {
    name: 'erasures-unknown'
    description: 'The database does not know erasures that their log has: it was restored, and they are done again; or the log can not be compared.'
    severity: 1
    query: 'AppMetrics | where Name == "vimarsh.erasures.unknown" | summarize Looked = count(), Unknown = countif(Max > 0) | project Found = iff(Looked == 0 or Unknown > 0, 1, 0)'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
  }
  {
    name: 'feed-lag'
    description: 'A change feed is behind.'
    severity: 2
    query: 'AppMetrics | where Name == "vimarsh.feed.lag" | summarize Found = countif(Max > ${feedLagSeconds})'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
  }
  {
    name: 'feed-stands-still'
    description: 'A change feed has not passed its heartbeat for minutes; or nobody looks.'
    severity: 1
    query: 'AppMetrics | where Name == "vimarsh.feed.age" | summarize Looked = count(), Still = countif(Max > ${feedAgeSeconds}) | project Found = iff(Looked == 0 or Still > 0, 1, 0)'
    threshold: 0
    window: 'PT15M'
    frequency: 'PT5M'
  }
  {
    name: 'watch-fails'
    description: 'The timer that looks after jobs and feeds fails, so that what it measures is not measured.'
    severity: 2
    query: 'AppRequests | where OperationName == "keep_watch" and not(Success) | summarize Found = sum(ItemCount)'
    threshold: 3
    window: 'PT15M'
    frequency: 'PT5M'
  }
  {
    name: 'feed-fails'
    description: 'A function of a change feed fails and is tried again and again, which holds up what is behind it.'
    severity: 2
    query: 'AppRequests | where OperationName in ("fold_users", "fold_sessions", "fold_interactions", "fold_bookmarks", "fold_analytics") and not(Success) | summarize Found = sum(ItemCount)'
    threshold: 3
    window: 'PT15M'
    frequency: 'PT5M'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'vimarsh'
    enabled: true
    emailReceivers: [
      for (email, index) in emails: {
        name: 'email-${index}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource throttling 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'cosmos-throttling-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Cosmos DB refuses requests with 429: more throughput is asked for than there is, or one partition is hot.'
    severity: 2
    enabled: true
    scopes: [cosmosAccountId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'refused'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'TotalRequests'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: throttledRequests
          dimensions: [
            {
              name: 'StatusCode'
              operator: 'Include'
              values: ['429']
            }
          ]
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}

resource logAlert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in logAlerts: {
    name: '${alert.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.name
      description: alert.description
      severity: alert.severity
      enabled: true
      autoMitigate: true
      scopes: [workspaceId]
      evaluationFrequency: alert.frequency
      windowSize: alert.window
      criteria: {
        allOf: [
          {
            query: alert.query
            metricMeasureColumn: 'Found'
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: alert.threshold
          }
        ]
      }
      actions: {
        actionGroups: [people.id]
      }
    }
  }
]
