//! Each place with values at its borders.

use super::*;

fn slot(part: Part) -> Slot {
    Slot { part, index: 0, card: None, template: true }
}

fn rule(part: Part, text: &str) -> Option<Rule> {
    check(slot(part), &mut text.to_owned(), Around::default()).err().map(|fault| fault.rule)
}

#[test]
fn lengths_are_counted_in_characters_at_the_border() {
    for (part, limit) in [
        (Part::HeaderText, 60),
        (Part::Footer, 60),
        (Part::BodyValue, 1024),
        (Part::CurrencyFallback, 1024),
        (Part::QuickReply, 256),
        (Part::ReplyId, 256),
        (Part::ReplyTitle, 20),
        (Part::TextBody, 4096),
        (Part::ButtonsBody, 1024),
        (Part::Caption, 1024),
        (Part::Filename, 240),
    ] {
        assert_eq!(rule(part, &"ñ".repeat(limit)), None, "{part:?}");
        assert_eq!(rule(part, &"ñ".repeat(limit + 1)), Some(Rule::TooLong), "{part:?}");
        assert_eq!(rule(part, " "), Some(Rule::Empty), "{part:?}");
    }
    assert_eq!(rule(Part::UrlSuffix, &"a".repeat(2000)), None);
    assert_eq!(rule(Part::UrlSuffix, &"a".repeat(2001)), Some(Rule::TooLong));
}

#[test]
fn every_place_refuses_what_nobody_can_see() {
    use Part::{
        BodyValue, ButtonsBody, Caption, CatalogId, CopyCode, CurrencyAmount, CurrencyCode, CurrencyFallback, DateTimeFallback,
        Filename, Footer, HeaderText, Language, Latitude, LocationAddress, LocationName, Longitude, MediaId, MediaLink, Name,
        OfferExpires, ProductId, QuickReply, ReplyId, ReplyTitle, TextBody, UrlSuffix,
    };
    for part in [
        BodyValue,
        ButtonsBody,
        Caption,
        CatalogId,
        CopyCode,
        CurrencyAmount,
        CurrencyCode,
        CurrencyFallback,
        DateTimeFallback,
        Filename,
        Footer,
        HeaderText,
        Language,
        Latitude,
        LocationAddress,
        LocationName,
        Longitude,
        MediaId,
        MediaLink,
        Name,
        OfferExpires,
        ProductId,
        QuickReply,
        ReplyId,
        ReplyTitle,
        TextBody,
        UrlSuffix,
    ] {
        for text in ["a\u{0}b", "a\u{202e}b", "a\u{7f}b", "", "\u{200b}"] {
            assert!(rule(part, text).is_some(), "{part:?} takes {text:?}");
        }
    }
}

#[test]
fn values_by_place() {
    use Rule::{CopyCode, Currency, Digits, Language, NotANumber, OutOfRange, TemplateName, UrlSuffix};
    for (part, text, expected) in [
        (Part::Name, "spring_sale_v3", None),
        (Part::Name, "Spring", Some(TemplateName)),
        (Part::Name, "", Some(TemplateName)),
        (Part::Language, "es", None),
        (Part::Language, "es_MX", None),
        (Part::Language, "fil", None),
        (Part::Language, "es-MX", Some(Language)),
        (Part::Language, "es_mx", Some(Language)),
        (Part::Language, "e", Some(Language)),
        (Part::Language, "es_MEX", Some(Language)),
        (Part::UrlSuffix, "summer2026", None),
        (Part::UrlSuffix, "a/b?c=d&e=%C3%B1#f", None),
        (Part::UrlSuffix, "a b", Some(UrlSuffix)),
        (Part::UrlSuffix, "año", Some(UrlSuffix)),
        (Part::UrlSuffix, "50%", Some(UrlSuffix)),
        (Part::UrlSuffix, "50%2", Some(UrlSuffix)),
        (Part::UrlSuffix, "%zz", Some(UrlSuffix)),
        (Part::UrlSuffix, "a\nb", Some(UrlSuffix)),
        (Part::CopyCode, "25OFF", None),
        (Part::CopyCode, "12345678901234567890", None),
        (Part::CopyCode, "123456789012345678901", Some(Rule::TooLong)),
        (Part::CopyCode, "25 OFF", Some(CopyCode)),
        (Part::CopyCode, "AÑO", Some(CopyCode)),
        (Part::Latitude, "19.4326", None),
        (Part::Latitude, "-90", None),
        (Part::Latitude, "90.0001", Some(OutOfRange)),
        (Part::Latitude, "19,4326", Some(Rule::AmbiguousNumber)),
        (Part::Latitude, "19.4N", Some(NotANumber)),
        (Part::Longitude, "-180", None),
        (Part::Longitude, "180.1", Some(OutOfRange)),
        (Part::CurrencyCode, "MXN", None),
        (Part::CurrencyCode, "mxn", Some(Currency)),
        (Part::CurrencyCode, "XXX", Some(Currency)),
        (Part::CurrencyAmount, "100.99", None),
        (Part::CurrencyAmount, "1.234", None),
        (Part::CurrencyAmount, "1.2345", Some(Currency)),
        (Part::CurrencyAmount, "1,5", Some(Rule::AmbiguousNumber)),
        (Part::CurrencyAmount, "$5", Some(NotANumber)),
        (Part::MediaId, "1558081531584829", None),
        (Part::MediaId, "15 58", Some(Digits)),
        (Part::MediaId, "-1", Some(Digits)),
        (Part::Filename, "factura ñ.pdf", None),
        (Part::Filename, "../etc/passwd", Some(Rule::Filename)),
        (Part::Filename, "..", Some(Rule::Filename)),
        (Part::HeaderText, "a\nb", Some(Rule::Newline)),
        (Part::TextBody, "a\n\tb", None),
        (Part::TextBody, "a\rb", Some(Rule::ControlCharacter)),
    ] {
        assert_eq!(rule(part, text), expected, "{part:?} of {text:?}");
    }
}

#[test]
fn bodies_are_bounded_by_what_they_stand_in() {
    let value = |card| Slot { card, ..slot(Part::BodyValue) };
    let fits = |card, offer, length: usize| {
        let mut whole = Whole::default();
        whole.add(value(None), "x", offer).and_then(|()| whole.add(value(card), &"ñ".repeat(length), offer)).is_ok()
    };
    assert!(fits(None, false, 1023) && !fits(None, false, 1024));
    assert!(fits(None, true, 599) && !fits(None, true, 600));
    assert!(fits(Some(1), false, 160) && !fits(Some(1), false, 161));
}

#[test]
fn phone_numbers_in_wrong_columns_are_not_shown() {
    assert_eq!(excerpt("+52 1 55 1234 5678"), "'+•• • •• •••• ••••'");
    assert_eq!(excerpt("03/04/2005"), "'03/04/2005'");
}
