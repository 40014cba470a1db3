"""A host for Azure Functions apps written in the Python v2 programming model.

`local.functions.host.FunctionHost` is the whole of it; `python -m local.functions` serves one app on a port.
"""
