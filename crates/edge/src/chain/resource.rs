//! S3's resources below a bucket or an object: `?acl`, `?versioning`. A method that one does not take is refused, lest
//! `DELETE /bucket/key?retention` delete the object.

use std::sync::LazyLock;
use virga_base::AwsError;
use virga_shape::pack;

/// What a path is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Service,
    Bucket,
    Object,
}

impl Level {
    fn of(path: &str) -> Level {
        match path.strip_prefix('/').unwrap_or(path).split_once('/') {
            None if path.len() <= 1 => Level::Service,
            None | Some((_, "")) => Level::Bucket,
            Some(_) => Level::Object,
        }
    }
}

struct Resource {
    level: Level,
    name: &'static str,
    methods: Vec<&'static str>,
}

/// In the order in which AWS lists them.
const METHODS: [&str; 5] = ["HEAD", "DELETE", "POST", "GET", "PUT"];

/// As the model has them: the names in the queries of its templates.
static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let mut resources: Vec<Resource> = Vec::new();
    let operations = pack::service("s3").map(|model| model.operations.as_slice());
    for operation in operations.unwrap_or_default() {
        let Some((path, query)) = operation.uri.split_once('?') else {
            continue;
        };
        let level = Level::of(path);
        let Some(name) = query.split('&').find(|name| !name.contains('=')) else {
            continue;
        };
        let found = resources
            .iter_mut()
            .find(|resource| resource.level == level && resource.name == name);
        match found {
            Some(resource) => resource.methods.push(&operation.method),
            None => resources.push(Resource {
                level,
                name,
                methods: vec![&operation.method],
            }),
        }
    }
    resources
});

/// What is wrong with a request of a method to a path, as the model has paths; nothing where it can be.
pub(super) fn refusal(method: &str, path: &str, query: &str) -> Option<AwsError> {
    let level = Level::of(path);
    let has = |name: &str| names(query).any(|found| found == name);
    let mut named = names(query).filter_map(|name| find(level, name));
    if let Some(resource) = named.next() {
        if let Some(other) = named.find(|other| other.name != resource.name) {
            return Some(conflict(resource.name, other.name));
        }
        let takes = resource.methods.contains(&method);
        return (!takes).then(|| not_allowed(method, &shown(resource.name), &resource.methods));
    }
    if level != Level::Object {
        return None;
    }
    // An upload is named by a parameter, and a part of it by another.
    const UPLOAD: [&str; 3] = ["DELETE", "POST", "GET"];
    match has("uploadId") {
        true if !has("partNumber") && !UPLOAD.contains(&method) => Some(not_allowed(method, "UPLOAD", &UPLOAD)),
        false if method == "POST" => Some(no_method(method, path)),
        _ => None,
    }
}

/// The refusal of a method that no operation has, or none with this query.
pub(super) fn no_method(method: &str, path: &str) -> AwsError {
    match Level::of(path) {
        Level::Service => not_allowed(method, "SERVICE", &["GET"]),
        Level::Bucket => not_allowed(method, "BUCKET", &METHODS),
        Level::Object => not_allowed(method, "OBJECT", &["HEAD", "DELETE", "GET", "PUT"]),
    }
}

fn names(query: &str) -> impl Iterator<Item = &str> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
}

fn find(level: Level, name: &str) -> Option<&'static Resource> {
    let mut resources = RESOURCES.iter();
    resources.find(|resource| resource.level == level && resource.name == name)
}

fn not_allowed(method: &str, resource: &str, allowed: &[&str]) -> AwsError {
    let allowed: Vec<&str> = METHODS.into_iter().filter(|method| allowed.contains(method)).collect();
    AwsError::new(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
    )
    .with_status(405)
    .with_detail("Method", method)
    .with_detail("ResourceType", resource)
    .with_header("allow", allowed.join(", "))
}

fn conflict(one: &str, other: &str) -> AwsError {
    let (one, other) = if one <= other { (one, other) } else { (other, one) };
    AwsError::new(
        "InvalidArgument",
        format!("Conflicting query string parameters: {one}, {other}"),
    )
    .with_status(400)
    .with_detail("ArgumentName", "ResourceType")
    .with_detail("ArgumentValue", one)
}

/// A resource's name in errors: `LOGGING_STATUS`, `PUBLIC_ACCESS_BLOCK`.
fn shown(name: &str) -> String {
    match name {
        "delete" => return "MULTI_OBJECT_DELETE".to_owned(),
        "logging" => return "LOGGING_STATUS".to_owned(),
        "policy" => return "BUCKETPOLICY".to_owned(),
        "versions" => return "BUCKETVERSIONS".to_owned(),
        _ => {}
    }
    let mut shown = String::new();
    for letter in name.chars() {
        match letter {
            '-' => shown.push('_'),
            letter if letter.is_ascii_uppercase() => shown.extend(['_', letter]),
            letter => shown.push(letter.to_ascii_uppercase()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::refusal;

    /// The resource and the methods that are allowed.
    fn refused(request: &str) -> Option<(String, String)> {
        let (method, address) = request.split_once(' ').expect("method and address");
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let error = refusal(method, path, query)?;
        let detail = error.details.iter().find(|(name, _)| name == "ResourceType");
        let resource = detail.and_then(|(_, value)| Some(value.as_str()?.to_owned()));
        let resource = resource.filter(|_| error.status == 405).unwrap_or(error.message);
        let allow = error.headers.first().map(|(_, value)| value.clone());
        Some((resource, allow.unwrap_or_default()))
    }

    #[test]
    fn resources_take_their_methods_alone() {
        for request in [
            "GET /b?acl",
            "PUT /b/k?acl=",
            "GET /b?list-type=2&prefix=acl",
            "POST /b/k?uploads",
            "PUT /b/k?partNumber=1&uploadId=x",
            "POST /b/k?uploadId=x",
            "POST /b/k?select&select-type=2",
            "POST /b",
            "POST /b?delete",
            "DELETE /b/k?versionId=acl",
            "GET /b?inventory&id=x",
            "GET /",
            "PUT /b/k?policy",
        ] {
            assert_eq!(refused(request), None, "{request}");
        }
        for (request, resource, allow) in [
            ("HEAD /b?location", "LOCATION", "GET"),
            ("HEAD /b/?uploads", "UPLOADS", "GET"),
            ("HEAD /b?versioning", "VERSIONING", "GET, PUT"),
            ("DELETE /b?acl", "ACL", "GET, PUT"),
            ("POST /b?policy", "BUCKETPOLICY", "DELETE, GET, PUT"),
            ("DELETE /b/k?retention", "RETENTION", "GET, PUT"),
            ("HEAD /b/k?tagging&versionId=x", "TAGGING", "DELETE, GET, PUT"),
            ("PUT /b/k?uploadId=abc", "UPLOAD", "DELETE, POST, GET"),
            ("POST /b/k", "OBJECT", "HEAD, DELETE, GET, PUT"),
            (
                "GET /b?acl&versioning",
                "Conflicting query string parameters: acl, versioning",
                "",
            ),
        ] {
            assert_eq!(
                refused(request),
                Some((resource.to_owned(), allow.to_owned())),
                "{request}"
            );
        }
    }
}
