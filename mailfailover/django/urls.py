"""
The addresses that vendors call: ``webhooks/<key>`` for each chain key.

::

    urlpatterns = [path("email/", include("mailfailover.django.urls"))]
"""

from __future__ import annotations

from typing import Any

from django.urls import path

from mailfailover.django.views import webhook

app_name = "mailfailover"
urlpatterns: list[Any] = [path("webhooks/<str:key>", webhook, name="webhook")]
