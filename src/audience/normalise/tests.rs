//! A corpus of every numbering plan, against the library asked in its own, slower way.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType};

use super::{Reason, Region, normalise, number, reachable, repair};

const KINDS: [PhoneNumberType; 11] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::PersonalNumber,
    PhoneNumberType::Pager,
    PhoneNumberType::UAN,
    PhoneNumberType::VoiceMail,
    PhoneNumberType::FixedLineOrMobile,
];

/// Example numbers of every region and kind, each with neighbours in which some digits are others.
fn corpus(neighbours: usize) -> Vec<PhoneNumber> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut found = Vec::new();
    let mut regions: Vec<_> = PHONE_NUMBER_UTIL.get_supported_regions().collect();
    regions.sort_unstable();
    for region in regions {
        for kind in KINDS {
            let Ok(example) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind) else { continue };
            for turn in 0..neighbours {
                let mut near = example.clone();
                near.national_number = other_digits(near.national_number, turn % 5, &mut random);
                found.push(near);
            }
            found.push(example);
        }
    }
    found
}

fn other_digits(number: u64, changes: usize, random: &mut fastrand::Rng) -> u64 {
    let digits = number.checked_ilog10().unwrap_or_default() + 1;
    (0..changes).fold(number, |number, _| {
        let place = 10_u64.pow(random.u32(0..digits));
        number - number / place % 10 * place + random.u64(0..10) * place
    })
}

/// What the library says of a text, in its own words: `None` when the number is none that can be written to.
fn reference(text: &str) -> Option<(String, String)> {
    let parsed = PHONE_NUMBER_UTIL.parse(text, None).ok()?;
    let fit = PHONE_NUMBER_UTIL.is_valid_number(&parsed) && reachable(PHONE_NUMBER_UTIL.get_number_type(&parsed)).is_ok();
    let region = PHONE_NUMBER_UTIL.get_region_for_number(&parsed).filter(|_| fit)?;
    Some((PHONE_NUMBER_UTIL.format(&parsed, PhoneNumberFormat::E164).into_owned(), region.to_string()))
}

#[test]
fn the_corpus_reads_as_the_library_reads_it() {
    let corpus = corpus(20);
    assert!(corpus.len() >= 20_000, "{}", corpus.len());
    let (mut good, mut repaired) = (0, 0);
    for example in &corpus {
        let text = PHONE_NUMBER_UTIL.format(example, PhoneNumberFormat::E164);
        let ours = number(&text, None);
        match (reference(&text), ours) {
            (Some((e164, region)), Ok(ours)) => {
                good += 1;
                assert_eq!((ours.phone.to_string(), ours.region.to_string()), (e164, region), "{text}");
                assert_eq!(number(&ours.phone.to_string(), None), Ok(ours), "{text} is not stable");
            }
            (None, Err(_)) => {}
            (None, Ok(ours)) if repair::today(example.country_code, example.national_number, 0).is_some() => {
                repaired += 1;
                assert_eq!(reference(&ours.phone.to_string()).map(|r| r.0), Some(ours.phone.to_string()), "{text}");
            }
            (reference, ours) => panic!("{text}: {reference:?} {ours:?}"),
        }
    }
    assert!(good > 8_000 && repaired > 0, "{good} {repaired}");
}

#[test]
fn other_ways_of_writing_give_the_same_number() {
    let (mut read, mut ambiguous) = (0, 0);
    for example in corpus(1) {
        let text = PHONE_NUMBER_UTIL.format(&example, PhoneNumberFormat::E164);
        let Ok(ours) = number(&text, None) else { continue };
        read += 1;
        let spaced = PHONE_NUMBER_UTIL.format(&example, PhoneNumberFormat::International);
        assert_eq!(normalise(&spaced, None), Ok(ours.phone), "{spaced}");
        assert_eq!(normalise(&text.replacen('+', "00", 1), Some(ours.region)), Ok(ours.phone), "{text}");
        let national = PHONE_NUMBER_UTIL.format(&example, PhoneNumberFormat::National);
        match normalise(&national, Region::parse(ours.region.as_str())) {
            Ok(phone) => assert_eq!(phone, ours.phone, "{national} in {}", ours.region),
            Err(problem) => {
                ambiguous += 1;
                assert!(
                    matches!(problem.reason, Reason::AmbiguousNumber | Reason::Letters),
                    "{national} {}: {problem:?}",
                    ours.region
                );
            }
        }
    }
    assert!(read > 500 && ambiguous * 50 < read, "{read} {ambiguous}");
}
