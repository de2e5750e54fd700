"""Questions to start with, so that a new site has something to vote on."""

from django.db import migrations

QUESTIONS = (
    ("How will you make sure that every town has a doctor within half an hour?", "Amira, Fresno"),
    ("What would you cut first if the budget had to shrink by a tenth?", "Jonas, Duluth"),
    ("Should public servants be allowed to work a four-day week?", "Wen, Raleigh"),
    ("How do you plan to keep trains running in a hotter climate?", "Priya, Phoenix"),
    ("What have you changed your mind about in the last five years?", "Luis, Durham"),
)


def propose(apps, schema_editor):
    question = apps.get_model("questions", "Question")
    if not question.objects.exists():
        question.objects.bulk_create(question(text=text, author=author) for text, author in QUESTIONS)


class Migration(migrations.Migration):
    dependencies = [("questions", "0003_detail_and_worker")]

    operations = [migrations.RunPython(propose, migrations.RunPython.noop)]
