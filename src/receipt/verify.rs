//! Whether a webhook comes from who it says: raw bytes and a header go in, yes or no comes out.
//!
//! Compares in constant time, with every active secret, and says nothing of how a forgery was wrong. Knows no HTTP and reads no
//! body: what is not proven is never parsed.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;

/// The signature's header. Source: Meta, page `webhooks/overview`, "validating payloads".
pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";
const PREFIX: &[u8] = b"sha256=";
/// Bytes of an HMAC-SHA256.
const TAG: usize = 32;
/// What both tokens are hashed with before they are compared, so that neither length nor content shows in the time it takes.
const TOKEN_CONTEXT: &[u8] = b"webhook verify token";
/// Characters of the longest challenge sent back.
const LONGEST_CHALLENGE: usize = 256;

/// Checks `X-Hub-Signature-256: sha256=<hex>`: an HMAC-SHA256 over the body's raw bytes with the app's secret.
#[derive(Clone)]
pub struct Signatures {
    /// One a secret, keyed once.
    keys: Vec<Hmac<Sha256>>,
}

/// Why no signature can be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// Without one, everything would have to be refused.
    #[error("no webhook secret is set: name the app secret in the settings")]
    None,
    /// Anybody knows it.
    #[error("a webhook secret is empty: check the variable or file it is read from")]
    Empty,
}

/// The body is not proven to be the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is missing or wrong")]
pub struct BadSignature;

/// A header in its only form, not yet compared.
#[derive(Clone, Copy, Debug)]
pub struct Claim([u8; TAG]);

impl Claim {
    /// Reads `sha256=` and 64 lower-case hexadecimal digits, and nothing else.
    ///
    /// # Errors
    /// When the header is anything else.
    pub fn read(header: &[u8]) -> Result<Self, BadSignature> {
        let digits = header.strip_prefix(PREFIX).ok_or(BadSignature)?;
        let mut tag = [0; TAG];
        if digits.iter().any(u8::is_ascii_uppercase) || hex::decode_to_slice(digits, &mut tag).is_err() {
            return Err(BadSignature);
        }
        Ok(Self(tag))
    }
}

impl Signatures {
    /// Accepts what any of these secrets has signed: one, or two while the secret is changed.
    ///
    /// # Errors
    /// When there is none, or an empty one.
    pub fn new(secrets: &[SecretString]) -> Result<Self, BadSecret> {
        if secrets.is_empty() {
            return Err(BadSecret::None);
        }
        secrets.iter().map(|secret| keyed(secret.expose_secret().as_bytes())).collect::<Result<_, _>>().map(|keys| Self { keys })
    }

    /// Whether one of the secrets signed these bytes.
    ///
    /// # Errors
    /// When none did.
    pub fn verify(&self, claim: &Claim, body: &[u8]) -> Result<(), BadSignature> {
        // Every secret is tried: the time must not tell which one fits.
        let fits = self.keys.iter().fold(false, |fits, key| fits | key.clone().chain_update(body).verify_slice(&claim.0).is_ok());
        if fits { Ok(()) } else { Err(BadSignature) }
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signatures").field("secrets", &self.keys.len()).finish_non_exhaustive()
    }
}

fn keyed(secret: &[u8]) -> Result<Hmac<Sha256>, BadSecret> {
    if secret.is_empty() {
        return Err(BadSecret::Empty);
    }
    Hmac::new_from_slice(secret).map_err(|_| BadSecret::Empty)
}

/// Answers the handshake by which a provider learns that a webhook address is ours.
#[derive(Clone)]
pub struct Handshake {
    context: Hmac<Sha256>,
    token: SecretString,
}

impl Handshake {
    /// Accepts who knows this verify token.
    ///
    /// # Errors
    /// When it is empty.
    pub fn new(token: SecretString) -> Result<Self, BadSecret> {
        if token.expose_secret().is_empty() {
            return Err(BadSecret::Empty);
        }
        Ok(Self { context: keyed(TOKEN_CONTEXT)?, token })
    }

