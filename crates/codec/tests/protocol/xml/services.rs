//! Real services from the pack: what their clients send and what AWS answers them.

use crate::cases::model;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::json;
use virga_base::AwsError;
use virga_codec::{
    OperationRef, WireRequest, WireResponse, decode_error, decode_request, decode_response, encode_error,
    encode_response, form_field,
};
use virga_shape::{Protocol, Value, pack};

fn op(service: &str, operation: &str) -> OperationRef {
    OperationRef::find(pack::service(service).unwrap(), operation).unwrap()
}

fn request(protocol: Protocol, op: OperationRef, uri: &str, body: &str) -> Result<serde_json::Value, AwsError> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let body = Bytes::copy_from_slice(body.as_bytes());
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("localhost:4566"));
    let method = &op.operation.method;
    let wire = WireRequest {
        method,
        path,
        query,
        headers: &headers,
        body: &body,
    };
    decode_request(protocol, op, &wire).map(|value| value.to_json())
}

fn answer(protocol: Protocol, op: OperationRef, output: serde_json::Value) -> WireResponse {
    let value = Value::from_json(op.output().unwrap(), &output).unwrap();
    let answer = encode_response(protocol, op, &value, "rid-1").unwrap();
    let read = decode_response(protocol, op, answer.status, &answer.headers, &answer.body).unwrap();
    assert_eq!(read.to_json(), value.to_json());
    answer
}

fn text(answer: &WireResponse) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[test]
fn sqs_speaks_its_old_protocol() {
    let send = op("sqs", "SendMessage");
    let body = "Action=SendMessage&Version=2012-11-05&QueueUrl=http%3A%2F%2Flocalhost%2F1%2Fq&MessageBody=hello+you%21\
        &MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=x\
        &MessageAttribute.2.Name=b&MessageAttribute.2.Value.DataType=Binary&MessageAttribute.2.Value.BinaryValue=AAE%3D\
        &MessageSystemAttribute.1.Name=AWSTraceHeader&MessageSystemAttribute.1.Value.DataType=String\
        &MessageSystemAttribute.1.Value.StringValue=Root%3D1&DelaySeconds=5";
    let expected = json!({
        "QueueUrl": "http://localhost/1/q",
        "MessageBody": "hello you!",
        "DelaySeconds": 5,
        "MessageAttributes": {
            "a": {"StringValue": "x", "DataType": "String"},
            "b": {"BinaryValue": "AAE=", "DataType": "Binary"},
        },
        "MessageSystemAttributes": {"AWSTraceHeader": {"StringValue": "Root=1", "DataType": "String"}},
    });
    assert_eq!(request(Protocol::Query, send, "/", body).unwrap(), expected);
    assert_eq!(
        form_field("", body.as_bytes(), "Action").as_deref(),
        Some("SendMessage")
    );
    let get = "/1/q?Action=SendMessage&MessageBody=x";
    assert_eq!(
        request(Protocol::Query, send, get, "").unwrap(),
        json!({"QueueUrl": "http://localhost:4566/1/q", "MessageBody": "x"})
    );

    let batch = "QueueUrl=u&SendMessageBatchRequestEntry.10.Id=ten&SendMessageBatchRequestEntry.10.MessageBody=c\
        &SendMessageBatchRequestEntry.2.Id=two&SendMessageBatchRequestEntry.2.MessageBody=b\
        &SendMessageBatchRequestEntry.4000000000.Id=last&SendMessageBatchRequestEntry.4000000000.MessageBody=d";
    assert_eq!(
        request(Protocol::Query, op("sqs", "SendMessageBatch"), "/", batch).unwrap(),
        json!({"QueueUrl": "u", "Entries": [
            {"Id": "two", "MessageBody": "b"}, {"Id": "ten", "MessageBody": "c"}, {"Id": "last", "MessageBody": "d"},
        ]})
    );
    for attributes in [
        "Attribute.1.Name=DelaySeconds&Attribute.1.Value=7",
        "Attribute.Name=DelaySeconds&Attribute.Value=7",
    ] {
        assert_eq!(
            request(
                Protocol::Query,
                op("sqs", "SetQueueAttributes"),
                "/?QueueUrl=u",
                attributes
            )
            .unwrap(),
            json!({"QueueUrl": "u", "Attributes": {"DelaySeconds": "7"}})
        );
    }
    for names in ["AttributeName.1=All", "AttributeName=All"] {
        assert_eq!(
            request(Protocol::Query, op("sqs", "GetQueueAttributes"), "/?QueueUrl=u", names).unwrap(),
            json!({"QueueUrl": "u", "AttributeNames": ["All"]})
        );
    }

    let received = answer(
        Protocol::Query,
        op("sqs", "ReceiveMessage"),
        json!({"Messages": [{
            "MessageId": "m", "Body": "a \"b\" <c>\r",
            "Attributes": {"SenderId": "1", "SentTimestamp": "2"},
            "MessageAttributes": {"n": {"StringValue": "v", "DataType": "String"}},
        }]}),
    );
    assert_eq!(
        text(&received),
        "<?xml version=\"1.0\"?><ReceiveMessageResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">\
        <ReceiveMessageResult><Message><MessageId>m</MessageId><Body>a &quot;b&quot; &lt;c&gt;&#xD;</Body>\
        <Attribute><Name>SenderId</Name><Value>1</Value></Attribute>\
        <Attribute><Name>SentTimestamp</Name><Value>2</Value></Attribute>\
        <MessageAttribute><Name>n</Name><Value><StringValue>v</StringValue><DataType>String</DataType></Value>\
        </MessageAttribute></Message></ReceiveMessageResult>\
        <ResponseMetadata><RequestId>rid-1</RequestId></ResponseMetadata></ReceiveMessageResponse>"
    );
    let deleted = encode_response(Protocol::Query, op("sqs", "DeleteMessage"), &Value::Null, "rid-1").unwrap();
    assert!(
        text(&deleted)
            .ends_with("/\"><ResponseMetadata><RequestId>rid-1</RequestId></ResponseMetadata></DeleteMessageResponse>")
    );

    let missing = AwsError::new("QueueDoesNotExist", "The specified queue does not exist.");
    let refused = encode_error(Protocol::Query, Some(send), None, &missing, "rid-2");
    assert_eq!(
        text(&refused),
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>\
        <Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code>\
        <Message>The specified queue does not exist.</Message><Detail/></Error>\
        <RequestId>rid-2</RequestId></ErrorResponse>"
    );
    assert_eq!(refused.status, 400);
    let read = decode_error(Protocol::Query, send, refused.status, &refused.headers, &refused.body);
    assert_eq!(
        (read.code.as_ref(), read.message),
        ("QueueDoesNotExist", missing.message)
    );
}

