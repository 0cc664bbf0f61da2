"""The real parts, started: PostgreSQL, Valkey, a Better-Auth main site, the app under gunicorn, a browser.

The demo, the tests, the benchmarks and the fault tests all stand on these modules. Nothing here is a stand-in, and
nothing started here outlives the process that started it.
"""