    /// What to send back: the challenge, when `mode` is `subscribe`, the token is ours, and the challenge is 1 to 256 of
    /// `0-9A-Za-z_-`. Anything else sent back would be a page of the caller's making.
    ///
    /// # Errors
    /// When one of these is not so.
    pub fn answer<'c>(&self, mode: &str, token: &str, challenge: &'c str) -> Result<&'c str, BadSignature> {
        let ours = self.context.clone().chain_update(self.token.expose_secret()).finalize().into_bytes();
        let known = self.context.clone().chain_update(token).verify_slice(&ours).is_ok();
        let plain = (1..=LONGEST_CHALLENGE).contains(&challenge.len())
            && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if known && plain && mode == "subscribe" { Ok(challenge) } else { Err(BadSignature) }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn signatures(secrets: &[&str]) -> Signatures {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Signatures::new(&secrets).unwrap()
    }

    fn sign(secret: &str, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    fn accepted(signatures: &Signatures, header: &[u8], body: &[u8]) -> bool {
        Claim::read(header).is_ok_and(|claim| signatures.verify(&claim, body).is_ok())
    }

    /// RFC 4231, test case 2.
    #[test]
    fn a_published_signature_is_accepted() {
        let header = b"sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(accepted(&signatures(&["Jefe"]), header, b"what do ya want for nothing?"));
    }

    #[test]
    fn any_active_secret_will_do_and_no_other() {
        let both = signatures(&["new", "old"]);
        assert!(accepted(&both, sign("new", b"{}").as_bytes(), b"{}"));
        assert!(accepted(&both, sign("old", b"{}").as_bytes(), b"{}"));
        assert!(!accepted(&both, sign("older", b"{}").as_bytes(), b"{}"));
        assert!(!accepted(&both, sign("", b"{}").as_bytes(), b"{}"));
        assert_eq!(Signatures::new(&[]).unwrap_err(), BadSecret::None);
        assert_eq!(Signatures::new(&["a".into(), "".into()]).unwrap_err(), BadSecret::Empty);
        assert_eq!(Handshake::new("".into()).unwrap_err(), BadSecret::Empty);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let signatures = signatures(&["s3cret", "0ld"]);
        let bodies = ["", "{}", "{\"object\":\"whatsapp_business_account\",\"entry\":[]}", &"é".repeat(100)];
        for body in bodies.map(str::as_bytes) {
            let header = sign("s3cret", body).into_bytes();
            assert!(accepted(&signatures, &header, body));
            for bit in 0..body.len() * 8 {
                let mut body = body.to_vec();
                body[bit / 8] ^= 1 << (bit % 8);
                assert!(!accepted(&signatures, &header, &body), "bit {bit} of the body");
            }
            for bit in 0..header.len() * 8 {
                let mut header = header.clone();
                header[bit / 8] ^= 1 << (bit % 8);
                assert!(!accepted(&signatures, &header, body), "bit {bit} of the header");
            }
            for cut in 0..header.len() {
                assert!(!accepted(&signatures, &header[..cut], body), "header cut at {cut}");
            }
            for cut in 0..body.len() {
                assert!(!accepted(&signatures, &header, &body[..cut]), "body cut at {cut}");
            }
        }
    }

    #[test]
    fn only_one_form_of_the_header_is_read() {
        let body = b"{}";
        let good = sign("s", body);
        let digits = good.strip_prefix("sha256=").unwrap();
        let sha1 = "sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709".to_owned();
        let base64 = "sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=".to_owned();
        let forms = [
            String::new(),
            " ".into(),
            "=".into(),
            "sha256".into(),
            "sha256=".into(),
            "sha256= ".into(),
            "sha256==".into(),
            digits.into(),
            format!("={digits}"),
            format!("SHA256={digits}"),
            format!("Sha256={digits}"),
            format!("sha-256={digits}"),
            format!("sha512={digits}"),
            format!("sha1={digits}"),
            format!("md5={digits}"),
            format!("hmac={digits}"),
            format!("sha256:{digits}"),
            format!("sha256 {digits}"),
            format!("sha256 = {digits}"),
            format!("sha256= {digits}"),
            format!("sha256=\t{digits}"),
            format!(" {good}"),
            format!("{good} "),
            format!("{good}\n"),
            format!("{good}\r\n"),
            format!("{good}\0"),
            format!("{good},"),
            format!("{good}, {good}"),
            format!("{good};{good}"),
            format!("{good}{digits}"),
            format!("{good}00"),
            format!("{good}0"),
            format!("sha256={}", &digits[1..]),
            format!("sha256={}", &digits[2..]),
            format!("sha256=0x{digits}"),
            format!("sha256=\"{digits}\""),
            format!("\"{good}\""),
            format!("v1={digits}"),
            format!("t=1,v1={digits}"),
            format!("sha256={}", digits.to_uppercase()),
            format!("sha256={}", "0".repeat(64)),
            format!("sha256={}", "g".repeat(64)),
            format!("sha256={}é", &digits[2..]),
            format!("sha256={}", "٠".repeat(32)),
            sha1,
            base64,
        ];
        assert!(forms.len() >= 40);
        let signatures = signatures(&["s"]);
        assert!(accepted(&signatures, good.as_bytes(), body));
        for form in forms {
            assert!(!accepted(&signatures, form.as_bytes(), body), "{form:?}");
        }
        assert!(!accepted(&signatures, &[0xff; 71], body));
    }

    #[test]
    fn the_handshake_sends_back_plain_challenges_to_who_knows_the_token() {
        let handshake = Handshake::new("hunter2".into()).unwrap();
        let longest = "x".repeat(256);
        for challenge in ["1158201444", "a-Z_0", &longest] {
            assert_eq!(handshake.answer("subscribe", "hunter2", challenge), Ok(challenge));
        }
        let too_long = "x".repeat(257);
        for challenge in ["", "<script>", "a b", "a\n", "é", "a.b", "a%20", "a=1", &too_long] {
            assert_eq!(handshake.answer("subscribe", "hunter2", challenge), Err(BadSignature), "{challenge}");
        }
        for token in ["", "hunter", "hunter22", "Hunter2", "hunter2\0", " hunter2"] {
            assert_eq!(handshake.answer("subscribe", token, "1"), Err(BadSignature), "{token}");
        }
        for mode in ["", "unsubscribe", "Subscribe", "subscribe "] {
            assert_eq!(handshake.answer(mode, "hunter2", "1"), Err(BadSignature), "{mode}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?} {:?}", signatures(&["hunter2"]), Handshake::new("hunter2".into()).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    proptest! {
        #[test]
        fn what_was_not_signed_is_refused(header in prop::collection::vec(any::<u8>(), 0..80), body in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!accepted(&signatures(&["s"]), &header, &body));
        }

        #[test]
        fn what_was_signed_is_accepted(secret in "\\PC{1,100}", body in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(accepted(&signatures(&["other", &secret]), sign(&secret, &body).as_bytes(), &body));
        }
    }
}
