"""EC2: launch templates, user data, and an instance's life.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-launch-templates.html
"""

from __future__ import annotations

from tests.conformance.account import SERVER, Account
from tests.conformance.expecting import encoded, refused


def test_user_data_that_is_not_base64_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""
    with refused("InvalidUserData.Malformed"):
        account.template(UserData="no base64!")


def test_user_data_above_16_kilobytes_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html"""
    template = account.template()
    with refused("InvalidParameterValue", "16384"):
        account.version(template, UserData=encoded("x" * 16385))


def test_a_version_starts_from_its_source_and_keeps_what_it_does_not_name(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html"""
    template = account.template(MetadataOptions={"InstanceMetadataTags": "enabled", "HttpTokens": "required"})
    account.ec2.create_launch_template_version(
        LaunchTemplateId=template,
        SourceVersion="1",
        VersionDescription="app-testing-1",
        LaunchTemplateData={"InstanceType": "t3.large"},
    )
    found = account.ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["2"])
    version = found["LaunchTemplateVersions"][0]
    assert version["VersionDescription"] == "app-testing-1"
    data = version["LaunchTemplateData"]
    assert (data["InstanceType"], data["ImageId"], data["UserData"]) == ("t3.large", account.image(), encoded(SERVER))
    assert data["MetadataOptions"]["InstanceMetadataTags"] == "enabled"


def test_a_version_that_does_not_exist_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"""
    template = account.template()
    with refused("InvalidLaunchTemplateId.VersionNotFound"):
        account.ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["7"])
    with refused("ValidationError", "launch template"):
        account.group(minimum=0, LaunchTemplate={"LaunchTemplateId": template, "Version": "7"})


def test_all_versions_are_described_page_by_page(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html"""
    template = account.template()
    for _ in range(19):
        account.version(template, InstanceType="t3.large")
    every = account.ec2.describe_launch_template_versions(LaunchTemplateId=template)
    assert len(every["LaunchTemplateVersions"]) == 20
    pages = account.ec2.get_paginator("describe_launch_template_versions").paginate(
        LaunchTemplateId=template, PaginationConfig={"PageSize": 8}
    )
    assert [len(page["LaunchTemplateVersions"]) for page in pages] == [8, 8, 4]


def test_an_instance_is_pending_then_running_then_shutting_down_then_terminated(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html"""
    answered = account.instance(account.template())
    instance = answered["InstanceId"]

    def state() -> str:
        found = account.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        return str(found["State"]["Name"])

    assert answered["State"]["Name"] == "pending"
    account.eventually(lambda: state() == "running", "running")
    answer = account.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
    assert (answer["PreviousState"]["Name"], answer["CurrentState"]["Name"]) == ("running", "shutting-down")
    account.eventually(lambda: state() == "terminated", "terminated, and still described")


def test_a_reboot_keeps_the_instance_and_the_console_tells(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html"""
    instance = account.group(minimum=1).ids()[0]
    account.eventually(lambda: account.ec2.get_console_output(InstanceId=instance).get("Output"), "output")
    account.ec2.reboot_instances(InstanceIds=[instance])
    found = account.ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert found["State"]["Name"] == "running"


def test_a_tag_that_the_metadata_could_not_tell_makes_a_launch_fail(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html"""
    told = {"InstanceMetadataTags": "enabled", "HttpTokens": "required"}
    template = account.template(MetadataOptions=told)
    for key in ("cost/center", "cost center"):
        with refused("InvalidParameterValue"):
            account.instance(template, **{key: "web"})
    assert account.instance(template, **{"cost:center": "web"})["State"]["Name"] == "pending"
