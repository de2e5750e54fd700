"""The list of questions, one question, proposing one and voting on one."""

import uuid

from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count, Max, Q
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from . import work
from .forms import QuestionForm
from .models import Job, Question, Tally, Vote

PAGE_SIZE = 20
VOTER_COOKIE = "voter"
ONE_YEAR = 365 * 24 * 3600


def questions(request):
    newest = request.GET.get("order") == "newest"
    ordered = Question.objects.newest() if newest else Question.objects.ranked()
    page = Paginator(ordered.with_votes(), PAGE_SIZE).get_page(request.GET.get("page"))
    voted = Vote.objects.filter(voter=voter_of(request), question__in=[question.pk for question in page])
    return render(
        request,
        "questions/list.html",
        {
            "page": page,
            "newest": newest,
            "voted": set(voted.values_list("question_id", flat=True)),
            "votes": Vote.objects.count(),
            "counted": Tally.objects.aggregate(last=Max("counted"))["last"],
        },
    )


def question(request, pk):
    asked = get_object_or_404(Question.objects.with_votes(), pk=pk)
    voted = asked.votes.filter(voter=voter_of(request)).exists()
    return render(
        request,
        "questions/question.html",
        {"question": asked, "voted": voted, "proposed": "proposed" in request.GET},
    )


def propose(request):
    form = QuestionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return redirect(f"{form.save().get_absolute_url()}?proposed")
    return render(request, "questions/propose.html", {"form": form}, status=400 if form.errors else 200)


@require_POST
def vote(request, pk):
    """Count a voter's vote once, and ask a worker to count them all again."""
    asked = get_object_or_404(Question, pk=pk)
    voter = voter_of(request)
    with transaction.atomic():
        _, new = Vote.objects.get_or_create(question=asked, voter=voter)
        if new:
            work.enqueue("tally", question=asked.pk)
    if request.accepts("text/html"):
        response = redirect(asked)
    else:
        response = JsonResponse({"votes": asked.votes.count(), "new": new})
    response.set_cookie(
        VOTER_COOKIE, str(voter), max_age=ONE_YEAR, httponly=True, samesite="Lax", secure=request.is_secure()
    )
    return response


@never_cache
def jobs(request):
    """How many jobs wait and how many are done, and by which releases' workers."""
    counts = Job.objects.aggregate(
        waiting=Count("id", filter=Q(finished=None)),
        done=Count("id", filter=Q(error="") & ~Q(finished=None)),
        failed=Count("id", filter=~Q(error="")),
    )
    done_by = Job.objects.exclude(finished=None).values_list("release").annotate(Count("id"))
    return JsonResponse({**counts, "by_release": dict(done_by)})


def voter_of(request):
    """The voter whom the cookie names, or a new one."""
    try:
        return uuid.UUID(request.COOKIES.get(VOTER_COOKIE, ""))
    except ValueError:
        return uuid.uuid4()
