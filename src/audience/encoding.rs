//! Which encoding a list is in, and the way from there to UTF-8.
//!
//! In: the unpacked bytes. Out: bytes that are UTF-8 unless the list claims to be and is not; such cells are rejected one by one
//! later, because a guess that makes `José` out of `JosÃ©` must not reach a customer.

use std::io::Read;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::{Found, Region};

/// What was found out about the encoding.
#[derive(Clone, Copy)]
pub(super) struct Verdict {
    pub(super) encoding: &'static Encoding,
    pub(super) found: Found,
    /// How many bytes at the start are a byte order mark.
    pub(super) bom: usize,
}

/// Judges by the first bytes (`sample`; `whole` when there are no more). `home` is the list's country: it tips the scales between
/// encodings that differ in a few letters.
pub(super) fn judge(sample: &[u8], whole: bool, given: Option<&'static Encoding>, home: Option<Region>) -> Verdict {
    if let Some((encoding, bom)) = Encoding::for_bom(sample) {
        return Verdict { encoding, found: Found::Certain, bom };
    }
    if let Some(encoding) = given {
        return Verdict { encoding, found: Found::Given, bom: 0 };
    }
    if let Some(encoding) = utf16_without_mark(sample) {
        return Verdict { encoding, found: Found::Guessed, bom: 0 };
    }
    let text = without_nul_tail(sample);
    match std::str::from_utf8(text) {
        Ok(_) => return Verdict { encoding: UTF_8, found: Found::Certain, bom: 0 },
        // A character cut in two by the end of the sample is no fault.
        Err(error) if error.error_len().is_none() && !whole => {
            return Verdict { encoding: UTF_8, found: Found::Certain, bom: 0 };
        }
        Err(_) => {}
    }
    let encoding = if mostly_utf8(text) { UTF_8 } else { guess(text, home) };
    Verdict { encoding, found: Found::Guessed, bom: 0 }
}

/// In UTF-16 nearly every other byte of a list of names and numbers is zero: the first of each pair when the big end comes first.
fn utf16_without_mark(sample: &[u8]) -> Option<&'static Encoding> {
    let text = without_nul_tail(sample);
    let pairs = text.len().div_ceil(2);
    if pairs < 2 {
        return None;
    }
    let zeros = |offset: usize| text.iter().skip(offset).step_by(2).filter(|&&b| b == 0).count();
    let (first, second) = (zeros(0), zeros(1));
    let (many, few) = ((pairs * 4 / 10).max(1), pairs / 50);
    if first >= many && second <= few {
        Some(UTF_16BE)
    } else if second >= many && first <= few {
        Some(UTF_16LE)
    } else {
        None
    }
}

/// A crashed writer leaves zeros behind the text; they say nothing about its encoding. One zero may belong to UTF-16.
fn without_nul_tail(sample: &[u8]) -> &[u8] {
    let text = sample.iter().rposition(|&b| b != 0).map_or(&[][..], |last| sample.get(..=last).unwrap_or_default());
    if sample.len() - text.len() > 1 { text } else { sample }
}

/// Whether the lines beyond ASCII that are UTF-8 are not fewer than those that are not: text in another encoding hardly ever is
/// UTF-8 by chance, so a few damaged rows must not make all others be read wrongly.
fn mostly_utf8(text: &[u8]) -> bool {
    let (mut good, mut bad) = (0_u32, 0_u32);
    for line in text.split(|&b| b == b'\n').filter(|line| !line.is_ascii()) {
        if std::str::from_utf8(line).is_ok() { good += 1 } else { bad += 1 }
    }
    good > 0 && good >= bad
}

/// Only what is not UTF-8 has a say: in a list of mixed rows the others would speak for some encoding that none of them is in.
fn guess(text: &[u8], home: Option<Region>) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    for line in text.split_inclusive(|&b| b == b'\n').filter(|line| std::str::from_utf8(line).is_err()) {
        detector.feed(line, false);
    }
    detector.feed(b"", true);
    let domain = home.map(|region| region.as_str().to_ascii_lowercase());
    detector.guess(domain.as_deref().map(str::as_bytes), Utf8Detection::Deny)
}

/// Whether these bytes are no text in any encoding.
pub(super) fn is_binary(sample: &[u8], verdict: Verdict) -> bool {
    if verdict.found == Found::Given || verdict.encoding == UTF_16LE || verdict.encoding == UTF_16BE {
        return false;
    }
    let text = without_nul_tail(sample);
    let controls = text.iter().filter(|&&b| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')).count();
    // Random bytes hold 11 % control characters; text holds none, damaged text a few.
    let percent = if std::str::from_utf8(text).is_ok() { 30 } else { 4 };
    controls * 100 > text.len() * percent
}

/// The sample as text, for counting delimiters.
pub(super) fn sample_text(sample: &[u8], verdict: Verdict) -> Vec<u8> {
    let body = sample.get(verdict.bom..).unwrap_or_default();
    if verdict.encoding == UTF_8 {
        body.to_vec()
    } else {
        verdict.encoding.decode_without_bom_handling(body).0.into_owned().into_bytes()
    }
}

/// The reader of UTF-8, without the byte order mark.
pub(super) fn decoded(mut bytes: Box<dyn Read + Send>, verdict: Verdict) -> std::io::Result<Box<dyn Read + Send>> {
    let mut mark = [0; 3];
    if let Some(mark) = mark.get_mut(..verdict.bom) {
        bytes.read_exact(mark)?;
    }
    if verdict.encoding == UTF_8 {
        return Ok(bytes);
    }
    let decoder =
        DecodeReaderBytesBuilder::new().encoding(Some(verdict.encoding)).bom_sniffing(false).strip_bom(false).build(bytes);
    Ok(Box::new(decoder))
}

/// Whether text read in a one-byte encoding is UTF-8 read wrongly: a list whose rows come from different programs.
pub(super) fn is_misread(cell: &str, encoding: &'static Encoding) -> bool {
    if cell.is_ascii() || !encoding.is_single_byte() {
        return false;
    }
    let (bytes, _, unmappable) = encoding.encode(cell);
    !unmappable && std::str::from_utf8(&bytes).is_ok()
}
