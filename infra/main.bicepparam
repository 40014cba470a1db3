using './main.bicep'

// What azd knows of the environment, and what `azd env set NAME VALUE` tells it. README.md describes each.
param environmentName = readEnvironmentVariable('AZURE_ENV_NAME')
param location = readEnvironmentVariable('AZURE_LOCATION')
param stage = readEnvironmentVariable('VIMARSH_STAGE', 'dev')
param apiClientId = readEnvironmentVariable('ENTRA_API_CLIENT_ID', '')  // azd reads this file before the hook has run, too
param allowedTenants = json(readEnvironmentVariable('VIMARSH_TENANTS', '[]'))
param homeTenants = json(readEnvironmentVariable('VIMARSH_HOME_TENANTS', '[]'))
param applicationTenants = json(readEnvironmentVariable('VIMARSH_APPLICATION_TENANTS', '{}'))
param allowedOrigins = json(readEnvironmentVariable('VIMARSH_ORIGINS', '[]'))
param alertEmails = json(readEnvironmentVariable('VIMARSH_ALERT_EMAILS', '[]'))
param graphCredential = readEnvironmentVariable('VIMARSH_GRAPH_CREDENTIAL', 'none')
param extraSettings = json(readEnvironmentVariable('VIMARSH_SETTINGS', '{}'))
param overrides = json(readEnvironmentVariable('VIMARSH_OVERRIDES', '{}'))
