"""Durable orchestrations and activities in the local host, with the state of the instances in SQLite.

The app's `azure-functions-durable` is spoken to in its own protocol: an orchestrator is invoked with the history of its
instance and answers with all its actions so far (`turn.py`); a client calls an HTTP API (`api.py`). Entities and
`call_http` are not supported: an orchestrator that uses them fails with an error that says so.
"""
