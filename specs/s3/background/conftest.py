"""Steps that speak of what S3 does by itself: lifecycles, replication, batch jobs."""

import json

from buckets import BUCKET, KEY, control, settle
from pytest_bdd import given, parsers, then, when


@when(parsers.re(rf'I put {KEY} into {BUCKET} with the tag "(?P<tag>[^"]+)"$'))
def put_tagged(buckets, key, bucket, tag):
    buckets.put(bucket, key, Tagging=tag)


@then(parsers.re(rf'{KEY} in {BUCKET} is in the storage class "(?P<wanted>[^"]+)"$'))
def storage_class(buckets, key, bucket, wanted):
    head = buckets.client.head_object(Bucket=bucket, Key=key)
    assert head.get("StorageClass", "STANDARD") == wanted


@then(parsers.re(r"the answer has no (?P<member>\w+)$"))
def answer_is_silent(world, member):
    assert member not in world.answer


@given(parsers.re(rf"{BUCKET} has the lifecycle rule$"))
@when(parsers.re(rf"I give {BUCKET} the lifecycle rule$"))
def lifecycle(world, buckets, bucket, docstring):
    rules = [{"Status": "Enabled", **json.loads(docstring)}]
    world.attempt(
        buckets.client.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )


@when(parsers.re(rf"I look at {KEY} in {BUCKET}$"))
def look(world, buckets, key, bucket):
    world.attempt(buckets.client.head_object, Bucket=bucket, Key=key)


@given(parsers.re(rf"an upload of {KEY} to {BUCKET} was begun$"))
@when(parsers.re(rf"I begin an upload of {KEY} to {BUCKET}$"))
def begin_upload(world, buckets, key, bucket):
    world.attempt(buckets.client.create_multipart_upload, Bucket=bucket, Key=key)


@then(parsers.re(rf"{BUCKET} has (?P<count>\d+) uploads? under way$"))
def uploads(buckets, bucket, count):
    assert len(buckets.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])) == int(count)


def replicate(world, buckets, bucket, target, markers):
    rule = {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {},
        "DeleteMarkerReplication": {"Status": "Enabled" if markers else "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{target}"},
    }
    configuration = {"Role": "arn:aws:iam::000000000000:role/replication", "Rules": [rule]}
    world.attempt(
        buckets.client.put_bucket_replication, Bucket=bucket, ReplicationConfiguration=configuration
    )


@given(parsers.re(rf'{BUCKET} is replicated to "(?P<target>[^"]+)"(?P<markers> with its delete markers)?$'))
@when(parsers.re(rf'I have {BUCKET} replicated to "(?P<target>[^"]+)"(?P<markers>)$'))
def replicated(world, buckets, bucket, target, markers):
    replicate(world, buckets, bucket, target, bool(markers))


@when("replication has caught up")
def caught_up(world):
    world.must_not_have_failed()
    settle(world)


@then(parsers.re(rf'{KEY} in {BUCKET} is said to be "(?P<status>[A-Z]+)"$'))
def replication_status(buckets, key, bucket, status):
    assert buckets.client.head_object(Bucket=bucket, Key=key)["ReplicationStatus"] == status


@when(parsers.re(rf"I upload {KEY} in (?P<count>\d+) parts to {BUCKET}$"))
def upload_in_parts(buckets, key, count, bucket):
    where = {"Bucket": bucket, "Key": key}
    where["UploadId"] = buckets.client.create_multipart_upload(**where)["UploadId"]
    parts = []
    for number in range(1, int(count) + 1):
        body = bytes([number]) * (5 * 1024 * 1024 if number < int(count) else 10)
        answer = buckets.client.upload_part(**where, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    buckets.client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


@then(parsers.re(rf'{KEY} reads the same in "(?P<one>[^"]+)" and "(?P<other>[^"]+)"$'))
def reads_the_same(buckets, key, one, other):
    bodies = [buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read() for bucket in (one, other)]
    assert bodies[0] == bodies[1] != b""


@then(parsers.re(rf'{KEY} has the same version in "(?P<one>[^"]+)" and "(?P<other>[^"]+)"$'))
def same_version(buckets, key, one, other):
    heads = [buckets.client.head_object(Bucket=bucket, Key=key) for bucket in (one, other)]
    for member in ("VersionId", "ETag", "ContentLength", "Metadata", "LastModified"):
        assert heads[0][member] == heads[1][member], member


@given(parsers.re(rf'a manifest of "(?P<one>[^"]+)" and "(?P<other>[^"]+)" in {BUCKET}$'))
def a_manifest(buckets, one, other, bucket):
    lines = "".join(f"{bucket},{key}\n" for key in (one, other))
    answer = buckets.client.put_object(Bucket=bucket, Key="manifest.csv", Body=lines.encode())
    buckets.manifest = (bucket, answer["ETag"].strip('"'))


@when(parsers.re(r'a batch job(?P<waits>, to be confirmed,)? tags what the manifest names with "(?P<tag>[^"]+)"$'))
def a_batch_job(world, buckets, waits, tag):
    bucket, etag = buckets.manifest
    key, value = tag.split("=")
    made = control(world).create_job(
        AccountId="000000000000",
        ClientRequestToken="once",
        ConfirmationRequired=bool(waits),
        Priority=1,
        RoleArn="arn:aws:iam::000000000000:role/batch",
        Operation={"S3PutObjectTagging": {"TagSet": [{"Key": key, "Value": value}]}},
        Manifest={
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {"ObjectArn": f"arn:aws:s3:::{bucket}/manifest.csv", "ETag": etag},
        },
        Report={
            "Enabled": True,
            "Bucket": f"arn:aws:s3:::{bucket}",
            "Prefix": "reports",
            "Format": "Report_CSV_20180820",
            "ReportScope": "AllTasks",
        },
    )
    buckets.job = made["JobId"]


@when("I confirm the job")
def confirm_job(world, buckets):
    control(world).update_job_status(AccountId="000000000000", JobId=buckets.job, RequestedJobStatus="Ready")


@when("all that is due has been done")
def all_done(world):
    settle(world)


@then(parsers.re(r'the job is "(?P<status>[^"]+)", with (?P<done>\d+) objects? done and (?P<failed>\d+) failed$'))
def job_is(world, buckets, status, done, failed):
    job = control(world).describe_job(AccountId="000000000000", JobId=buckets.job)["Job"]
    progress = job["ProgressSummary"]
    assert job["Status"] == status, job.get("FailureReasons")
    assert progress["NumberOfTasksSucceeded"] == int(done) and progress["NumberOfTasksFailed"] == int(failed)


@then(parsers.re(rf'{KEY} in {BUCKET} has the tag "(?P<tag>[^"]+)"$'))
def has_tag(buckets, key, bucket, tag):
    tags = buckets.client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    assert tag in [f"{found['Key']}={found['Value']}" for found in tags]


@then(parsers.re(rf'the job\'s report in {BUCKET} has a file of what "(?P<one>[^"]+)" and one of what "(?P<other>[^"]+)"$'))
def job_report(buckets, bucket, one, other):
    key = f"reports/job-{buckets.job}/manifest.json"
    report = json.loads(buckets.client.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert [result["TaskExecutionStatus"] for result in report["Results"]] == [one, other]
    assert all(result["Key"] in buckets.keys(bucket) for result in report["Results"])
