//! Spellings of real numbers that the numbering plans of today no longer hold, but that lists and phones' address books still do.
//!
//! In: a country code and the national digits, which are no valid number. Out: the digits they mean today.

/// What the national number `national`, with `zeros` zeros in front of it, means today.
///
/// - Brazil: eight digits of a mobile want their ninth in front (Anatel, 2012–2016).
/// - Mexico: the `1` of mobiles called from abroad and the prefixes `01`, `044`, `045` ended in August 2019 (IFT).
pub(super) fn today(calling_code: i32, national: u64, zeros: u32) -> Option<u64> {
    const TEN_DIGITS: std::ops::Range<u64> = 1_000_000_000..10_000_000_000;
    match calling_code {
        55 if zeros == 0 && TEN_DIGITS.contains(&national) => {
            let (area, subscriber) = (national / 100_000_000, national % 100_000_000);
            (subscriber >= 60_000_000).then_some(area * 1_000_000_000 + 900_000_000 + subscriber)
        }
        52 => {
            let (prefix, number) = (national / 10_000_000_000, national % 10_000_000_000);
            let old = matches!((zeros, prefix), (0 | 1, 1) | (1, 44 | 45));
            (old && TEN_DIGITS.contains(&number)).then_some(number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::today;

    #[test]
    fn old_spellings() {
        assert_eq!(today(55, 1_187_654_321, 0), Some(11_987_654_321));
        assert_eq!(today(55, 1_132_345_678, 0), None);
        assert_eq!(today(52, 15_512_345_678, 0), Some(5_512_345_678), "1");
        assert_eq!(today(52, 15_512_345_678, 1), Some(5_512_345_678), "01");
        assert_eq!(today(52, 445_512_345_678, 1), Some(5_512_345_678), "044");
        assert_eq!(today(52, 465_512_345_678, 1), None, "046");
        assert_eq!(today(49, 15_512_345_678, 0), None);
    }
}
