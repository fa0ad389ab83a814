//! Signatures that others made: AWS's published examples, and requests signed by botocore.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use virga_auth::{
    ChunkChain, EMPTY_SHA256, Facts, Fault, Signer, SigningKeys, UNSIGNED_PAYLOAD, check_link, check_token, read,
    sha256, verify,
};
use virga_base::{Timestamp, hex};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SECRET_OF_S3: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

struct Request {
    method: String,
    host: String,
    path: String,
    query: String,
    headers: HeaderMap,
    payload: String,
}

impl Request {
    fn new(method: &str, host: &str, path: &str, query: &str, headers: &[(&str, &str)], payload: &str) -> Request {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::try_from(*name).expect("a name"),
                HeaderValue::try_from(*value).expect("a value"),
            );
        }
        Request {
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers: map,
            payload: payload.to_owned(),
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            host: Some(&self.host),
            headers: (&self.headers).into(),
        }
    }

    fn check(&self, secret: &str) -> Result<Option<Signer>, Fault> {
        let facts = self.facts();
        let claim = read(&facts)?.expect("signed");
        let now = claim.signed_at().expect("a time").plus_secs(30);
        check_link(&claim, now, |at| at.unwrap_or(now))?;
        verify(&facts, &claim, &SigningKeys::default(), secret, &self.payload, now).map(|verified| verified.signer)
    }
}