#[test]
fn query_refuses_in_aws_words() {
    let roles = op("iam", "ListRoles");
    let tag = op("iam", "TagRole");
    for (op, body, message) in [
        (
            op("sns", "Subscribe"),
            "Endpoint.EndpointArn=x",
            "Start of structure or map found where not expected",
        ),
        (
            op("sns", "Subscribe"),
            "Endpoint.1=x",
            "Start of list found where not expected",
        ),
        (tag, "Tags.1.Key=x", "Top level element may not be treated as a list"),
        (tag, "Tags=x", "Unexpected list element termination"),
        (tag, "Tags.member.1=x", "Unexpected complex element termination"),
        (
            op("cloudwatch", "GetMetricStatistics"),
            "StartTime=soon",
            "timestamp must follow ISO8601",
        ),
    ] {
        let error = request(Protocol::Query, op, "/", body).unwrap_err();
        assert_eq!(
            (error.code.as_ref(), error.message.as_str(), error.status),
            ("MalformedInput", message, 400)
        );
    }
    for wrong in ["MaxItems=ten", "MaxItems=4294967296"] {
        assert_eq!(
            request(Protocol::Query, roles, "/", wrong).unwrap_err().code,
            "MalformedInput"
        );
    }
    assert_eq!(request(Protocol::Query, roles, "/", "MaxItems=").unwrap(), json!({}));
    for wrong in ["/?PathPrefix=%zz", "/?PathPrefix=%ff"] {
        let error = request(Protocol::Query, roles, wrong, "").unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedQueryString", 404));
    }
    let long = format!("Tags.member.{}.Key=x", "9".repeat(40));
    assert_eq!(
        request(Protocol::Query, tag, "/", &long).unwrap_err().code,
        "MalformedInput"
    );
}

#[test]
fn depth_is_bounded() {
    for protocol in [Protocol::Query, Protocol::Ec2, Protocol::RestXml] {
        let model = model(&json!({
            "metadata": {"protocol": protocol.as_str(), "apiVersion": "1"},
            "shapes": {
                "S": {"type": "structure", "members": {"A": {"shape": "S"}, "L": {"shape": "L"}, "B": {"shape": "T"}}},
                "L": {"type": "list", "member": {"shape": "L"}},
                "T": {"type": "string"},
            },
            "operations": {"Try": {"name": "Try", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "S"}}},
        }));
        let op = OperationRef::find(model, "Try").unwrap();
        let body = |depth: usize, name: &str| match protocol {
            Protocol::RestXml => {
                let (start, end) = (format!("<{name}>").repeat(depth), format!("</{name}>").repeat(depth));
                format!("<S>{start}{end}</S>")
            }
            _ if name == "A" => format!("{}B=x", "A.".repeat(depth)),
            Protocol::Ec2 => format!("L.1{}=x", ".member.1".repeat(depth)),
            _ => format!("L{}=x", ".member.1".repeat(depth)),
        };
        assert!(request(protocol, op, "/", &body(50, "A")).is_ok());
        for name in ["A", "L"] {
            let error = request(protocol, op, "/", &body(100_000, name)).unwrap_err();
            assert!(
                matches!(error.code.as_ref(), "MalformedInput" | "MalformedXML"),
                "{error}"
            );
        }
    }
}

