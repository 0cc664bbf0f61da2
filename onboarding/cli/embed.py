"""`embed-snippet`: the HTML with which a page shows the app in a frame."""

import os
import sys

import click

from onboarding.settings import Settings, SettingsError
from onboarding.web.static_files import embed_script

_SNIPPET = """\
<script src="{script}" integrity="{integrity}" crossorigin async></script>
<onboarding-frame src="{app}/">
  <a href="{app}/">Set up your profile</a>
</onboarding-frame>"""


@click.command("embed-snippet")
def embed_snippet() -> None:
    """Print the HTML that shows this app inside a page, its script pinned by a hash."""
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsError as error:
        click.echo(error, err=True)
        sys.exit(2)
    script, integrity = embed_script(settings.app_origin)
    click.echo(_SNIPPET.format(script=script, integrity=integrity, app=settings.app_origin))