#[test]
fn the_published_key_derivation() {
    let signer = Signer::derive(SECRET, "20150830", "us-east-1", "iam");
    let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
    assert_eq!(
        signer.sign(text),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
}

#[test]
fn the_published_requests() {
    let vanilla = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                   SignedHeaders=host;x-amz-date, \
                   Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let headers = [("authorization", vanilla), ("x-amz-date", "20150830T123600Z")];
    let request = Request::new("GET", "example.amazonaws.com", "/", "", &headers, EMPTY_SHA256);
    assert!(request.check(SECRET).is_ok());

    let object = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
                  SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,\
                  Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let headers = [
        ("authorization", object),
        ("range", "bytes=0-9"),
        ("x-amz-content-sha256", EMPTY_SHA256),
        ("x-amz-date", "20130524T000000Z"),
    ];
    let request = Request::new(
        "GET",
        "examplebucket.s3.amazonaws.com",
        "/test.txt",
        "",
        &headers,
        EMPTY_SHA256,
    );
    assert!(request.check(SECRET_OF_S3).is_ok());

    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
                 &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
                 &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let link = Request::new(
        "GET",
        "examplebucket.s3.amazonaws.com",
        "/test.txt",
        query,
        &[],
        UNSIGNED_PAYLOAD,
    );
    assert!(link.check(SECRET_OF_S3).is_ok());
    assert!(matches!(link.check(SECRET), Err(Fault::Mismatch { .. })));
}

#[test]
fn the_published_chunks() {
    let header = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
                  SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
                  x-amz-decoded-content-length;x-amz-storage-class,\
                  Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    let headers = [
        ("authorization", header),
        ("content-encoding", "aws-chunked"),
        ("content-length", "66824"),
        ("x-amz-content-sha256", payload),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
    ];
    let request = Request::new(
        "PUT",
        "s3.amazonaws.com",
        "/examplebucket/chunkObject.txt",
        "",
        &headers,
        payload,
    );
    let signer = request.check(SECRET_OF_S3).expect("verified").expect("version 4");
    let facts = request.facts();
    let claim = read(&facts).expect("well-formed").expect("signed");
    let chunks = [
        (
            65_536,
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        ),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ];
    let mut chain = ChunkChain::new(signer, &claim);
    for (length, signature) in chunks {
        assert_eq!(chain.chunk(&sha256(&vec![b'a'; length]), signature), Ok(()));
    }
    let mut chain = ChunkChain::new(signer, &claim);
    assert!(
        chain.chunk(&sha256(b"a"), chunks[0].1).is_err(),
        "other data under the first signature"
    );
}

#[test]
fn what_botocore_signs_is_verified_and_nothing_else() {
    let fixture: Value =
        serde_json::from_str(include_str!("signed-by-botocore/requests.json")).expect("the fixture is JSON");
    let requests = fixture["requests"].as_array().expect("a list");
    assert_eq!(requests.len(), 14);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for case in requests {
        let headers: Vec<(String, String)> = case["headers"]
            .as_object()
            .expect("headers")
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect();
        let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let mut request = Request::new(
            &text(&case["method"]),
            &text(&case["host"]),
            &text(&case["path"]),
            &text(&case["query"]),
            &headers,
            &text(&case["payload"]),
        );
        let name = text(&case["name"]);
        if let Err(fault) = request.check(SECRET) {
            panic!("{name}: {fault:?}");
        }
        assert!(matches!(request.check("other"), Err(Fault::Mismatch { .. })), "{name}");
        request.path.push('x');
        assert!(
            matches!(request.check(SECRET), Err(Fault::Mismatch { .. })),
            "{name}: another path"
        );
        request.path.pop();
        request.host.push('1');
        assert!(
            matches!(request.check(SECRET), Err(Fault::Mismatch { .. })),
            "{name}: another host"
        );
    }
}

#[test]
fn a_header_made_here_is_verified_here() {
    let at = Timestamp::from_secs(1_767_225_600);
    let mut request = Request::new(
        "POST",
        "localhost:4566",
        "/a b/c",
        "x=1",
        &[("x-amz-date", &at.to_compact())],
        &hex(&sha256(b"{}")),
    );
    let header = Signer::authorization(
        SECRET,
        "AKIDEXAMPLE",
        ("eu-west-1", "lambda"),
        at,
        &request.facts(),
        "host;x-amz-date",
        &request.payload,
    );
    request
        .headers
        .insert("authorization", HeaderValue::try_from(header).expect("a header"));
    assert!(request.check(SECRET).is_ok());
}

#[test]
fn times_and_tokens_are_checked() {
    let at = Timestamp::parse_compact("20150830T123600Z").expect("a time");
    let header = |signed: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={signed}, Signature=00"
        )
    };
    let value = header("host;x-amz-date");
    let headers = [
        ("authorization", value.as_str()),
        ("x-amz-date", "20150830T123600Z"),
        ("x-amz-security-token", "t"),
    ];
    let request = Request::new("GET", "h", "/", "", &headers, EMPTY_SHA256);
    let facts = request.facts();
    let claim = read(&facts).expect("well-formed").expect("signed");
    let keys = SigningKeys::default();
    let at_time = |now| verify(&facts, &claim, &keys, SECRET, EMPTY_SHA256, now).map(|_| ());
    assert!(matches!(at_time(at.plus_secs(901)), Err(Fault::Expired { .. })));
    assert!(matches!(at_time(at.plus_secs(-901)), Err(Fault::NotYet { .. })));
    assert!(matches!(at_time(at.plus_secs(900)), Err(Fault::Mismatch { .. })));
    assert_eq!(check_token(&claim, Some("t")), Ok(()));
    assert_eq!(check_token(&claim, Some("u")), Err(Fault::Token));
    assert_eq!(check_token(&claim, None), Err(Fault::Token));

    let unsigned = header("x-amz-date");
    let headers = [("authorization", unsigned.as_str()), ("x-amz-date", "20150830T123600Z")];
    let request = Request::new("GET", "h", "/", "", &headers, EMPTY_SHA256);
    assert_eq!(request.check(SECRET).map(|_| ()), Err(Fault::HostNotSigned));
    let headers = [("authorization", value.as_str()), ("x-amz-date", "20150831T000000Z")];
    let request = Request::new("GET", "h", "/", "", &headers, EMPTY_SHA256);
    assert!(matches!(request.check(SECRET), Err(Fault::ScopeDate { .. })));

    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20150830%2Fus-east-1%2Fs3%2Faws4_request\
                 &X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let link = Request::new("GET", "h", "/", query, &[], UNSIGNED_PAYLOAD);
    let facts = link.facts();
    let claim = read(&facts).expect("well-formed").expect("signed");
    assert_eq!(
        check_link(&claim, at.plus_secs(60), |then| then.unwrap_or(at.plus_secs(60))),
        Ok(())
    );
    assert!(matches!(
        check_link(&claim, at.plus_secs(61), |then| then.unwrap_or(at.plus_secs(61))),
        Err(Fault::LinkExpired { .. })
    ));
    assert_eq!(
        check_link(&claim, at.plus_secs(-901), |then| then.unwrap_or(at.plus_secs(-901))),
        Err(Fault::LinkNotYet)
    );
}
