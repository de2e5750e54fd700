"""Columns with a default in the database: code from before them goes on inserting rows while this release comes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("questions", "0002_jobs_and_tallies")]

    operations = [
        migrations.AddField("question", "detail", models.TextField(blank=True, db_default="")),
        migrations.AddField("job", "worker", models.CharField(blank=True, db_default="", max_length=120)),
        migrations.AddField("job", "release", models.CharField(blank=True, db_default="", max_length=80)),
    ]
