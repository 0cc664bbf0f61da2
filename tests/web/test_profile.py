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
    # Babel has spaces of its own.
    shown = " ".join(time.text.split())
    assert shown.endswith(" UTC")
    assert f"{confirmed:%Y}" in shown
    assert f"{confirmed:%I:%M %p}".lstrip("0") in shown
