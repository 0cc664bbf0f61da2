"""Reads the sessions of a Better-Auth main site: its cookie, its tables, its signed-in people.

Better-Auth is the TypeScript library that signs people in. This package knows neither Flask nor
our own table, never writes, and imports nothing of ours, so that it can be read, tested and
trusted by itself.
"""
