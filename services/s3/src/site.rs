//! Websites: what a bucket answers at `BUCKET.s3-website-REGION.…`, in HTML, to browsers that sign nothing.

use crate::access::{self, Wanted};
use crate::config::{self, WEBSITE, website};
use crate::errors;
use crate::object::versions;
use crate::state::Bucket;
use crate::wire::{GET_OBJECT, HEAD_OBJECT, WebsiteConfiguration};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use virga_base::AwsError;
use virga_service::{Ctx, Site};

pub fn no_website(bucket: &str) -> AwsError {
    AwsError::new(
        "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration",
    )
    .with_status(404)
    .with_detail("BucketName", bucket)
}

/// The headers that tell a request's ids.
pub fn request_headers(ctx: &Ctx) -> [(String, String); 2] {
    [
        ("x-amz-request-id".to_owned(), ctx.request().id.as_str().to_owned()),
        ("x-amz-id-2".to_owned(), host_id(ctx)),
    ]
}

/// The second id of a request.
pub fn host_id(ctx: &Ctx) -> String {
    let id = ctx.request().id.as_str();
    let halves = [Sha256::digest(id), Sha256::digest(format!("{id}."))];
    let mut bytes = [0; 56];
    for (place, byte) in bytes.iter_mut().zip(halves.iter().flatten()) {
        *place = *byte;
    }
    STANDARD.encode(bytes)
}

/// A request to a site, with what is known of its bucket.
struct Visit<'a> {
    ctx: &'a Ctx,
    bucket: Bucket,
    site: WebsiteConfiguration,
    /// As the address has it.
    key: String,
}

pub async fn serve(ctx: Ctx, name: String) -> Result<Site, AwsError> {
    let request = ctx.request();
    let path = request.path().strip_prefix('/').unwrap_or_default();
    let key = percent_decode_str(path).decode_utf8_lossy().into_owned();
    if !["GET", "HEAD"].contains(&request.method.as_str()) {
        return Ok(page(
            &ctx,
            &errors::method_not_allowed(request.method.as_str(), "OBJECT"),
            None,
        ));
    }
    let Some(bucket) = access::find(&ctx, &name)? else {
        return Ok(page(&ctx, &errors::no_such_bucket(&name), None));
    };
    let home = access::home(&ctx, &bucket);
    let site = home.read(|tx| config::get::<WebsiteConfiguration>(tx, &bucket, WEBSITE))?;
    let Some(site) = site else {
        return Ok(page(&ctx, &no_website(&name), None));
    };
    if let Some(all) = &site.redirect_all_requests_to {
        let protocol = all
            .protocol
            .as_deref()
            .unwrap_or(if request.secure { "https" } else { "http" });
        let host = all.host_name.as_deref().unwrap_or_default();
        let rest = request.uri.path_and_query().map_or("/", |path| path.as_str());
        return Ok(redirect(&ctx, 301, format!("{protocol}://{host}{rest}")));
    }
    let visit = Visit {
        ctx: &ctx,
        bucket,
        site,
        key,
    };
    visit.answer().await
}

