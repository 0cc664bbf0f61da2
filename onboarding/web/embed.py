"""What a main site writes into a page to show the app inside it."""

from pathlib import Path

from onboarding.web.assets import EMBED_SCRIPT, Assets

_SNIPPET = """\
<script src="{script}" integrity="{integrity}" crossorigin async></script>
<onboarding-frame src="{app}/">
  <a href="{app}/">Set up your profile</a>
</onboarding-frame>"""


def snippet(app_origin: str) -> str:
    """Give the lines for a main site's page, the script pinned to the present one by its hash."""
    assets = Assets(Path(__file__).parents[1] / "static", themes={})
    return _SNIPPET.format(
        script=app_origin + assets.address(EMBED_SCRIPT),
        integrity=assets.integrity(EMBED_SCRIPT),
        app=app_origin,
    )
