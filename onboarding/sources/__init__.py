"""The two sources of identities, chosen by `SESSION_SOURCE`: the one place where sessions and profiles meet."""
