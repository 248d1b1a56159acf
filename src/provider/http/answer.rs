//! Reading an answer within bounds, and saying why there is none.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::Response;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::provider::contract::{Reply, TransportError};
use crate::time::{Clock, Timestamp};

/// Bytes of a body that are read; a provider's answer has under a thousand.
const LONGEST_BODY: usize = 1024 * 1024;
/// Bytes reserved before the first has come, whatever the length announced.
const FIRST_RESERVE: usize = 8 * 1024;
/// The shortest and longest waits believed (reliability, section 4.1).
const SHORTEST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// Characters of a reason.
const LONGEST_REASON: usize = 300;

pub(super) async fn read(mut response: Response, clock: &dyn Clock) -> Result<Reply, TransportError> {
    let status = response.status().as_u16();
    let retry_after = header(response.headers()).and_then(|value| retry_after(value, clock.now()));
    let body = match response.content_length() {
        Some(length) if length > LONGEST_BODY as u64 => return Err(too_long()),
        _ => body(&mut response).await?,
    };
    Ok(Reply { status, retry_after, body })
}

async fn body(response: &mut Response) -> Result<Bytes, TransportError> {
    let mut next = async || response.chunk().await.map_err(|error| TransportError::NoAnswer(reason(error)));
    let first = next().await?.unwrap_or_default();
    let Some(second) = next().await? else {
        return if first.len() > LONGEST_BODY { Err(too_long()) } else { Ok(first) };
    };
    let mut body = BytesMut::with_capacity((first.len() + second.len()).max(FIRST_RESERVE));
    body.extend_from_slice(&first);
    let mut chunk = Some(second);
    while let Some(bytes) = chunk {
        if body.len() + bytes.len() > LONGEST_BODY {
            return Err(too_long());
        }
        body.extend_from_slice(&bytes);
        chunk = next().await?;
    }
    Ok(body.freeze())
}

fn too_long() -> TransportError {
    TransportError::NoAnswer("the answer is longer than 1 MiB".to_owned())
}

/// Why a call has no answer. Only connecting (resolving, TCP, TLS, their time-out) and a request that could not be built come before
/// the first byte of the request.
pub(super) fn without(error: reqwest::Error) -> TransportError {
    if error.is_connect() || error.is_builder() {
        TransportError::NotSent(reason(error))
    } else {
        TransportError::NoAnswer(reason(error))
    }
}

/// The error and its causes in a line, without the address that was called.
pub(super) fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !words.ends_with(&said) {
            words.push_str(": ");
            words.push_str(&said);
        }
        cause = error.source();
    }
    words.chars().take(LONGEST_REASON).map(|char| if char.is_control() { ' ' } else { char }).collect()
}

fn header(headers: &HeaderMap) -> Option<&str> {
    headers.get(RETRY_AFTER)?.to_str().ok()
}

/// A `Retry-After` header as a wait from `now`: seconds or an HTTP date, 0.1 seconds at least and an hour at most. What is neither
/// says nothing.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Timestamp(until.as_millisecond()).since(now)
    };
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-21T01:45:00Z
    const NOW: Timestamp = Timestamp(1_795_225_500_000);

    #[test]
    fn both_forms_are_read_and_kept_in_bounds() {
        for (value, seconds) in [
            ("7", Some(7.0)),
            (" 120 ", Some(120.0)),
            ("0", Some(0.1)),
            ("86400", Some(3_600.0)),
            ("99999999999999999999999999", Some(3_600.0)),
            ("Sat, 21 Nov 2026 01:46:30 GMT", Some(90.0)),
            ("Sat, 21 Nov 2026 01:45:00 GMT", Some(0.1)),
            ("Fri, 20 Nov 2026 01:45:00 GMT", Some(0.1)),
            ("Sat, 21 Nov 2099 01:45:00 GMT", Some(3_600.0)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e3", None),
            ("soon", None),
            ("Sat, 21 Nov 2026", None),
            ("١٢", None),
        ] {
            assert_eq!(retry_after(value, NOW), seconds.map(Duration::from_secs_f64), "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_a_wait_in_bounds_or_nothing(value in "\\PC{0,40}", now in any::<i64>()) {
            if let Some(wait) = retry_after(&value, Timestamp(now)) {
                prop_assert!((SHORTEST_WAIT..=LONGEST_WAIT).contains(&wait));
            }
        }
    }
}
