"""What a file's values become: for all, per deployment, environment and role, and by convention."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.config.environment import Environment, Provider
from fabfile.config.loading import Config, environment_names, load

HERE = Path(__file__).resolve().parent
HEAD = "deployments: [demo]\nenvironments: [staging, production]\n"


def config(folder: Path, text: str) -> Config:
    path = folder / "fabulaws-config.yml"
    path.write_text(text)
    return load(path)


def staging(folder: Path, text: str) -> Environment:
    return config(folder, HEAD + text).environment("demo", "staging")


@pytest.mark.parametrize(
    "text",
    [
        "app_port: 81",
        "app_port: {staging: 81, production: 82}",
        "app_port: {demo: {staging: 81}}",
        "app_port: {staging: {demo: 81}}",
        "app_port: {production: 82, default: 81}",
        "server_ports: {staging: 81}",
        "app_port: &port 81\nlistener_port: *port",
    ],
)
def test_a_value_may_be_given_for_all_or_for_some(tmp_path: Path, text: str) -> None:
    """Nested in any order, with a default for the rest, and under FabulAWS's own key."""
    assert staging(tmp_path, text).app_port == 81


def test_an_environments_own_settings_win(tmp_path: Path) -> None:
    """A section there replaces single keys, not the whole section."""
    text = """
deployments: [demo]
environments:
  staging: {app_port: 81, rollout: {batch: 2}}
  production:
app_port: 80
rollout: {batch: 25%, slot_deadline: 60}
"""
    found = config(tmp_path, text)
    here, there = found.environment("demo", "staging"), found.environment("demo", "production")
    assert (here.app_port, here.rollout.batch, here.rollout.slot_deadline) == (81, "2", 60)
    assert (there.app_port, there.rollout.batch, there.rollout.slot_deadline) == (80, "25%", 60)


def test_a_role_may_have_a_value_of_its_own(tmp_path: Path) -> None:
    """Environment and role in either order."""
    found = staging(tmp_path, "instance_types: {web: {staging: c5.large}, staging: {worker: m5.large}}")
    assert found.roles["web"].instance_type == "c5.large"
    assert found.roles["worker"].instance_type == "m5.large"


def test_names_follow_from_the_deployment_and_the_environment(tmp_path: Path) -> None:
    """What is left out has a default by convention."""
    names = staging(tmp_path, "").names
    assert names.stack == "demo-staging"
    assert names.auto_scaling_groups == ("demo-staging-web",)
    assert names.load_balancers == ("demo-staging",)
    assert names.bucket == "fabscale-{account}-us-east-1"


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("auto_scaling_groups: small", ("small",)),
        ("auto_scaling_groups: [small, large]", ("small", "large")),
        ("auto_scaling_groups: {demo: {staging: [small, large], production: prod}}", ("small", "large")),
        ("auto_scaling_groups: {production: prod}", ("demo-staging-web",)),
    ],
)
def test_an_environment_has_one_web_group_or_several_in_order(
    tmp_path: Path, text: str, groups: tuple[str, ...]
) -> None:
    """FabulAWS's form, deployment to environment to name, is one of them."""
    assert staging(tmp_path, text).names.auto_scaling_groups == groups


@pytest.mark.parametrize(
    ("groups", "own"),
    [("[small, demo-staging-web]", "demo-staging-web"), ("[small, large]", "small"), ("large", "large")],
)
def test_the_stacks_own_group_is_the_one_named_like_it_in_whatever_order(tmp_path: Path, groups: str, own: str) -> None:
    """Deploying in another order must not make the stack replace its group."""
    assert staging(tmp_path, f"auto_scaling_groups: {groups}").names.stack_group == own


def test_the_embedded_cloud_has_conventions_of_its_own(tmp_path: Path) -> None:
    """An unprivileged port, quick looks, and an image that it knows."""
    found = staging(tmp_path, "provider: local")
    assert found.provider is Provider.LOCAL
    assert (found.listener_port, found.rollout.poll) == (8080, 0.2)
    assert found.ami.startswith("ami-")
    assert found.ssh_config == tmp_path / ".fab" / "local" / "ssh_config"


def test_an_application_is_djangos_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    found = staging(tmp_path, "application: {manage: 'poetry run manage', post_migrate: '{manage} clear_cache'}")
    application = found.application
    assert application.start[:4] == ("{python}", "-m", "gunicorn", "demo.wsgi:application")
    assert application.migrate == ("poetry", "run", "manage", "migrate", "--noinput")
    assert application.post_migrate == ("poetry", "run", "manage", "clear_cache")
    assert application.static == ("poetry", "run", "manage", "collectstatic", "--noinput")
    assert application.environ == {"DJANGO_SETTINGS_MODULE": "demo.settings"}


