//! Uploads that were begun and not ended, which `object_store` can abort and not list. A process that dies leaves them
//! behind; nobody sees them but whoever pays for their bytes.

use http::Request;
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpRequestBody};
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::Event;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::failure::{cause, failed};

/// Escaped in a query, as signatures have it.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What lists uploads, and aborts them.
pub(crate) struct Uploads {
    pub store: Arc<AmazonS3>,
    pub client: HttpClient,
    /// The bucket's URL.
    pub endpoint: String,
    pub region: String,
    /// False where the back end knows nobody.
    pub is_signed: bool,
}

/// An upload under way, or left.
pub(crate) struct Begun {
    pub path: Path,
    id: String,
}

/// A page of `ListMultipartUploads`.
#[derive(Default)]
struct Page {
    begun: Vec<Begun>,
    /// From where the next page goes on.
    next: Option<(String, String)>,
}

impl Uploads {
    /// All whose key begins like that.
    pub(crate) async fn list(&self, prefix: &str) -> io::Result<Vec<Begun>> {
        let mut page = self.page(prefix, None).await?;
        let mut begun = std::mem::take(&mut page.begun);
        while let Some(next) = page.next.take() {
            page = self.page(prefix, Some(next)).await?;
            begun.append(&mut page.begun);
        }
        Ok(begun)
    }

    /// Aborts those of a file, and answers how many there were.
    pub(crate) async fn abort(&self, path: &Path) -> io::Result<usize> {
        let mut count = 0;
        for begun in self.list(path.as_ref()).await? {
            if begun.path != *path {
                continue;
            }
            match self.store.abort_multipart(path, &begun.id).await {
                Ok(()) => count += 1,
                // Somebody else has.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(count)
    }

    /// Says in one sentence why the bucket cannot be used, where that is so.
    pub(crate) async fn check(&self, prefix: &str) -> io::Result<()> {
        self.page(prefix, None).await.map(drop)
    }

    async fn page(&self, prefix: &str, from: Option<(String, String)>) -> io::Result<Page> {
        let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        // Sorted, as they are signed.
        let mut query = Vec::new();
        let (key, id) = from.unwrap_or_default();
        if !key.is_empty() {
            query.push(format!("key-marker={}", escaped(&key)));
        }
        query.push(format!("prefix={}", escaped(prefix)));
        if !id.is_empty() {
            query.push(format!("upload-id-marker={}", escaped(&id)));
        }
        query.push("uploads=".to_owned());
        let mut request = Request::get(format!("{}?{}", self.endpoint, query.join("&")))
            .body(HttpRequestBody::empty())
            .map_err(io::Error::other)?;
        if self.is_signed {
            let credential = self.store.credentials().get_credential().await.map_err(failed)?;
            let signer = AwsAuthorizer::new(&credential, "s3", &self.region);
            signer.try_authorize(&mut request, None).map_err(failed)?;
        }
        let told = |error: &dyn std::error::Error| io::Error::other(format!("{} ({})", cause(error), self.endpoint));
        let answer = self.client.execute(request).await.map_err(|error| told(&error))?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(|error| told(&error))?;
        let text = String::from_utf8_lossy(&body);
        if status.is_success() {
            return page(&text);
        }
        let (code, message) = refusal(&text);
        let kind = match status.as_u16() {
            404 => ErrorKind::NotFound,
            401 | 403 => ErrorKind::PermissionDenied,
            _ => ErrorKind::Other,
        };
        let said = [code.as_str(), message.trim_end_matches('.')].join(": ");
        Err(io::Error::new(
            kind,
            format!("it answers {} {}", status.as_u16(), said.trim_matches([':', ' '])),
        ))
    }
}

/// Calls `found` with each element that holds text alone: the names of those it stands in, and the text.
fn texts(xml: &str, mut found: impl FnMut(&[String], &str)) -> io::Result<()> {
    let wrong = |error: &dyn std::fmt::Display| io::Error::other(format!("its answer cannot be read: {error}"));
    let mut reader = Reader::from_str(xml);
    let (mut path, mut text): (Vec<String>, String) = (Vec::new(), String::new());
    loop {
        match reader.read_event().map_err(|error| wrong(&error))? {
            Event::Start(start) => {
                path.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                text.clear();
            }
            Event::Text(some) => text.push_str(&some.decode().map_err(|error| wrong(&error))?),
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(|error| wrong(&error))?;
                text.push_str(&unescape(&format!("&{name};")).map_err(|error| wrong(&error))?);
            }
            Event::End(_) => {
                found(&path, &text);
                path.pop();
                text.clear();
            }
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

fn page(xml: &str) -> io::Result<Page> {
    let mut page = Page::default();
    let (mut key, mut id, mut next, mut is_cut) = (String::new(), String::new(), (String::new(), String::new()), false);
    texts(xml, |path, text| {
        let path: Vec<&str> = path.iter().skip(1).map(String::as_str).collect();
        match path.as_slice() {
            ["Upload", "Key"] => key = text.to_owned(),
            ["Upload", "UploadId"] => id = text.to_owned(),
            ["Upload"] => {
                let id = std::mem::take(&mut id);
                // Others have keys that none of ours is like.
                page.begun.extend(Path::parse(&key).ok().map(|path| Begun { path, id }));
            }
            ["NextKeyMarker"] => next.0 = text.to_owned(),
            ["NextUploadIdMarker"] => next.1 = text.to_owned(),
            ["IsTruncated"] => is_cut = text == "true",
            _ => {}
        }
    })?;
    page.next = Some(next).filter(|(key, _)| is_cut && !key.is_empty());
    Ok(page)
}

/// Code and message of an error; empty where there are none.
fn refusal(xml: &str) -> (String, String) {
    let (mut code, mut message) = (String::new(), String::new());
    let read = texts(xml, |path, text| match path.last().map(String::as_str) {
        Some("Code") => code = text.to_owned(),
        Some("Message") => message = text.to_owned(),
        _ => {}
    });
    if read.is_err() {
        return (String::new(), String::new());
    }
    (code, message)
}

#[cfg(test)]
mod tests {
    use super::{page, refusal};

    #[test]
    fn a_page_of_uploads_is_read() {
        let xml = "<?xml version=\"1.0\"?><ListMultipartUploadsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                   <Bucket>b</Bucket><KeyMarker></KeyMarker><NextKeyMarker>a&amp;b</NextKeyMarker>\
                   <NextUploadIdMarker>2</NextUploadIdMarker><IsTruncated>true</IsTruncated>\
                   <Upload><Key>a/b</Key><UploadId>1</UploadId><Owner><ID>o</ID></Owner></Upload>\
                   <Upload><Key>a&amp;b</Key><UploadId>2</UploadId></Upload></ListMultipartUploadsResult>";
        let page = page(xml).expect("read");
        let found: Vec<_> = page
            .begun
            .iter()
            .map(|begun| (begun.path.as_ref(), begun.id.as_str()))
            .collect();
        assert_eq!(found, [("a/b", "1"), ("a&b", "2")]);
        assert_eq!(page.next, Some(("a&b".to_owned(), "2".to_owned())));
    }

    #[test]
    fn a_refusal_is_told() {
        let xml = "<Error><Code>NoSuchBucket</Code><Message>There is no \"b\" &lt;here&gt;.</Message></Error>";
        let said = ("NoSuchBucket".to_owned(), "There is no \"b\" <here>.".to_owned());
        assert_eq!(refusal(xml), said);
        assert_eq!(refusal("502 <html"), (String::new(), String::new()));
    }
}
