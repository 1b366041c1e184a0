"""
A Django project for tests: its settings, made once for the whole process.
"""

from __future__ import annotations

import atexit
import shutil
from tempfile import mkdtemp
from typing import Any

import django
from django.conf import settings

DIRECTORY = mkdtemp(prefix="mailfailover-django-")
atexit.register(shutil.rmtree, DIRECTORY, ignore_errors=True)
BACKEND = "mailfailover.django.EmailBackend"

SETTINGS: dict[str, Any] = {
    "ALLOWED_HOSTS": ["*"],
    "DATABASES": {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{DIRECTORY}/default.db",
            "OPTIONS": {"timeout": 30},
        },
    },
    "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
    "DEFAULT_FROM_EMAIL": "shop@example.com",
    "EMAIL_BACKEND": BACKEND,
    "INSTALLED_APPS": [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "mailfailover.django",
    ],
    "MAILFAILOVER": {"CHAIN": "memory://"},
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    "ROOT_URLCONF": "tests.django.urls",
    "SECRET_KEY": "not-secret",
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    "USE_TZ": True,
}
if django.VERSION >= (6, 1):
    del SETTINGS["EMAIL_BACKEND"]
    SETTINGS["MAILERS"] = {"default": {"BACKEND": BACKEND}}


def set_up() -> None:
    """
    Set Django up, if no test did so before.
    """
    if not settings.configured:
        settings.configure(**SETTINGS)
        django.setup()
