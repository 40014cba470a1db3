"""What is measured, and against what.

`simulation` plays use of the app, `recount` counts anew what must come of it, `measurements` compare what came.
"""
