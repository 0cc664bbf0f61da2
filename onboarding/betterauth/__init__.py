"""Read the sessions of a Better-Auth main site: its cookie, its tables, its `get-session` endpoint.

Better-Auth is the TypeScript library that signs people in. This package imports nothing from the
rest of the application and never writes, so it can be read, tested and trusted by itself.
"""
