"""`manage.py enqueue`: put down a job by hand."""

import json

from django.core.management.base import BaseCommand, CommandError

from questions import work


class Command(BaseCommand):
    help = """Put down a job, e.g.: enqueue pause '{"seconds": 20}'"""

    def add_arguments(self, parser):
        parser.add_argument("kind", choices=sorted(work.KINDS))
        parser.add_argument("argument", nargs="?", default="{}", help="a JSON object")

    def handle(self, *, kind, argument, **options):
        try:
            given = json.loads(argument)
        except json.JSONDecodeError as error:
            raise CommandError(f"cannot read the argument as JSON: {error}") from error
        if not isinstance(given, dict):
            raise CommandError("the argument has to be a JSON object")
        self.stdout.write(str(work.enqueue(kind, **given).pk))
