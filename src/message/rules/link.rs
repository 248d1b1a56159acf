//! Links: media that the provider fetches, and the ends of URL buttons.

use url::{Host, Url};

use crate::message::row::{Fault, Rule, excerpt};

/// The longest media link; browsers and servers agree on about this much.
const MAX_LINK: usize = 2048;

/// Names that never lead to the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN's `.internal`, and what offices use).
const PRIVATE: [&str; 11] =
    ["localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "invalid", "onion"];

/// A media link: `https`, a public host by name, no credentials.
pub(super) fn media(text: &str) -> Result<(), Fault> {
    let wrong = |what: String| Err(Fault::new(Rule::MediaLink, what));
    if text.is_empty() {
        return Err(Fault::new(Rule::Empty, "there is no link; give the column a value"));
    }
    if text.len() > MAX_LINK {
        return Err(Fault::new(Rule::TooLong, format!("a link of {} characters, at most {MAX_LINK} are possible", text.len())));
    }
    // Parsers differ in what they do with these; the provider must see what was checked.
    if !text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}'))
    {
        return wrong(
            "the link holds a character that must be percent-encoded; write {{url_encode name}} around the column".into(),
        );
    }
    let Ok(url) = Url::parse(text) else {
        return wrong(format!("{} is not a link; write it in full: https://cdn.example/picture.jpg", excerpt(text)));
    };
    if url.scheme() != "https" {
        return wrong(format!("a media link begins with https://, not {}:", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("the link holds a user or a password; put the file where none is needed".into());
    }
    match url.host() {
        Some(Host::Domain(host)) if is_public(host) => Ok(()),
        Some(Host::Domain(_)) => {
            wrong("the link's host is not on the public internet; the provider could not fetch the file".into())
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => wrong("the link's host is an IP address; use the server's name".into()),
        None => wrong("the link has no host".into()),
    }
}

fn is_public(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    match host.rsplit_once('.') {
        Some((_, last)) => !PRIVATE.contains(&last) && !last.is_empty(),
        None => false,
    }
}

/// The end of a URL button's link, in percent-encoded form: RFC 3986's characters, and `%` only before two hexadecimal digits.
///
/// It is not encoded here: a value that is already encoded would be encoded twice, and nobody can tell the two apart.
pub(super) fn suffix(text: &str, limit: usize) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(Fault::new(Rule::Empty, "there is no end of the link; give the column a value"));
    }
    if text.len() > limit {
        return Err(Fault::new(Rule::TooLong, format!("{} characters, a link has at most {limit}", text.len())));
    }
    let bytes = text.as_bytes();
    let fits = bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => [1, 2].iter().all(|after| bytes.get(at + after).is_some_and(u8::is_ascii_hexdigit)),
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => true,
        byte => b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    });
    if fits {
        Ok(())
    } else {
        Err(Fault::new(
            Rule::UrlSuffix,
            "holds a space, an accent or another character that a link cannot hold as it is; write {{url_encode name}} around the column",
        ))
    }
}
