//! A request of the REST protocol: the bucket, the object and the action that it is for.

use std::collections::BTreeMap;

use super::http::Request;

/// A request for S3.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Headers by their names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Subresources of a bucket that the sandbox speaks for.
const SETTINGS: &[(&str, &str)] = &[
    ("versioning", "BucketVersioning"),
    ("encryption", "BucketEncryption"),
    ("policy", "BucketPolicy"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("publicAccessBlock", "PublicAccessBlock"),
];

impl Ask {
    /// Reads a request, and says which action it is (S3 API Reference, "Actions": each by method and subresource).
    pub(crate) fn read(request: &Request) -> (String, Self) {
        let (host, path, query) = parts(request);
        let (bucket, key) = match virtual_bucket(&host) {
            Some(bucket) => (bucket.to_owned(), path),
            None => match path.split_once('/') {
                Some((bucket, key)) => (bucket.to_owned(), key.to_owned()),
                None => (path, String::new()),
            },
        };
        let named: Vec<&str> = query
            .split('&')
            .filter_map(|pair| pair.split('=').next())
            .collect();
        let setting = SETTINGS
            .iter()
            .find(|(name, _)| named.contains(name))
            .map(|(_, action)| *action);
        let action = action(&request.method, setting, &bucket, &key, &named);
        let ask = Self {
            bucket,
            key,
            headers: request.headers.clone(),
            body: request.body.clone(),
        };
        (action, ask)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

fn action(method: &str, setting: Option<&str>, bucket: &str, key: &str, named: &[&str]) -> String {
    let verb = match method {
        "GET" => "Get",
        "PUT" => "Put",
        "DELETE" => "Delete",
        other => other,
    };
    // Subresources of objects, uploads in parts and the like.
    let is_plain = named.iter().all(|name| name.is_empty() || *name == "x-id");
    match (method, setting) {
        ("HEAD", None) if key.is_empty() => "HeadBucket".to_owned(),
        (_, Some(setting)) if key.is_empty() => format!("{verb}{setting}"),
        ("PUT", None) if key.is_empty() && is_plain => "CreateBucket".to_owned(),
        ("DELETE", None) if key.is_empty() && is_plain => "DeleteBucket".to_owned(),
        ("GET", None) if bucket.is_empty() => "ListBuckets".to_owned(),
        ("GET", None) if key.is_empty() => "ListObjects".to_owned(),
        ("GET" | "PUT" | "DELETE", None) if is_plain => format!("{verb}Object"),
        _ => format!("{verb} {}", named.join("&")),
    }
}

/// Host, path without its first slash, and query; percent signs decoded in the path.
fn parts(request: &Request) -> (String, String, String) {
    let uri = &request.uri;
    let (host, rest) = match uri.split_once("://") {
        Some((_, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            (host.to_owned(), path)
        }
        None => (
            request.headers.get("host").cloned().unwrap_or_default(),
            uri.strip_prefix('/').unwrap_or(uri),
        ),
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (host, decoded(path), query.to_owned())
}

/// The bucket of a virtual-hosted request (User Guide, "Virtual hosting of buckets").
fn virtual_bucket(host: &str) -> Option<&str> {
    let (bucket, rest) = host.split_once(".s3.")?;
    rest.contains("amazonaws.com").then_some(bucket)
}

fn decoded(path: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if code.is_some() { &tail[2..] } else { tail };
        bytes.push(code.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart() {
        let cases = [
            (
                "GET",
                "/b/a/k%20y?x-id=GetObject",
                "GetObject",
                "b",
                "a/k y",
            ),
            (
                "PUT",
                "https://b.s3.eu-west-1.amazonaws.com/a/k",
                "PutObject",
                "b",
                "a/k",
            ),
            ("DELETE", "/b/k", "DeleteObject", "b", "k"),
            ("HEAD", "/b", "HeadBucket", "b", ""),
            ("HEAD", "/b/", "HeadBucket", "b", ""),
            ("PUT", "/b", "CreateBucket", "b", ""),
            ("PUT", "/b?versioning", "PutBucketVersioning", "b", ""),
            (
                "GET",
                "/b?lifecycle",
                "GetBucketLifecycleConfiguration",
                "b",
                "",
            ),
            (
                "PUT",
                "/b?publicAccessBlock=",
                "PutPublicAccessBlock",
                "b",
                "",
            ),
            ("GET", "/b?list-type=2", "ListObjects", "b", ""),
            ("PUT", "/b/k?uploads", "Put uploads", "b", "k"),
            ("GET", "/", "ListBuckets", "", ""),
            ("GET", "/b/%zz", "GetObject", "b", "%zz"),
        ];
        for (method, uri, action, bucket, key) in cases {
            let request = Request {
                method: method.to_owned(),
                uri: uri.to_owned(),
                ..Request::default()
            };
            let (found, ask) = Ask::read(&request);
            assert_eq!(
                (found.as_str(), ask.bucket.as_str(), ask.key.as_str()),
                (action, bucket, key),
                "{method} {uri}"
            );
        }
    }
}
