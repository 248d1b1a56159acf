//! A country or territory by its two letters. Only regions with a numbering plan exist here.

use std::fmt;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::{Serialize, Serializer};

/// An ISO 3166-1 region (`MX`, `BR`), as far as the numbering plans know it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region([u8; 2]);

impl Region {
    /// What stands in a row before it is filled: no such country is assigned.
    pub(super) const NONE: Region = Region(*b"ZZ");

    /// The region with these two upper-case letters; `None` when there is no numbering plan for it.
    pub fn parse(code: &str) -> Option<Region> {
        let bytes: [u8; 2] = code.as_bytes().try_into().ok()?;
        let region = Region(bytes);
        (bytes.iter().all(u8::is_ascii_uppercase) && region.calling_code().is_some()).then_some(region)
    }

    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The country calling code, without the plus.
    pub fn calling_code(self) -> Option<u16> {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(self.to_library()?)?;
        u16::try_from(code).ok()
    }

    pub(super) fn to_library(self) -> Option<rlibphonenumber::Region> {
        rlibphonenumber::Region::from_code(self.as_str()).ok()
    }

    /// `None` for what belongs to no country (+800, +870, +883 …).
    pub(super) fn from_library(region: rlibphonenumber::Region) -> Option<Region> {
        region.as_region_str().as_bytes().try_into().ok().map(Region)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Region;

    #[test]
    fn only_upper_case_regions_with_a_numbering_plan() {
        assert_eq!(Region::parse("MX").map(|r| r.to_string()).as_deref(), Some("MX"));
        assert_eq!(Region::parse("MX").and_then(Region::calling_code), Some(52));
        for bad in ["mx", "MEX", "", "ZZ", "001", "M1", "ñ"] {
            assert_eq!(Region::parse(bad), None, "{bad}");
        }
    }
}
