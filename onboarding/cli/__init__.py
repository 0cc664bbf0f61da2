"""The commands of operators, `better-auth-onboarding …`.

None needs a Flask app: they read the environment themselves, so they also work when its settings are
faulty. `flask doctor` and the others are the same commands, as plugins of Flask's (pyproject.toml).
"""

import click

from onboarding.cli.doctor import doctor
from onboarding.cli.embed import embed_snippet
from onboarding.cli.profiles import profiles


@click.group(name="better-auth-onboarding")
def main() -> None:
    """Onboarding for a Better-Auth site: commands for its operators."""


for _command in (doctor, embed_snippet, profiles):
    main.add_command(_command)
