"""Questions, the votes on them, and the jobs that count the votes."""

from django.db import models
from django.db.models import Count
from django.urls import reverse


class QuestionQuerySet(models.QuerySet):
    """Questions in the orders in which pages show them."""

    def with_votes(self):
        return self.annotate(vote_count=Count("votes"))

    def ranked(self):
        """The most wanted first, by the last count that a worker made."""
        return self.order_by(models.F("tally__votes").desc(nulls_last=True), "created", "id")

    def newest(self):
        return self.order_by("-created", "-id")


class Question(models.Model):
    """What somebody wants to be asked in the debate."""

    text = models.CharField(max_length=200)
    author = models.CharField(max_length=60)
    detail = models.TextField(blank=True, db_default="")
    created = models.DateTimeField(auto_now_add=True)

    objects = QuestionQuerySet.as_manager()

    def __str__(self):
        return self.text

    def get_absolute_url(self):
        return reverse("question", args=[self.pk])


class Vote(models.Model):
    """One voter's vote on one question; a voter is a random cookie."""

    question = models.ForeignKey(Question, on_delete=models.CASCADE, related_name="votes")
    voter = models.UUIDField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["question", "voter"], name="one_vote_per_voter"),)

    def __str__(self):
        return f"{self.voter} on {self.question_id}"


class Tally(models.Model):
    """The number of votes on a question when a worker last counted them."""

    question = models.OneToOneField(Question, on_delete=models.CASCADE, related_name="tally")
    votes = models.PositiveIntegerField()
    counted = models.DateTimeField()

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self):
        return f"{self.votes} on {self.question_id}"


class Job(models.Model):
    """Something for a worker to do; `finished` is set once it was done or failed with `error`."""

    kind = models.CharField(max_length=40)
    argument = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True)
    error = models.TextField(blank=True, db_default="")
    worker = models.CharField(max_length=120, blank=True, db_default="")
    release = models.CharField(max_length=80, blank=True, db_default="")

    class Meta:
        indexes = (models.Index(fields=["id"], condition=models.Q(finished=None), name="jobs_to_do"),)

    def __str__(self):
        return f"{self.kind} {self.pk}"