def test_one_that_is_not_djangos_has_only_the_commands_that_it_is_given(tmp_path: Path) -> None:
    """`manage: none` is all that has to be said; no worker is launched that would have nothing to run."""
    found = staging(
        tmp_path, "requirements_file: none\napplication: {manage: none, start: './server {port}', migrate: ./migrate}"
    )
    application = found.application
    assert application.start == ("./server", "{port}")
    assert (application.migrate, application.static, application.worker) == (("./migrate",), (), ())
    assert (application.migrates, application.environ, application.requirements) == (True, {}, "")
    assert found.roles["worker"].count == 0
    none = staging(tmp_path, "application: {manage: none, worker: ./work, migrate: none}")
    assert (none.application.migrates, none.roles["worker"].count) == (False, 1)


def test_every_one_of_several_celery_workers_is_run_under_its_name(tmp_path: Path) -> None:
    found = staging(tmp_path, "celery_application: demo.celery\ncelery_workers: {main: -c 4, mail: -Q mail}")
    celery = ("{python}", "-m", "celery", "-A", "demo.celery", "worker", "--hostname")
    assert found.application.workers == {
        "main": (*celery, "main@%h", "-c", "4"),
        "mail": (*celery, "mail@%h", "-Q", "mail"),
    }
    assert (found.application.worker, found.application.works, found.roles["worker"].count) == ((), True, 1)


def test_production_is_the_environment_of_that_name_unless_others_are_named(tmp_path: Path) -> None:
    """Forgetting production_environments must not switch the question off."""
    assert config(tmp_path, HEAD).environment("demo", "production").production
    named = config(tmp_path, HEAD + "production_environments: [staging]")
    assert named.environment("demo", "staging").production
    assert not named.environment("demo", "production").production


def test_extra_holds_whatever_the_user_likes(tmp_path: Path) -> None:
    """Templates see it as plain data."""
    found = staging(tmp_path, "extra: {team: web, sizes: [1, 2.5, no]}")
    assert found.extra == {"team": "web", "sizes": [1, 2.5, False]}


def test_keys_of_a_merged_anchor_are_read(tmp_path: Path) -> None:
    """`<<` works as in `yaml.safe_load`, own keys first."""
    text = "extra: {x: &base {team: web, size: 1}, y: {<<: *base, size: 2}}"
    assert staging(tmp_path, text).extra["y"] == {"size": 2, "team": "web"}


def test_environment_names_of_a_broken_file_are_read_as_far_as_possible(tmp_path: Path) -> None:
    """`fab --list` shows them though something else is wrong."""
    path = tmp_path / "c.yml"
    path.write_text(HEAD + "app_port: never\n")
    assert environment_names(path) == ("staging", "production")
    path.write_text("environments: [a\n")
    assert environment_names(path) == ()
    assert environment_names(tmp_path / "none.yml") == ()


class TestFabulAWSSample:
    """FabulAWS's documented sample, byte for byte."""

    sample = load(HERE / "fabulaws-config.sample.yaml")

    def test_it_loads_unchanged(self) -> None:
        """Its values arrive where they are used now."""
        found = self.sample.environment("myproject", "production")
        assert found.production
        assert found.zones == ("us-east-1e", "us-east-1c")
        assert found.names.auto_scaling_groups == ("myproject-production-ag",)
        assert found.names.load_balancers == ("myproject-production-lb",)
        assert (found.branch, found.app_port, found.ami) == ("master", 8001, "ami-b2e3c6d8")
        assert found.roles["web"].instance_type == "c3.large"
        assert found.roles["db-primary"].volume_size == 100
        assert found.roles["web"].security_groups == ("myproject-sg", "myproject-web-sg")
        assert found.application.requirements == "requirements/app.txt"

    def test_the_nested_celery_application_is_read_with_a_warning(self) -> None:
        """The sample puts it under celery_workers."""
        found = self.sample.environment("myproject", "staging")
        expected = ("{python}", "-m", "celery", "-A", "proj.celery", "worker", "-c", "10", "-Q", "celeryd")
        assert found.application.worker == expected
        assert self.sample.warnings == (
            "fabulaws-config.sample.yaml:125: celery_workers.celery_application: read, though it stands inside "
            "celery_workers; move it to the top level",
        )

    def test_what_has_no_meaning_any_more_is_listed_with_the_reason(self) -> None:
        """So that nobody believes that it still does something."""
        assert "fabulaws-config.sample.yaml:14: instance_settings.ebs_encrypt: every volume is encrypted by EBS" in (
            self.sample.ignored
        )
        assert len(self.sample.ignored) == 32
