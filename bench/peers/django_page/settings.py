"""As `startproject` makes them, less what the page doesn't need."""

import os
from pathlib import Path
from urllib.parse import urlsplit

url = urlsplit(os.environ["DATABASE_URL"])
SECRET_KEY = os.environ["BETTER_AUTH_SECRET"]
DEBUG = False
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "django_page.urls"
INSTALLED_APPS = ["django_page"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent.parent / "templates"],
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path[1:],
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.hostname,
        "PORT": url.port,
        # Without it every request connects anew.
        "CONN_MAX_AGE": None,
    }
}
USE_TZ = True
