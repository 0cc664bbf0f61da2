"""A good environment, and what the settings make of a changed one."""

import pytest

from onboarding.settings import Settings, SettingsError

PASSWORD = "pa55-w0rd"


SECRET = "a-test-secret-of-40-characters-or-more-00"


GOOD = {
    "DATABASE_URL": f"postgresql://app:{PASSWORD}@db.example:5433/site",
    "BETTER_AUTH_SECRET": SECRET,
    "BETTER_AUTH_URL": "https://www.example.com",
    "APP_URL": "https://onboarding.example.com",
    "SIGN_IN_URL": "https://www.example.com/sign-in",
}


def settings(**changes: str | None) -> Settings:
    changed = {**GOOD, **changes}
    return Settings.from_environ({name: text for name, text in changed.items() if text is not None})


def faults(**changes: str | None) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        settings(**changes)
    assert str(refusal.value) == "\n".join(refusal.value.errors)
    return refusal.value.errors
