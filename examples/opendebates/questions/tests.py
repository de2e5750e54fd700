"""What the site promises to people, to load balancers and to workers. Run: `python manage.py test`."""

import uuid

from django.db import OperationalError, connection
from django.test import Client, TestCase, override_settings

from . import work
from .models import Job, Question, Tally, Vote

PLAIN = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@override_settings(STORAGES=PLAIN, RELEASE="20261121T0800Z-1a2b3c4", RELEASE_COMMIT="1a2b3c4")
class SiteTests(TestCase):
    """Pages, forms and votes."""

    def setUp(self):
        self.question = Question.objects.create(text="Why <b>now</b>?", author="Ada, Leeds")

    def vote(self, client=None, **headers):
        return (client or self.client).post(f"/questions/{self.question.pk}/vote/", **headers)

    def test_a_vote_without_a_csrf_token_is_refused(self):
        assert self.vote(Client(enforce_csrf_checks=True)).status_code == 403
        assert not Vote.objects.exists()

    def test_a_vote_with_the_pages_csrf_token_counts(self):
        client = Client(enforce_csrf_checks=True)
        client.get("/")
        token = client.cookies["csrftoken"].value
        answer = client.post(f"/questions/{self.question.pk}/vote/", {"csrfmiddlewaretoken": token})
        self.assertRedirects(answer, self.question.get_absolute_url())

    def test_a_vote_needs_a_post(self):
        assert self.client.get(f"/questions/{self.question.pk}/vote/").status_code == 405

    def test_a_question_that_does_not_exist_is_not_found(self):
        assert self.client.get("/questions/999999/").status_code == 404
        assert self.client.post("/questions/999999/vote/").status_code == 404

    def test_an_empty_or_endless_question_is_refused_and_shown_again(self):
        for text in ("", "x" * 201):
            answer = self.client.post("/questions/new/", {"text": text, "author": "Ada"})
            self.assertContains(answer, 'role="alert"', status_code=400)

    def test_a_voter_counts_once(self):
        first, again = self.vote(), self.vote(headers={"accept": "application/json"})
        assert first.status_code == 302
        assert again.json() == {"votes": 1, "new": False}
        assert self.vote(Client(), headers={"accept": "application/json"}).json()["votes"] == 2

    def test_a_forged_voter_is_a_new_voter(self):
        self.client.cookies["voter"] = "not a uuid"
        self.vote()
        assert isinstance(Vote.objects.get().voter, uuid.UUID)

    def test_what_people_write_is_escaped(self):
        self.assertContains(self.client.get("/"), "Why &lt;b&gt;now&lt;/b&gt;?")

    def test_a_proposed_question_gets_its_page(self):
        answer = self.client.post("/questions/new/", {"text": "And then?", "author": "Bo"}, follow=True)
        self.assertContains(answer, "Thank you")
        self.assertContains(self.client.get("/?order=newest"), "And then?")

    def test_each_page_and_answer_tells_its_release(self):
        page = self.client.get("/")
        self.assertContains(page, "20261121T0800Z-1a2b3c4")
        assert page["X-Release"] == "20261121T0800Z-1a2b3c4"
        assert self.client.get("/release/").json()["commit"] == "1a2b3c4"

    def test_the_health_check_asks_the_database(self):
        assert self.client.get("/healthcheck.html").status_code == 200

        def away(execute, sql, params, many, context):
            raise OperationalError("the server closed the connection")

        with connection.execute_wrapper(away):
            assert self.client.get("/healthcheck.html").status_code == 503

    def test_the_list_asks_the_database_a_fixed_number_of_times(self):
        Question.objects.bulk_create(Question(text=f"{number}?", author="Bo") for number in range(30))
        with self.assertNumQueries(5):
            self.client.get("/")


class WorkTests(TestCase):
    """Background jobs."""

    def test_an_unknown_kind_is_refused(self):
        with self.assertRaisesMessage(ValueError, "only pause, tally"):
            work.enqueue("dance")

    def test_a_job_that_fails_is_kept_with_its_error_and_not_tried_again(self):
        work.enqueue("tally", question=-1)
        with self.assertLogs("questions.work", "ERROR"):
            assert work.run_next()
        assert not work.run_next()
        assert "IntegrityError" in Job.objects.get().error

    def test_an_empty_queue_has_nothing_to_run(self):
        assert not work.run_next()

    def test_a_vote_is_tallied_by_the_next_worker(self):
        question = Question.objects.create(text="Why?", author="Ada")
        self.client.post(f"/questions/{question.pk}/vote/")
        assert self.client.get("/jobs/").json()["waiting"] == 1
        while work.run_next():
            pass
        assert Tally.objects.get(question=question).votes == 1
        assert self.client.get("/jobs/").json()["done"] == 1

    def test_questions_are_ranked_by_their_tally(self):
        low, high = (Question.objects.create(text=text, author="Ada") for text in ("low?", "high?"))
        for question, votes in ((low, 1), (high, 2)):
            for _ in range(votes):
                Vote.objects.create(question=question, voter=uuid.uuid4())
            work.tally(question.pk)
        assert list(Question.objects.ranked()[:2]) == [high, low]
