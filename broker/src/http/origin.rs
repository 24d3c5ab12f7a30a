//! Keeps web pages of other sites away: a browser on the machine of a broker would send their requests to it.
//!
//! No page of ours exists, so whatever a browser sends for a page is refused but for pages at the very address that is asked, by number or
//! as `localhost`: behind any other name somebody else's page may stand (DNS rebinding). Programs send no `Origin`.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::HttpError;

/// Answers 403 to what a page of another site has sent.
pub(super) async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if is_of_another_site(request.headers()) {
        let message = "this came from a web page of another site, which the broker does not serve";
        return HttpError::new(StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

fn is_of_another_site(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        // Links and images of other sites have no origin, but this from newer browsers.
        return headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let same = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://")) == Some(host);
    !(same && is_number_or_localhost(host))
}

fn is_number_or_localhost(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let number = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || number.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn refused(headers: &[(&'static str, &'static str)]) -> bool {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        is_of_another_site(&headers.iter().map(header).collect())
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        assert!(!refused(&[("host", "forebay:9644")]), "a program");
        assert!(!refused(&[("host", "127.0.0.1:9644"), ("origin", "http://127.0.0.1:9644")]));
        assert!(!refused(&[("host", "localhost:9644"), ("origin", "http://localhost:9644")]));
        assert!(!refused(&[("host", "[::1]:9644"), ("origin", "http://[::1]:9644")]));
        assert!(refused(&[("host", "127.0.0.1:9644"), ("origin", "https://example.com")]));
        assert!(refused(&[("host", "127.0.0.1:9644"), ("origin", "null")]));
        assert!(refused(&[("host", "rebound.example:9644"), ("origin", "http://rebound.example:9644")]));
        assert!(refused(&[("host", "127.0.0.1:9644"), ("sec-fetch-site", "cross-site")]));
    }
}
