"""What `verify` sees of a stack that the embedded cloud made, before its first servers."""

from __future__ import annotations

from fabfile.aws.secretsmanager import reschedule
from fabfile.aws.session import Aws
from fabfile.bootstrap.findings import failing
from fabfile.bootstrap.judging import judge
from fabfile.bootstrap.rotation import far_off
from fabfile.bootstrap.seen import look
from fabfile.config.environment import Environment

from .account import STARTED, Account
from .test_control_plane_environment import create, environment

__all__ = ["environment"]  # a fixture


def test_a_new_stack_lacks_its_first_servers_and_what_the_first_release_makes(
    account: Account, environment: Environment
) -> None:
    password = create(account, environment)["DatabaseSecretArn"]
    aws = Aws(environment, endpoint_url=account.url)
    wrong = [(finding.part, finding.what) for finding in failing(judge(look(aws, environment, STARTED), environment))]
    empty = [("group opendebates-local-web", "sizes"), ("group opendebates-local-worker", "sizes")]
    unmade = [("releases", "bucket"), ("lock and ledger", "table")]
    assert wrong == [*empty, ("secrets", "database password"), *unmade]
    reschedule(aws, password, far_off(STARTED))
    wrong = [(finding.part, finding.what) for finding in failing(judge(look(aws, environment, STARTED), environment))]
    assert wrong == [*empty, *unmade]
