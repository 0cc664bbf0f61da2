"""`python -m onboarding`: the same as the command `better-auth-onboarding`."""

from onboarding.cli import main

main()
