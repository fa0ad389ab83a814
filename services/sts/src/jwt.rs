//! Web identity tokens: JSON Web Tokens as OpenID Connect providers issue them, read but not verified.

use crate::errors;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};
use virga_service::{AwsError, Timestamp};

const TAGS_CLAIM: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY_CLAIM: &str = "https://aws.amazon.com/source_identity";

/// What STS reads off a token.
#[derive(Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// The claim `iss`, as it stands.
    pub issuer: String,
    pub subject: String,
    /// The claim `azp` where there is one, else the first of `aud`.
    pub audience: String,
    /// Session tags: key, value, whether transitive.
    pub tags: Vec<(String, String, bool)>,
    pub source_identity: Option<String>,
}

/// Reads a token that must be good at `now`.
pub fn read(token: &str, now: Timestamp) -> Result<WebIdentity, AwsError> {
    let claims = claims(token).ok_or_else(|| {
        errors::invalid_identity_token(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    })?;
    let text = |name: &str| claims.get(name).and_then(Json::as_str).map(str::to_owned);
    let required = |name: &str| {
        text(name).ok_or_else(|| errors::invalid_identity_token(format!("Missing a required claim: {name}")))
    };
    let issuer = required("iss")?;
    let subject = required("sub")?;
    let audience = match (text("azp"), claims.get("aud")) {
        (Some(party), _) => party,
        (None, Some(Json::String(audience))) => audience.clone(),
        (None, Some(Json::Array(audiences))) => {
            let first = audiences.first().and_then(Json::as_str);
            first.map_or_else(|| required("aud"), |audience| Ok(audience.to_owned()))?
        }
        (None, _) => required("aud")?,
    };
    let expires_s = claims.get("exp").and_then(Json::as_f64);
    let Some(expires_s) = expires_s else {
        return Err(errors::invalid_identity_token("Missing a required claim: exp"));
    };
    if now.as_secs_f64() >= expires_s {
        return Err(errors::expired_token(format!(
            "Token expired: current date/time {} must be before the expiration date/time {expires_s:.0}",
            now.as_secs()
        )));
    }
    Ok(WebIdentity {
        issuer,
        subject,
        audience,
        tags: tags(claims.get(TAGS_CLAIM)),
        source_identity: text(SOURCE_IDENTITY_CLAIM),
    })
}

fn claims(token: &str) -> Option<Map<String, Json>> {
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || signature.is_empty() {
        return None;
    }
    json(header)?.get("alg")?.as_str()?;
    json(payload)
}

fn json(part: &str) -> Option<Map<String, Json>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Reads `{"principal_tags": {KEY: [VALUE]}, "transitive_tag_keys": [KEY]}`.
fn tags(claim: Option<&Json>) -> Vec<(String, String, bool)> {
    let transitive = claim
        .and_then(|c| c.get("transitive_tag_keys"))
        .and_then(Json::as_array);
    let is_transitive = |key: &str| {
        transitive.is_some_and(|keys| {
            keys.iter()
                .any(|k| k.as_str().is_some_and(|k| k.eq_ignore_ascii_case(key)))
        })
    };
    let Some(tags) = claim.and_then(|c| c.get("principal_tags")).and_then(Json::as_object) else {
        return Vec::new();
    };
    tags.iter()
        .filter_map(|(key, value)| {
            let value = value.as_str().or_else(|| value.get(0).and_then(Json::as_str))?;
            Some((key.clone(), value.to_owned(), is_transitive(key)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::read;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::{Value as Json, json};
    use virga_service::Timestamp;

    const NOW_S: i64 = 1_767_225_600;

    fn token(claims: &Json) -> String {
        let part = |json: &Json| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}.{}", part(&json!({"alg": "RS256"})), part(claims), "c2ln")
    }

    fn refused(token: &str) -> (String, String) {
        let error = read(token, Timestamp::from_secs(NOW_S)).unwrap_err();
        (error.code.into_owned(), error.message)
    }

    #[test]
    fn a_token_is_read() {
        let claims = json!({
            "iss": "https://idp.example/x", "sub": "me", "aud": ["first", "second"], "exp": NOW_S + 1,
            "https://aws.amazon.com/source_identity": "me@example",
            "https://aws.amazon.com/tags": {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["Team"]},
        });
        let identity = read(&token(&claims), Timestamp::from_secs(NOW_S)).unwrap();
        assert_eq!(
            (identity.issuer.as_str(), identity.subject.as_str()),
            ("https://idp.example/x", "me")
        );
        assert_eq!(identity.audience, "first");
        assert_eq!(identity.tags, [("team".to_owned(), "red".to_owned(), true)]);
        assert_eq!(identity.source_identity.as_deref(), Some("me@example"));
    }

    #[test]
    fn the_authorized_party_is_the_audience_where_there_is_one() {
        let claims = json!({"iss": "i", "sub": "s", "aud": "a", "azp": "party", "exp": NOW_S + 1});
        assert_eq!(
            read(&token(&claims), Timestamp::from_secs(NOW_S)).unwrap().audience,
            "party"
        );
    }

    #[test]
    fn what_is_no_token_or_lacks_a_claim_is_refused() {
        for text in [
            "token",
            "????",
            "a.b",
            "a.b.c",
            "..",
            "e30.e30.e30",
            &format!("{}.x", token(&json!({}))),
        ] {
            let (code, message) = refused(text);
            assert_eq!(code, "InvalidIdentityTokenException", "{text}");
            assert!(
                message.starts_with("The ID Token provided is not a valid JWT."),
                "{text}: {message}"
            );
        }
        assert_eq!(refused(&token(&json!({"iss": "i"}))).1, "Missing a required claim: sub");
        assert_eq!(
            refused(&token(&json!({"iss": "i", "sub": "s", "aud": []}))).1,
            "Missing a required claim: aud"
        );
        assert_eq!(
            refused(&token(&json!({"iss": "i", "sub": "s", "aud": "a"}))).1,
            "Missing a required claim: exp"
        );
    }

    #[test]
    fn a_token_ends_at_its_expiry() {
        let (code, message) = refused(&token(&json!({"iss": "i", "sub": "s", "aud": "a", "exp": NOW_S})));
        assert_eq!(code, "ExpiredTokenException");
        assert_eq!(
            message,
            "Token expired: current date/time 1767225600 must be before the expiration date/time 1767225600"
        );
    }
}
