import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("questions", "0001_questions_and_votes")]

    operations = [
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("argument", models.JSONField(default=dict)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("finished", models.DateTimeField(null=True)),
                ("error", models.TextField(blank=True, db_default="")),
            ],
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(condition=models.Q(("finished", None)), fields=["id"], name="jobs_to_do"),
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("votes", models.PositiveIntegerField()),
                ("counted", models.DateTimeField()),
                (
                    "question",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tally", to="questions.question"
                    ),
                ),
            ],
            options={"verbose_name_plural": "tallies"},
        ),
    ]
