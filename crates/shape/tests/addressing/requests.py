"""Writes one minimal request for every operation of every service, as botocore would send it, as lines of JSON.

Usage: requests.py FILE. Needs botocore 1.43.11. Nothing is sent or signed; `scope` is the service that botocore would
sign for. `host` is AWS's host name for the endpoint.
"""

import json
import multiprocessing
import sys
from urllib.parse import urlsplit

import botocore
import botocore.awsrequest
import botocore.loaders
import botocore.model
import botocore.serialize

VERSION = "1.43.11"
# What the overlay in models/overlays adds.
EXTRA_PROTOCOLS = {"sqs": ["query"]}
# Where the endpoint rules give an operation a host and signature of its own.
OTHER_ENDPOINTS = {
    ("s3", "ListDirectoryBuckets"): ("s3express-control.us-east-1.amazonaws.com", "s3express"),
    ("s3", "WriteGetObjectResponse"): ("a.s3-object-lambda.us-east-1.amazonaws.com", "s3-object-lambda"),
}
SERIALIZERS = {"query", "ec2", "json", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"}


def value(shape, location=None, depth=0):
    """The least value that fits the shape, with the characters that labels find hardest."""
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_document_type", False):
            return {}
        names = list(shape.required_members)
        if getattr(shape, "is_tagged_union", False) and shape.members:
            names = list(shape.members)[:1]
        if depth > 8:
            return {}
        return {n: member(shape.members[n], depth) for n in names}
    if kind == "list":
        # An empty list leaves no trace in a query string.
        wanted = shape.metadata.get("min") or location == "querystring"
        return [value(shape.member, depth=depth + 1)] if wanted and depth < 8 else []
    if kind == "map":
        if (shape.metadata.get("min") or location == "querystring") and depth < 8:
            return {value(shape.key): value(shape.value, depth=depth + 1)}
        return {}
    if kind == "string":
        if shape.serialization.get("jsonvalue"):
            return {"a": 1}
        if shape.enum:
            return shape.enum[0]
        if location == "uri":
            return "a:b c/d"
        return "a" * int(shape.metadata.get("min", 1) or 1)
    if kind == "boolean":
        return True
    if kind in ("integer", "long"):
        return int(shape.metadata.get("min", 1))
    if kind in ("float", "double"):
        return float(shape.metadata.get("min", 1))
    if kind == "timestamp":
        return 0
    if kind == "blob":
        return b"a"
    raise ValueError(kind)


def member(shape, depth):
    location = shape.serialization.get("location")
    return value(shape, location, depth + 1)


def unsigned(operation):
    return operation.auth_type == "none" or operation.auth == ["smithy.api#noAuth"]


def requests(name):
    loader = botocore.loaders.Loader()
    model = botocore.model.ServiceModel(loader.load_service_model(name, "service-2"), name)
    protocols = list(model.metadata.get("protocols") or [model.metadata["protocol"]]) + EXTRA_PROTOCOLS.get(name, [])
    prefix = model.metadata["endpointPrefix"]
    lines = []
    for protocol in protocols:
        if protocol not in SERIALIZERS:
            raise ValueError(f"{name}: {protocol}")
        serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
        for operation_name in model.operation_names:
            operation = model.operation_model(operation_name)
            shape = operation.input_shape
            parameters = value(shape) if shape is not None else {}
            serialized = serializer.serialize_to_request(parameters, operation)
            form = serialized["body"] if protocol in ("query", "ec2") else {}
            host = prefix + ".us-east-1.amazonaws.com"
            if operation.endpoint and operation.endpoint.get("hostPrefix"):
                labels = {n: "a" for n in (shape.members if shape is not None else {})}
                host = operation.endpoint["hostPrefix"].format(**labels) + host
            scope = None if unsigned(operation) else model.signing_name
            host, scope = OTHER_ENDPOINTS.get((name, operation_name), (host, scope))
            botocore.awsrequest.prepare_request_dict(serialized, "http://" + host)
            # Streams and files are irrelevant here, and slow to prepare.
            serialized["body"] = b""
            request = botocore.awsrequest.create_request_object(serialized).prepare()
            url = urlsplit(request.url)
            headers = {k.lower(): v if isinstance(v, str) else v.decode() for k, v in request.headers.items()}
            lines.append(
                json.dumps(
                    {
                        "service": name,
                        "operation": operation_name,
                        "protocol": protocol,
                        "method": request.method,
                        "path": url.path,
                        "query": url.query,
                        "host": host,
                        "scope": scope,
                        "action": form.get("Action"),
                        "version": form.get("Version"),
                        "headers": headers,
                    }
                )
            )
    return "\n".join(lines)


def main():
    if botocore.__version__ != VERSION:
        sys.exit(f"this is botocore {botocore.__version__}, not {VERSION}")
    names = botocore.loaders.Loader().list_available_services("service-2")
    with multiprocessing.Pool() as pool, open(sys.argv[1], "w", encoding="ascii") as out:
        for lines in pool.imap(requests, names):
            out.write(lines + "\n")


if __name__ == "__main__":
    main()