#[test]
fn ec2_lists_have_its_own_form() {
    let describe = op("ec2", "DescribeInstances");
    let body = "Action=DescribeInstances&Filter.1.Name=tag%3Aa&Filter.1.Value.1=x&Filter.1.Value.2=y\
        &InstanceId.1=i-1&MaxResults=5";
    assert_eq!(
        request(Protocol::Ec2, describe, "/", body).unwrap(),
        json!({
            "InstanceIds": ["i-1"],
            "Filters": [{"Name": "tag:a", "Values": ["x", "y"]}],
            "MaxResults": 5,
        })
    );
    let error = request(Protocol::Ec2, describe, "/", "MaxResults=many").unwrap_err();
    assert_eq!(error.code, "InvalidParameterValue");
    let listed = answer(
        Protocol::Ec2,
        op("ec2", "DescribeVpcs"),
        json!({"Vpcs": [{"VpcId": "vpc-1", "Tags": [{"Key": "k", "Value": "v"}]}]}),
    );
    assert_eq!(
        text(&listed),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>rid-1</requestId>\
        <vpcSet><item><tagSet><item><key>k</key><value>v</value></item></tagSet><vpcId>vpc-1</vpcId></item></vpcSet>\
        </DescribeVpcsResponse>"
    );
    let error = AwsError::new("InvalidVpcID.NotFound", "The vpc ID 'vpc-2' does not exist");
    let refused = encode_error(Protocol::Ec2, Some(describe), None, &error, "rid-2");
    assert_eq!(
        text(&refused),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code>\
        <Message>The vpc ID 'vpc-2' does not exist</Message></Error></Errors><RequestID>rid-2</RequestID></Response>"
    );
    let read = decode_error(Protocol::Ec2, describe, refused.status, &refused.headers, &refused.body);
    assert_eq!((read.code, read.message), (error.code, error.message));
}

