"""A real cookie of better-auth 1.7.25: its name, its secret, its parts, and what verifies it."""

from onboarding.betterauth.cookie import SessionCookie

NAME = "better-auth.session_token"
SECRET = "harness-secret-0123456789-abcdefghijkl-XYZ"
TOKEN = "FgBjnAm9zWvc3QWKpepwsZCwqPNZf6rB"
SIGNATURE = "jGZfk9YnouyUoKDLvBfhP797R8SkAI6FXSKhvTKBN+4="
COOKIE = SessionCookie(NAME, SECRET)
