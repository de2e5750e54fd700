"""Say which release answers: in the footer of each page, in a header of each answer and at /release/."""

import socket

from django.conf import settings
from django.http import JsonResponse
from django.views.decorators.cache import never_cache


def release(request):
    """The release, for templates."""
    return {"release": settings.RELEASE, "release_commit": settings.RELEASE_COMMIT}


@never_cache
def show(request):
    return JsonResponse({"release": settings.RELEASE, "commit": settings.RELEASE_COMMIT, "host": socket.gethostname()})


class ReleaseMiddleware:
    """Put the release into a header, so that whoever watches a rollout sees who answered."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response["X-Release"] = settings.RELEASE
        return response
