//! Inputs 54–77: what people and spreadsheets make of phone numbers.

use fanfare::audience::{AudienceSpec, Phone, Reason, Region, normalise};

use super::{phones, read};

/// `+E164`, or `!reason`, or `!reason -> suggestion`.
fn cell(raw: &str, country: &str) -> String {
    match normalise(raw, Region::parse(country)) {
        Ok(phone) => phone.to_string(),
        Err(problem) => {
            let suggestion = problem.suggestion.map(|phone| format!(" -> {phone}")).unwrap_or_default();
            format!("!{}{suggestion}", problem.reason.as_str())
        }
    }
}

fn mx(raw: &str) -> String {
    cell(raw, "MX")
}

fn india(raw: &str) -> String {
    cell(raw, "IN")
}

#[test]
fn csv_54_scientific_notation() {
    assert_eq!(india("9.19876E+11"), "!scientific_notation", "digits are lost: nothing to suggest");
    assert_eq!(india("9,19876E+11"), "!scientific_notation");
    assert_eq!(india("9.19876543210E+11"), "!scientific_notation -> +919876543210");
    assert_eq!(india("9.2e11"), "!scientific_notation");
    assert_eq!(india("5E+11"), "!scientific_notation");
}

#[test]
fn csv_55_decimal_number() {
    assert_eq!(india("919876543210.0"), "!decimal_number -> +919876543210");
    assert_eq!(india("9876543210.00"), "!decimal_number -> +919876543210");
    assert_eq!(mx("5512345678,0"), "!decimal_number -> +525512345678");
    assert_eq!(mx("551234567.8"), "!decimal_number", "half a number is none");
    assert_eq!(cell("919876543210.0", ""), "!decimal_number -> +919876543210");
}

#[test]
fn csv_56_leading_apostrophe() {
    assert_eq!(india("'+919876543210"), "+919876543210");
    assert_eq!(india("'9876543210"), "+919876543210");
    assert_eq!(india("’ 9876543210"), "+919876543210");
}

#[test]
fn csv_57_formula() {
    assert_eq!(india("=+919876543210"), "!formula -> +919876543210");
    assert_eq!(india("=\"+919876543210\""), "!formula -> +919876543210");
    assert_eq!(india("=9876543210"), "!formula -> +919876543210");
    assert_eq!(india("=A2&B2"), "!formula");
    assert_eq!(india("=-98765"), "!formula");
    assert_eq!(india("@SUM(A1)"), "!formula");
    assert_eq!(india(&"=".repeat(10_000)), "!formula", "no recursion");
}

#[test]
fn csv_58_spaces_dashes_dots_brackets() {
    for raw in
        ["55 1234 5678", "55-1234-5678", "55.1234.5678", "(55) 1234-5678", "[55] 1234 / 5678", "55–1234—5678", "  5512345678\t"]
    {
        assert_eq!(mx(raw), "+525512345678", "{raw}");
    }
    for raw in ["+52 55 1234 5678", "(+52) 55-1234-5678", "+ 52 55 1234 5678", "+52 (55) 1234.5678", "+52 1 55 1234 5678"] {
        assert_eq!(cell(raw, ""), "+525512345678", "{raw}");
    }
    assert_eq!(cell("030/12345678", "DE"), "+493012345678");
    assert_eq!(cell("+44 (0)20 7946 0958", ""), "+442079460958");
}

#[test]
fn csv_59_double_zero() {
    assert_eq!(mx("00919876543210"), "+919876543210");
    assert_eq!(cell("00 52 55 1234 5678", ""), "+525512345678", "needs no country");
    assert_eq!(cell("0052 55 1234 5678", "US"), "+525512345678", "not only where it is dialled");
    assert_eq!(cell("011 52 55 1234 5678", "US"), "+525512345678", "the country's own prefix");
    assert_eq!(mx("00999123456789"), "!unknown_calling_code");
}

#[test]
fn csv_60_no_country_code() {
    assert_eq!(mx("5512345678"), "+525512345678");
    assert_eq!(cell("5512345678", ""), "!missing_country_code");
    assert_eq!(cell("525512345678", ""), "!missing_country_code -> +525512345678");
    assert_eq!(mx("525512345678"), "+525512345678", "the country's own code is seen");
    assert_eq!(mx("5215512345678"), "+525512345678");
    assert_eq!(mx("919876543210"), "+919876543210", "valid only as international");
    assert_eq!(mx("4921234567"), "+524921234567", "a Mexican number, though +49 21234567 would be a German one");
    assert_eq!(cell("+4921234567", "MX"), "+4921234567");
    assert_eq!(mx("493012345"), "!too_short -> +493012345", "a Mexican number cut short is not a landline in Berlin");
    assert_eq!(mx("4915112345678"), "+4915112345678", "a German mobile");
    assert_eq!(mx("15512345678"), "!ambiguous_number", "01 55 … without its zero, or New Jersey");
    assert_eq!(cell("4987654321", "BR"), "+5549987654321", "an old mobile, not a landline in Bavaria");
    assert_eq!(cell("62812342941", "ID"), "!ambiguous_number -> +62812342941", "both readings are Indonesian numbers");
    let by_row = AudienceSpec { country_column: Some("country".into()), ..phones() };
    let list = "phone,country\n9876543210,IN\n5512345678,\n11987654321, br \n5512345679,Mexico\n+5512345679,Mexico\n+5511987654322,??\n(+55) 11987654323,??\n";
    assert_eq!(
        read(list, &by_row),
        [
            "2 +919876543210 IN",
            "3 +525512345678 MX",
            "4 +5511987654321 BR",
            "5 !unknown_country [country] Mexico",
            "6 !invalid_number [phone] +5512345679",
            "7 +5511987654322 BR",
            "8 +5511987654323 BR",
        ]
    );
}

