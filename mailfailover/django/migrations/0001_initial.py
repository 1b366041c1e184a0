"""
The outbox's tables, and the model that shows them.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


def make_tables(_apps: Any, schema_editor: Any) -> None:
    """
    Make the tables through the connection that migrates, where the outbox can be there.
    """
    from mailfailover.django.joined_engine import KINDS, joined_engine
    from mailfailover.outbox import Outbox

    if schema_editor.connection.vendor in KINDS:
        Outbox(joined_engine(schema_editor.connection.alias)).init()


def keep_tables(_apps: Any, _schema_editor: Any) -> None:
    """
    Leave the tables, in which mails may wait.
    """


class Migration(migrations.Migration):
    """
    The first version.
    """

    initial = True
    dependencies: tuple[tuple[str, str], ...] = ()
    operations: tuple[Any, ...] = (
        migrations.CreateModel(
            name="Mail",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.CharField(max_length=64, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("leased", "leased"),
                            ("sending", "sending"),
                            ("sent", "sent"),
                            ("unknown", "unknown"),
                            ("dead", "dead"),
                        ],
                        max_length=8,
                    ),
                ),
                ("sender", models.CharField(max_length=320)),
                ("created", models.DateTimeField()),
                ("due", models.DateTimeField(null=True)),
                ("tries", models.IntegerField()),
                ("provider", models.CharField(max_length=255)),
                ("provider_message_id", models.TextField(verbose_name="id at the provider")),
                ("reason", models.TextField()),
                (
                    "possible_duplicate",
                    models.BooleanField(verbose_name="possibly sent twice"),
                ),
                ("finished", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "mail",
                "verbose_name_plural": "mails",
                "db_table": "outbox_mails",
                "ordering": ("-number",),
                "managed": False,
                "default_permissions": ("view", "change"),
            },
        ),
        # MariaDB commits at each table, which would end a savepoint around them.
        migrations.RunPython(make_tables, keep_tables, atomic=False),
    )
