"""SQS with boto3. Run twice: by today's SDK, which speaks JSON, and by an older one, which speaks the query protocol."""

import hashlib
import json
import threading

import botocore
import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def sqs(virga):
    return virga.client("sqs")


@pytest.fixture
def queue(sqs):
    return sqs.create_queue(QueueName="orders")["QueueUrl"]


def receive(sqs, queue, **more):
    more = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"], "MaxNumberOfMessages": 10, **more}
    return sqs.receive_message(QueueUrl=queue, **more).get("Messages", [])


def attribute(sqs, queue, name):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name]


def code_of(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_sdk_speaks_the_protocol_of_its_age(sqs):
    version = tuple(int(part) for part in botocore.__version__.split(".")[:2])
    protocols = sqs.meta.service_model.metadata
    assert protocols["protocol"] == ("json" if version >= (1, 32) else "query")


def test_a_message_goes_in_and_comes_out(sqs, queue):
    body = 'two apples, "€ 3" & <more>\n\ttabs \U0001f34e'
    attributes = {
        "city": {"DataType": "String", "StringValue": "Lisbon & <Porto>"},
        "weight": {"DataType": "Number.grams", "StringValue": "1200"},
        "stamp": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
    }
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=attributes)
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    (message,) = receive(sqs, queue)
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], body)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert attribute(sqs, queue, "ApproximateNumberOfMessagesNotVisible") == "0"


def test_an_empty_queue_gives_nothing(sqs, queue):
    assert receive(sqs, queue) == []


def test_a_batch_fails_entry_by_entry(sqs, queue):
    entries = [{"Id": "a", "MessageBody": "apples"}, {"Id": "b", "MessageBody": "pears", "DelaySeconds": 901}]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["a"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("b", True, "InvalidParameterValue")
    received = receive(sqs, queue)
    assert [message["Body"] for message in received] == ["apples"]
    entries = [{"Id": "x", "ReceiptHandle": received[0]["ReceiptHandle"]}]
    assert sqs.delete_message_batch(QueueUrl=queue, Entries=entries)["Successful"] == [{"Id": "x"}]


def test_time_brings_hidden_messages_back(virga, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="apples")
    (message,) = receive(sqs, queue)
    entries = [{"Id": "a", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 300}]
    assert sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)["Successful"] == [{"Id": "a"}]
    virga.advance(290)
    assert receive(sqs, queue) == []
    virga.advance(10)
    assert [message["Body"] for message in receive(sqs, queue)] == ["apples"]


def test_a_waiting_receiver_is_woken_by_a_message(virga, sqs, queue):
    other = virga.client("sqs")
    results = []
    thread = threading.Thread(target=lambda: results.extend(receive(other, queue, WaitTimeSeconds=20)))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    sqs.send_message(QueueUrl=queue, MessageBody="apples")
    thread.join(10)
    assert [message["Body"] for message in results] == ["apples"]


def test_a_fifo_queue_keeps_order_and_drops_doubles(sqs):
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    queue = sqs.create_queue(QueueName="orders.fifo", Attributes=attributes)["QueueUrl"]
    sent = [sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId="g") for body in ["a", "b", "a", "c"]]
    assert sent[0]["SequenceNumber"] == sent[2]["SequenceNumber"] < sent[3]["SequenceNumber"]
    messages = receive(sqs, queue)
    assert [message["Body"] for message in messages] == ["a", "b", "c"]
    assert messages[0]["Attributes"]["MessageGroupId"] == "g"
    assert messages[0]["Attributes"]["MessageDeduplicationId"] == hashlib.sha256(b"a").hexdigest()


def test_dead_letters_are_put_aside_and_moved_back(virga, sqs, queue):
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = attribute(sqs, dead, "QueueArn")
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [queue]
    sqs.send_message(QueueUrl=queue, MessageBody="apples")
    assert len(receive(sqs, queue, VisibilityTimeout=0)) == 1
    assert receive(sqs, queue) == []
    assert attribute(sqs, dead, "ApproximateNumberOfMessages") == "1"
    sqs.start_message_move_task(SourceArn=arn)
    virga.advance(10)
    (task,) = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    assert [message["Body"] for message in receive(sqs, queue)] == ["apples"]


def test_queues_are_listed_in_pages(sqs):
    urls = [sqs.create_queue(QueueName=f"queue-{i}")["QueueUrl"] for i in range(5)]
    pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix="queue-", PaginationConfig={"PageSize": 2}))
    assert [len(page["QueueUrls"]) for page in pages] == [2, 2, 1]
    assert sorted(url for page in pages for url in page["QueueUrls"]) == urls


def test_attributes_tags_and_permissions(sqs):
    queue = sqs.create_queue(QueueName="orders", Attributes={"DelaySeconds": "5"}, tags={"team": "fruit"})["QueueUrl"]
    sqs.tag_queue(QueueUrl=queue, Tags={"stage": "test", "empty": ""})
    sqs.untag_queue(QueueUrl=queue, TagKeys=["stage"])
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"team": "fruit", "empty": ""}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "0", "VisibilityTimeout": "60"})
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["DelaySeconds", "VisibilityTimeout"])
    assert attributes["Attributes"] == {"DelaySeconds": "0", "VisibilityTimeout": "60"}
    sqs.add_permission(QueueUrl=queue, Label="partner", AWSAccountIds=["111122223333"], Actions=["*"])
    (statement,) = json.loads(attribute(sqs, queue, "Policy"))["Statement"]
    assert (statement["Sid"], statement["Action"]) == ("partner", "SQS:*")
    sqs.remove_permission(QueueUrl=queue, Label="partner")


def test_a_purged_queue_is_empty(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="apples")
    sqs.purge_queue(QueueUrl=queue)
    assert receive(sqs, queue) == []
    assert code_of(sqs.purge_queue, QueueUrl=queue) == ("AWS.SimpleQueueService.PurgeQueueInProgress", 403)


def test_errors_are_those_that_the_sdk_knows(virga, sqs, queue):
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="nowhere")
    assert code_of(sqs.get_queue_url, QueueName="nowhere") == ("AWS.SimpleQueueService.NonExistentQueue", 400)
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="nonsense")
    with pytest.raises(sqs.exceptions.TooManyEntriesInBatchRequest):
        entries = [{"Id": str(i), "MessageBody": "x"} for i in range(11)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert code_of(sqs.create_queue, QueueName="no good name") == ("InvalidParameterValue", 400)
    other = virga.client("sqs", key="111122223333")
    assert code_of(other.get_queue_url, QueueName="orders") == ("AWS.SimpleQueueService.NonExistentQueue", 400)


def test_every_answer_has_a_request_id_of_its_own(sqs, queue):
    ids = {sqs.list_queues()["ResponseMetadata"]["RequestId"] for _ in range(3)}
    assert len(ids) == 3 and all(len(request_id) == 36 for request_id in ids)