#[test]
fn csv_61_leading_zero() {
    assert_eq!(india("09876543210"), "+919876543210");
    assert_eq!(india("+91 0 98765 43210"), "+919876543210");
    assert_eq!(cell("011 98765-4321", "BR"), "+5511987654321");
    assert_eq!(cell("07911 123456", "GB"), "+447911123456");
    assert_eq!(cell("06 1234 5678", "IT"), "+390612345678", "in Italy the zero belongs to the number");
    for old in ["01 55 1234 5678", "044 55 1234 5678", "045 55 1234 5678"] {
        assert_eq!(mx(old), "+525512345678", "{old}: a prefix that ended in 2019");
    }
}

#[test]
fn csv_62_digits_of_other_scripts() {
    for raw in ["٩٨٧٦٥٤٣٢١٠", "۹۸۷۶۵۴۳۲۱۰", "９８７６５４３２１０", "९८७६५४३२१०", "৯৮৭৬৫৪৩২১০", "98765４３２１０"]
    {
        assert_eq!(india(raw), "+919876543210", "{raw}");
    }
    assert_eq!(cell("＋９１ ९८७६५ ४३२१०", ""), "+919876543210");
}

#[test]
fn csv_63_marks_of_direction_and_zero_width() {
    assert_eq!(india("\u{202A}+91 98765 43210\u{202C}"), "+919876543210");
    assert_eq!(india("\u{200E}98765\u{200B}43210\u{200F}\u{FEFF}"), "+919876543210");
    assert_eq!(india("98765\u{AD}\u{2060}43210"), "+919876543210");
}

#[test]
fn csv_64_non_breaking_space() {
    assert_eq!(india("\u{A0}98765\u{A0}43210\u{202F}"), "+919876543210");
    assert_eq!(india("+91\u{2009}98765\u{3000}43210"), "+919876543210");
}

#[test]
fn csv_65_extension() {
    assert_eq!(mx("55 1234 5678 x12"), "!extension -> +525512345678");
    assert_eq!(mx("5512345678 ext. 12"), "!extension -> +525512345678");
    assert_eq!(mx("5512345678#12"), "!extension -> +525512345678");
    assert_eq!(mx("+525512345678;ext=12"), "!extension -> +525512345678");
}

#[test]
fn csv_66_two_numbers() {
    for raw in [
        "5512345678 / 5587654321",
        "5512345678, 5587654321",
        "5512345678;5587654321",
        "5512345678 y 5587654321",
        "+525512345678+525587654321",
        "55 1234 5678\n55 8765 4321",
        "5512345678 5587654321",
        "cel: 5512345678 tel: 5587654321",
    ] {
        assert_eq!(mx(raw), "!two_numbers", "{raw:?}");
    }
    assert_eq!(mx("55123456785587654321"), "!too_long", "run together");
}

#[test]
fn csv_67_too_short_or_too_long() {
    assert_eq!(mx("551234567"), "!too_short");
    assert_eq!(mx("12345678"), "!too_short", "without its area code");
    assert_eq!(mx("+5255123456789"), "!too_long");
    assert_eq!(mx("12"), "!too_short");
    assert_eq!(mx("5"), "!too_short");
    assert_eq!(mx(&"5".repeat(40)), "!too_long");
    assert_eq!(india("919876543"), "!invalid_number", "some Indian numbers are that short, not this one");
}

#[test]
fn csv_68_numbers_without_whatsapp() {
    assert_eq!(mx("5552345678"), "+525552345678", "a landline may have it");
    assert_eq!(cell("+442079460958", ""), "+442079460958", "so may London's");
    assert_eq!(mx("900 123 4567"), "!premium_rate");
    assert_eq!(mx("800 123 4567"), "!toll_free");
    assert_eq!(cell("+44 845 123 4567", ""), "!premium_rate");
    assert_eq!(cell("+44 5612345678", ""), "+445612345678", "voice over IP is a person's");
    assert_eq!(cell("+44 76 4012 3456", ""), "!pager");
    assert_eq!(cell("+49 700 12345678", ""), "+4970012345678", "so is a personal number");
    assert_eq!(cell("+44 3301234567", ""), "!universal_access");
    assert_eq!(cell("+61 1300123456", ""), "!shared_cost");
    for global in [
        "+800 1234 5678",
        "+870 773 111 632",
        "+883 510 000 000 094",
        "+881 612 345 678",
        "+888 1234 56789 01",
        "+979 123 456 789",
    ] {
        assert_eq!(cell(global, ""), "!non_geographic", "{global}");
    }
    assert_eq!(mx("911"), "!too_short", "a short code");
    assert_eq!(cell("40404", "US"), "!too_short");
}

