metadata description = 'How large each stage is. Everything that differs between dev and prod is here, and nowhere else.'

@export()
@description('Names of the stages, for the parameter that chooses one.')
type Stage = 'dev' | 'prod'

@export()
@description('Capacity, redundancy, retention and limits by stage. Throughput in RU/s, money in the currency of the subscription.')
var stages = {
  dev: {
    cosmosCapacity: 'serverless'
    cosmosMaxThroughput: {}
    cosmosZoneRedundant: false
    cosmosSecondaryRegions: []
    cosmosBackupTier: 'Continuous7Days'
    storageSku: 'Standard_LRS'
    appZoneRedundant: false
    appMemoryMB: 2048
    appMaximumInstances: 40
    appAlwaysReady: []
    platformShards: 16
    logRetentionDays: 30
    logDailyCapGB: 1
    logDataPlane: true
    privateNetwork: false
    monthlyBudget: 50
  }
  prod: {
    cosmosCapacity: 'autoscale'
    cosmosMaxThroughput: {
      users: 2000
      user_sessions: 4000
      user_interactions: 4000
      user_analytics: 10000
    }
    cosmosZoneRedundant: true
    cosmosSecondaryRegions: []
    cosmosBackupTier: 'Continuous30Days'
    storageSku: 'Standard_ZRS'
    appZoneRedundant: true
    appMemoryMB: 2048
    appMaximumInstances: 200
    appAlwaysReady: [
      { name: 'http', instanceCount: 2 }
      { name: 'function:fold_interactions', instanceCount: 1 }
      { name: 'function:fold_sessions', instanceCount: 1 }
      { name: 'function:fold_analytics', instanceCount: 1 }
    ]
    platformShards: 256
    logRetentionDays: 90
    logDailyCapGB: 20
    logDataPlane: false
    privateNetwork: true
    monthlyBudget: 2000
  }
}
