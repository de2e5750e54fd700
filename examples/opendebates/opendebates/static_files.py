"""Serve the hashed static files of several releases from one shared folder.

While two releases serve side by side, a page of the new one may ask an old server for its style sheet. The
new release's files are therefore put into every server's STATIC_ROOT before its first server comes.
"""

import re

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from whitenoise.middleware import WhiteNoiseMiddleware

HASHED_NAME = re.compile(r"\.[0-9a-f]{12}\.[^./]+$")


class ReleaseStaticFilesStorage(ManifestStaticFilesStorage):
    """Keep each release's manifest under its own name: the folder is shared, what a page links to is not."""

    if settings.RELEASE_COMMIT:
        manifest_name = f"staticfiles-{settings.RELEASE_COMMIT}.json"


class LaterFilesMiddleware(WhiteNoiseMiddleware):
    """Serve static files as WhiteNoise does, and those put into STATIC_ROOT after the server started."""

    def add_files(self, root, prefix=None):
        root.mkdir(parents=True, exist_ok=True)
        super().add_files(str(root), prefix)
        if not self.autorefresh:
            self.directories.append((f"{root}/", prefix))

    def __call__(self, request):
        path = request.path_info
        if not self.autorefresh and path.startswith(self.static_prefix) and path not in self.files:
            later = self.find_file(path)
            if later is not None:
                return self.serve(later, request)
        return super().__call__(request)

    def immutable_file_test(self, path, url):
        """Tell by the name alone: another release's files are not in this one's manifest."""
        return bool(HASHED_NAME.search(url))
