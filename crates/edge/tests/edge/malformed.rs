//! Bytes that are no good request: each gets an answer or an end within a second, and the server lives on.

use crate::support::{Server, identity};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TABLE: &[&[u8]] = &[
    b"\r\n\r\n",
    b"\0\0\0\0\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"GET / HTTP/1.1\r\n: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.0\r\n\r\n",
    b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /%zz%00%ff?%%%&=&&a=%f HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //// HTTP/1.1\r\nHost: :\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: .s3.localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT localhost:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: \r\nContent-Length: 0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: .\r\nContent-Length: 2\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: \xff.\xff\r\nContent-Length: 2\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: Nope_20200101.Nope\r\nContent-Length: 2\r\n\r\n{}",
    b"POST /service/x/operation/y HTTP/1.1\r\nHost: x\r\nSmithy-Protocol: rpc-v2-cbor\r\nContent-Length: 1\r\n\r\n\xff",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\nAction=",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nAction=\xff\xff",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 5\r\n\r\n&&&==",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: \r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: \r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=////, SignedHeaders=, Signature=\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 \xff\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX-Amz-Date: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=x, Signature=x\r\n\r\n",
    b"GET /?X-Amz-Credential=%ff%ff&X-Amz-Signature HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fd%2Faws4_request&X-Amz-Date=99999999T999999Z&X-Amz-Expires=-1&X-Amz-SignedHeaders=host&X-Amz-Signature=x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PUT /b/k HTTP/1.1\r\nHost: x\r\nX-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\nX-Amz-Decoded-Content-Length: 18446744073709551615\r\nContent-Length: 3\r\n\r\nf\r\n",
    b"PUT /b/k HTTP/1.1\r\nHost: x\r\nContent-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: x\r\nContent-Length: 0\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    b"PRI / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x00\x05hello",
    b"\x16garbage that is no handshake at all, and then some more of it to be sure",
    b"\x80\x2e\x01\x00\x02",
    b"SSH-2.0-OpenSSH_9.0\r\n\r\n",
];

#[tokio::test]
async fn each_is_answered_or_ended_within_a_second() {
    let server = Server::start().await;
    for bytes in TABLE {
        let shown = String::from_utf8_lossy(bytes);
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.expect("written");
        let mut answer = Vec::new();
        // A client that has said all it has to say.
        stream.shutdown().await.expect("half closed");
        tokio::time::timeout(Duration::from_secs(1), stream.read_to_end(&mut answer))
            .await
            .unwrap_or_else(|_| panic!("neither answer nor end: {shown}"))
            .ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(!answer.starts_with("HTTP/1.1 500"), "{shown}\n{answer}");
    }
    server.send(identity("test")).await.says(200, "GetCallerIdentityResult");
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_answered() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    for byte in identity("test").bytes() {
        stream.write_all(&[byte]).await.expect("written");
        tokio::task::yield_now().await;
    }
    let reply = crate::support::read_reply(&mut stream).await.expect("an answer");
    reply.says(200, "GetCallerIdentityResult");
}
