"""What the profile says about its answers."""

from datetime import datetime

import pytest

from tests.browser import page


@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_confirmation_has_its_date_time_and_zone(default_site, language):
    window = default_site.browser("onboarded")
    stored = datetime.fromisoformat(window.get("/api/profile").json["updated_at"])
    time = page(window.get(f"/profile?lang={language}")).find("time")
    confirmed = datetime.fromisoformat(time["datetime"])
    assert confirmed == stored.replace(second=0, microsecond=0)
    # Babel has spaces of its own. From right to left the time is isolated, so that its parts keep their order.
    shown, clock = " ".join(time.text.split()), f"{confirmed:%I:%M %p} UTC".lstrip("0")
    assert shown.endswith(
        {"en": f"{confirmed:%Y}, {clock}", "ur": f"\u2066{clock}\u2069"}[language]
    )
