"""The pages, what machines ask, and the vote."""

from django.urls import path

from . import health, release, views

urlpatterns = [
    path("", views.questions, name="questions"),
    path("questions/new/", views.propose, name="propose"),
    path("questions/<int:pk>/", views.question, name="question"),
    path("questions/<int:pk>/vote/", views.vote, name="vote"),
    path("healthcheck.html", health.healthcheck, name="healthcheck"),
    path("release/", release.show, name="release"),
    path("jobs/", views.jobs, name="jobs"),
]