#[test]
fn s3_answers_have_the_roots_that_clients_check() {
    let listed = answer(
        Protocol::RestXml,
        op("s3", "ListBuckets"),
        json!({"Buckets": [{"Name": "b", "CreationDate": "2026-11-21T10:00:00Z"}]}),
    );
    assert_eq!(
        text(&listed),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Buckets><Bucket><Name>b</Name>\
        <CreationDate>2026-11-21T10:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"
    );
    assert_eq!(listed.headers["x-amz-request-id"], "rid-1");
    assert_eq!(listed.headers["x-amz-id-2"].len(), 76);
    assert!(!listed.headers.contains_key("x-amzn-requestid"));
    let located = answer(
        Protocol::RestXml,
        op("s3", "GetBucketLocation"),
        json!({"LocationConstraint": "eu-west-1"}),
    );
    assert!(text(&located).ends_with(
        "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1</LocationConstraint>"
    ));
    let nowhere = answer(Protocol::RestXml, op("s3", "GetBucketLocation"), json!({}));
    assert!(text(&nowhere).ends_with("/2006-03-01/\"/>"));
    let acl = answer(
        Protocol::RestXml,
        op("s3", "GetBucketAcl"),
        json!({"Owner": {"ID": "o"}, "Grants": [
            {"Grantee": {"ID": "o", "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"},
        ]}),
    );
    assert!(text(&acl).contains(
        "<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xsi:type=\"CanonicalUser\"><ID>o</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>"
    ), "{}", text(&acl));
    let held = answer(
        Protocol::RestXml,
        op("s3", "GetObjectLegalHold"),
        json!({"LegalHold": {"Status": "ON"}}),
    );
    assert!(text(&held).contains("<LegalHold xmlns="), "{}", text(&held));
    let listed = answer(
        Protocol::RestXml,
        op("s3", "ListObjectsV2"),
        json!({"IsTruncated": false, "Name": "b", "KeyCount": 2, "Contents": [
            {"Key": "a&b", "ETag": "\"e\"", "Size": 1}, {"Key": "c\n", "Size": 5_000_000_000_i64},
        ], "CommonPrefixes": [{"Prefix": "p/"}]}),
    );
    assert!(text(&listed).contains("<Contents><Key>a&amp;b</Key><ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>"));
}

#[test]
fn s3_requests_are_read_whoever_wrote_them() {
    let put = op("s3", "PutBucketAcl");
    let body = "<x:AccessControlPolicy xmlns:x=\"http://s3.amazonaws.com/doc/2006-03-01/\"><x:Owner><x:ID>o</x:ID></x:Owner>\
        <x:AccessControlList><x:Grant><x:Grantee xmlns:y=\"http://www.w3.org/2001/XMLSchema-instance\" y:type=\"Group\">\
        <x:URI>u</x:URI></x:Grantee><x:Permission>READ</x:Permission></x:Grant></x:AccessControlList>\
        </x:AccessControlPolicy>";
    assert_eq!(
        request(Protocol::RestXml, put, "/b?acl", body).unwrap(),
        json!({"Bucket": "b", "AccessControlPolicy": {
            "Grants": [{"Grantee": {"Type": "Group", "URI": "u"}, "Permission": "READ"}], "Owner": {"ID": "o"},
        }})
    );
    let error = request(Protocol::RestXml, put, "/b?acl", "<Remove/>").unwrap_err();
    assert_eq!(error.code, "MalformedACLError");
    let delete = op("s3", "DeleteObjects");
    let body = "<Delete><Object><Key> a </Key></Object><Quiet>true</Quiet><Object><Key>&#x1;b</Key></Object></Delete>";
    assert_eq!(
        request(Protocol::RestXml, delete, "/b?delete", body).unwrap(),
        json!({"Bucket": "b", "Delete": {"Objects": [{"Key": " a "}, {"Key": "\u{1}b"}], "Quiet": true}})
    );
    for wrong in [
        "<Delete>",
        "no xml",
        "<Remove/>",
        "<Delete><Quiet>maybe</Quiet></Delete>",
        "<!DOCTYPE Delete [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><Delete><Object><Key>&e;</Key></Object></Delete>",
    ] {
        let error = request(Protocol::RestXml, delete, "/b?delete", wrong).unwrap_err();
        assert_eq!((error.code.as_ref(), error.status), ("MalformedXML", 400), "{wrong}");
        assert_eq!(
            error.message,
            "The XML you provided was not well-formed or did not validate against our published schema"
        );
    }
    let change = op("route53", "ChangeResourceRecordSets");
    let error = request(Protocol::RestXml, change, "/2013-04-01/hostedzone/Z1/rrset", "<a>").unwrap_err();
    assert_eq!(error.code, "InvalidInput");
}

#[test]
fn rest_errors_are_wrapped_except_by_s3() {
    let get = op("s3", "GetObject");
    let error = AwsError::new("NoSuchKey", "The specified key does not exist.")
        .with_status(404)
        .with_detail("Key", "a<b")
        .with_header("x-extra", "1");
    let refused = encode_error(Protocol::RestXml, Some(get), None, &error, "rid-1");
    let text_ = text(&refused);
    assert!(
        text_.starts_with(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
        <Message>The specified key does not exist.</Message><Key>a&lt;b</Key><RequestId>rid-1</RequestId><HostId>"
        ),
        "{text_}"
    );
    assert_eq!(
        (refused.status, &refused.headers["x-extra"]),
        (404, &HeaderValue::from_static("1"))
    );
    let read = decode_error(Protocol::RestXml, get, refused.status, &refused.headers, &refused.body);
    assert_eq!((read.code.as_ref(), read.status), ("NoSuchKey", 404));
    let head = encode_error(Protocol::RestXml, Some(op("s3", "HeadObject")), None, &error, "rid-1");
    assert!(head.body.is_empty());
    let read = decode_error(
        Protocol::RestXml,
        op("s3", "HeadObject"),
        404,
        &head.headers,
        &head.body,
    );
    assert_eq!(read.code, "404");
    let get = op("route53", "GetHostedZone");
    let error = AwsError::new("NoSuchHostedZone", "No hosted zone found with ID: Z").with_status(404);
    let refused = encode_error(Protocol::RestXml, Some(get), None, &error, "rid-1");
    assert!(text(&refused).ends_with(
        "<ErrorResponse xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><Error><Type>Sender</Type>\
        <Code>NoSuchHostedZone</Code><Message>No hosted zone found with ID: Z</Message></Error>\
        <RequestId>rid-1</RequestId></ErrorResponse>"
    ));
    assert_eq!(refused.headers["x-amzn-requestid"], "rid-1");
}