impl Visit<'_> {
    async fn answer(&self) -> Result<Site, AwsError> {
        if let Some(site) = self.route(None) {
            return Ok(site);
        }
        let key = website::object_key(&self.site, &self.key);
        let error = match self.look(&key).await {
            Ok(found) => return Ok(self.show(&key, found, None)),
            Err(error) => error,
        };
        // A folder whose name lacks its slash.
        if !self.key.is_empty() && !self.key.ends_with('/') && self.exists(&key)?.is_none() {
            let index = format!("{}/{}", self.key, website::suffix(&self.site));
            if self.exists(&index)?.is_some() {
                return Ok(redirect(self.ctx, 302, format!("/{}/", website::path(&self.key))));
            }
        }
        if let Some(site) = self.route(Some(error.status)) {
            return Ok(site);
        }
        let document = self
            .site
            .error_document
            .as_ref()
            .and_then(|document| document.key.as_deref());
        let Some(document) = document.filter(|_| (400..500).contains(&error.status)) else {
            return Ok(page(self.ctx, &error, None));
        };
        Ok(match self.look(document).await {
            Ok(found) => self.show(document, found, Some(error.status)),
            Err(second) => page(self.ctx, &error, Some(&second)),
        })
    }

    fn route(&self, error: Option<u16>) -> Option<Site> {
        let request = self.ctx.request();
        let protocol = if request.secure { "https" } else { "http" };
        let host = request.host().unwrap_or_default();
        let rule = website::route(&self.site, &self.key, error)?;
        let (status, to) = website::redirect(rule, &self.key, (protocol, host))?;
        Some(redirect(self.ctx, status, to))
    }

    /// An object that the visitor may see: where its own redirect leads, if it has one.
    async fn look(&self, key: &str) -> Result<Option<String>, AwsError> {
        let found = self.exists(key)?;
        let Some(redirect) = found else {
            let listed = access::open(self.ctx, self.wanted("ListBucket", None)).await;
            return Err(match listed {
                Ok(_) => errors::no_such_key(key),
                Err(error) => error,
            });
        };
        access::open(self.ctx, self.wanted("GetObject", Some(key))).await?;
        Ok(redirect)
    }

    /// An object's own redirect; none where there is no object.
    fn exists(&self, key: &str) -> Result<Option<Option<String>>, AwsError> {
        let home = access::home(self.ctx, &self.bucket);
        let found = home.read(|tx| versions::current(tx, &self.bucket, key))?;
        Ok(found.map(|version| version.website_redirect))
    }

    fn wanted<'a>(&'a self, action: &'static str, key: Option<&'a str>) -> Wanted<'a> {
        Wanted {
            bucket: Some(&self.bucket.name),
            expected_owner: None,
            action,
            key,
        }
    }

    fn show(&self, key: &str, own_redirect: Option<String>, status: Option<u16>) -> Site {
        if let Some(to) = own_redirect {
            return redirect(self.ctx, 301, to);
        }
        let head = self.ctx.request().method.as_str() == "HEAD";
        Site::Operation {
            name: if head { HEAD_OBJECT.name } else { GET_OBJECT.name },
            path: format!("/{}/{}", self.bucket.name, strict_path(key)),
            status,
        }
    }
}

/// A key in a path that means it and nothing else.
fn strict_path(key: &str) -> String {
    percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2F", "/")
}

fn redirect(ctx: &Ctx, status: u16, to: String) -> Site {
    let mut headers = vec![("location".to_owned(), to)];
    headers.extend(request_headers(ctx));
    Site::Page {
        status,
        headers,
        body: String::new(),
    }
}

/// An error in HTML; `second` is that of the error document.
fn page(ctx: &Ctx, error: &AwsError, second: Option<&AwsError>) -> Site {
    let title = format!("{} {}", error.status, reason(error.status));
    let mut body = format!("<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n<ul>\n");
    items(&mut body, error);
    body.push_str(&format!("<li>RequestId: {}</li>\n", ctx.request().id.as_str()));
    body.push_str(&format!("<li>HostId: {}</li>\n</ul>\n", host_id(ctx)));
    if let Some(second) = second {
        body.push_str("<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n");
        items(&mut body, second);
        body.push_str("</ul>\n");
    }
    body.push_str("<hr/>\n</body>\n</html>\n");
    let mut headers = vec![
        ("content-type".to_owned(), "text/html; charset=utf-8".to_owned()),
        ("x-amz-error-code".to_owned(), error.code.clone().into_owned()),
        ("x-amz-error-message".to_owned(), error.message.clone()),
    ];
    for (name, value) in details(error) {
        headers.push((format!("x-amz-error-detail-{name}"), value));
    }
    headers.extend(request_headers(ctx));
    Site::Page {
        status: error.status,
        headers,
        body,
    }
}

fn items(body: &mut String, error: &AwsError) {
    body.push_str(&format!("<li>Code: {}</li>\n", escape(&error.code)));
    body.push_str(&format!("<li>Message: {}</li>\n", escape(&error.message)));
    for (name, value) in details(error) {
        body.push_str(&format!("<li>{name}: {}</li>\n", escape(&value)));
    }
}

fn details(error: &AwsError) -> impl Iterator<Item = (&str, String)> {
    error.details.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (name.as_ref(), text)
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn reason(status: u16) -> &'static str {
    match status {
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        400 => "Bad Request",
        412 => "Precondition Failed",
        416 => "Requested Range Not Satisfiable",
        500 => "Internal Server Error",
        _ => "Error",
    }
}