#[test]
fn csv_69_one_person_in_two_spellings() {
    let list = "phone\n+55 11 98765-4321\n+55 11 8765-4321\n+52 55 1234 5678\n+52 1 55 1234 5678\n+54 9 11 2345 6789\n+54 11 2345 6789\n";
    assert_eq!(
        read(list, &phones()),
        [
            "2 +5511987654321 BR",
            "3 !duplicate [phone] +55 11 8765-4321",
            "4 +525512345678 MX",
            "5 !duplicate [phone] +52 1 55 1234 5678",
            "6 +5491123456789 AR",
            "7 !duplicate [phone] +54 11 2345 6789",
        ]
    );
}

#[test]
fn csv_70_exact_duplicates() {
    let list = "phone\n5512345678\n5512345679\n5512345678\n+525512345678\n";
    assert_eq!(
        read(list, &phones()),
        ["2 +525512345678 MX", "3 +525512345679 MX", "4 !duplicate [phone] 5512345678", "5 !duplicate [phone] +525512345678"]
    );
    assert!(!Reason::Duplicate.is_bad());
    assert!(Reason::ALL.iter().filter(|reason| !reason.is_bad()).count() == 1);
}

#[test]
fn csv_71_duplicates_with_different_values() {
    let list = "phone,name,tz\n5512345678,Ana,Mars/Base\n5512345678,Bea,\n5512345678,Cid,\n";
    let spec = AudienceSpec { timezone: Some("tz".into()), columns: vec!["name".into()], ..phones() };
    assert_eq!(
        read(list, &spec),
        ["2 !invalid_timezone [tz] Mars/Base", "3 +525512345678 MX Bea", "4 !duplicate [phone] 5512345678"],
        "the first row that can be used counts"
    );
}

#[test]
fn csv_72_own_sending_number() {
    let own = AudienceSpec { own_numbers: vec![Phone::parse("+5215512345678").unwrap()], ..phones() };
    assert_eq!(read("phone\n55 1234 5678\n5512345679\n", &own), ["2 !own_number [phone] 55 1234 5678", "3 +525512345679 MX"]);
}

#[test]
fn csv_73_test_numbers() {
    for raw in ["+12025550173", "+61491570156"] {
        let phone = normalise(raw, None).unwrap();
        assert!(phone.is_reserved_for_fiction(), "{raw} is read, and known to be nobody's");
    }
    for raw in ["+447700900123", "+33639981234"] {
        assert_eq!(cell(raw, ""), "!invalid_number", "{raw}: the plan has no such number");
    }
    assert!(!normalise("+525512345678", None).unwrap().is_reserved_for_fiction());
    assert_eq!(mx("0000000000"), "!unknown_calling_code");
    assert_eq!(mx("1234567890"), "!invalid_number");
    assert_eq!(cell("+15555555555", ""), "!invalid_number");
}

#[test]
fn csv_74_words_for_nothing() {
    for raw in ["NULL", "null", "N/A", "n/a", "#REF!", "#N/A", "None", "NaN", "-", "--", "undefined", "?", "s/n", "Sin número"] {
        assert_eq!(mx(raw), "!placeholder", "{raw}");
    }
    for raw in ["", "   ", "\u{A0}", "\u{200B}", "'"] {
        assert_eq!(mx(raw), "!missing_number", "{raw:?}");
    }
}

#[test]
fn csv_75_letters() {
    assert_eq!(cell("1-800-FLOWERS", "US"), "!letters");
    assert_eq!(mx("55 1234 ABCD"), "!letters");
    assert_eq!(mx("Ana"), "!letters");
    assert_eq!(mx("5512345678 cel"), "!letters");
    assert_eq!(mx("tel:+525512345678"), "!letters -> +525512345678");
    assert_eq!(mx("p:+525512345678"), "!letters -> +525512345678");
    assert_eq!(mx("https://wa.me/525512345678"), "!letters -> +525512345678");
    assert_eq!(mx("55O2345678"), "!letters", "an O for a zero");
}

#[test]
fn csv_76_negative() {
    assert_eq!(mx("-5512345678"), "!negative_number -> +525512345678");
    assert_eq!(mx("−5512345678"), "!negative_number -> +525512345678");
    assert_eq!(mx("-1"), "!negative_number");
}

#[test]
fn csv_77_e_mail_column_taken_for_the_phone() {
    assert_eq!(mx("ana@example.com"), "!email_address");
    assert_eq!(mx("5512345678@example.com"), "!email_address");
    let named = AudienceSpec { phone: Some("email".into()), ..phones() };
    assert_eq!(read("email,phone\nana@example.com,5512345678\n", &named), ["2 !email_address [email] ana@example.com"]);
}
