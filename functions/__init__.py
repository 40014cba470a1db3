"""The edge: one module per thing that can be triggered. Parse, authorise, call, answer."""
