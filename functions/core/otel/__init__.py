"""Telemetry by OpenTelemetry. Imported only where it is configured: see `functions.core.telemetry`."""
