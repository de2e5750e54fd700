"""What deploys rest on: writes on a condition, in DynamoDB and in S3, and S3's own look at a checksum.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from tests.conformance.account import Account
from tests.conformance.expecting import refused
from tests.conformance.kinds import BUCKET, TABLE


def table(account: Account) -> str:
    """Make a table and wait for it."""
    account.uses(TABLE)
    name = account.named("locks")
    account.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=account.tags,
    )

    def active() -> bool:
        found = account.client("dynamodb").describe_table(TableName=name)["Table"]
        return str(found["TableStatus"]) == "ACTIVE"

    account.eventually(active, "the table is active")
    return name


def bucket(account: Account) -> str:
    """Make a bucket."""
    account.uses(BUCKET)
    name = account.named("releases")
    region = account.cloud.region
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    account.client("s3").create_bucket(Bucket=name, **place)
    account.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": account.tags})
    return name


def digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def test_conditional_writes_have_one_winner(account: Account) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html"""
    given = {
        "TableName": table(account),
        "Item": {"name": {"S": "x"}},
        "ConditionExpression": "attribute_not_exists(#n)",
        "ExpressionAttributeNames": {"#n": "name"},
    }
    account.client("dynamodb").put_item(**given)
    with refused("ConditionalCheckFailedException"):
        account.client("dynamodb").put_item(**given)


def test_a_consistent_read_sees_the_write_before_it(account: Account) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html"""
    client, name = account.client("dynamodb"), table(account)
    for number in range(20):
        item = {"name": {"S": "lock"}, "version": {"N": str(number)}}
        client.put_item(TableName=name, Item=item)
        read = client.get_item(TableName=name, Key={"name": {"S": "lock"}}, ConsistentRead=True)
        assert read["Item"] == item


def test_a_transaction_whose_check_fails_writes_nothing_and_says_which(account: Account) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
    client, name = account.client("dynamodb"), table(account)
    key = {"name": {"S": "lock"}}
    check = {"TableName": name, "Key": key, "ConditionExpression": "attribute_exists(#n)"}
    put = {"TableName": name, "Item": {"name": {"S": "record"}}}
    with refused("TransactionCanceledException", "ConditionalCheckFailed") as refusal:
        client.transact_write_items(
            TransactItems=[{"ConditionCheck": {**check, "ExpressionAttributeNames": {"#n": "name"}}}, {"Put": put}]
        )
    reasons = refusal.value.response["CancellationReasons"]
    assert [one["Code"] for one in reasons] == ["ConditionalCheckFailed", "None"]
    assert "Item" not in client.get_item(TableName=name, Key={"name": {"S": "record"}}, ConsistentRead=True)


def test_of_many_that_put_an_object_on_condition_one_is_first(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
    client, name = account.client("s3"), bucket(account)

    def put(number: int) -> str:
        try:
            client.put_object(Bucket=name, Key="a", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "stored"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, range(8)))
    assert answers.count("stored") == 1
    assert set(answers) <= {"stored", "PreconditionFailed", "ConditionalRequestConflict"}
    assert client.get_object(Bucket=name, Key="a")["Body"].read() == str(answers.index("stored")).encode()
    with refused("PreconditionFailed"):
        client.put_object(Bucket=name, Key="a", Body=b"later", IfNoneMatch="*")


def test_content_whose_sha256_is_not_the_one_told_is_not_stored(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    client, name = account.client("s3"), bucket(account)
    with refused("BadDigest"):
        client.put_object(Bucket=name, Key="a", Body=b"content", ChecksumSHA256=digest(b"other"))
    assert "Contents" not in client.list_objects_v2(Bucket=name)
    client.put_object(Bucket=name, Key="a", Body=b"content", ChecksumSHA256=digest(b"content"))
    assert client.get_object(Bucket=name, Key="a")["Body"].read() == b"content"


def test_the_account_tells_who_calls(account: Account) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    identity = account.client("sts").get_caller_identity()
    assert identity["Account"].isdecimal()
    assert len(identity["Account"]) == 12
    assert f":{identity['Account']}:" in identity["Arn"]
