//! Why a record cannot be used. A closed list: reports and the file of rejects count by it.

use std::fmt;

/// One record that cannot be used, and what to do about it.
#[derive(Clone, PartialEq, Eq)]
pub struct Reject {
    /// The physical line of the file, from 1, where the record begins.
    pub line: u64,
    /// The column whose value is wrong; `None` when the record as a whole is.
    pub column: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The value as it stood in the file, at most 256 bytes of it.
    pub value: String,
    /// What it should probably be.
    pub suggestion: Option<String>,
}

/// How much of an offending value is kept, in bytes: enough to find it, not enough to fill the memory.
pub(super) const VALUE_LIMIT: usize = 256;

impl fmt::Debug for Reject {
    /// Value and suggestion hold personal data: only their presence is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reject")
            .field("line", &self.line)
            .field("column", &self.column)
            .field("reason", &self.reason)
            .field("value_bytes", &self.value.len())
            .field("suggested", &self.suggestion.is_some())
            .finish()
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $code:literal $sentence:literal;)+) => {
        /// Why a record was rejected.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            /// The word for machines. It never changes.
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $code,)+ }
            }

            /// What is wrong and what to do, for people.
            pub fn message(self) -> &'static str {
                match self { $(Reason::$name => $sentence,)+ }
            }
        }
    };
}

reasons! {
    /// The phone cell is empty.
    MissingNumber "missing_number" "there is no phone number: fill it in";
    /// No numbering plan has this number.
    InvalidNumber "invalid_number" "no such phone number can exist: check its digits";
    /// Fewer digits than any number of its country.
    TooShort "too_short" "the phone number is too short: digits are missing (short codes cannot be written to)";
    /// More digits than any number of its country.
    TooLong "too_long" "the phone number is too long: digits are repeated or two numbers run together";
    /// It begins with a country code nobody has.
    UnknownCallingCode "unknown_calling_code" "no country has this calling code: check the digits after the plus sign";
    /// No country code and no default country.
    MissingCountryCode "missing_country_code" "the country code is missing: write the number with its plus sign, or name the list's country";
    /// The country column holds no region code.
    UnknownCountry "unknown_country" "the country is unknown: write its two letters, such as MX";
    /// With and without a plus sign it is a different number of the same country.
    AmbiguousNumber "ambiguous_number" "the number can be read with and without its country code: write it with its plus sign";
    /// `9.19876E+11`.
    ScientificNotation "scientific_notation" "a spreadsheet shortened the number: format the column as text and export again";
    /// `919876543210.0`.
    DecimalNumber "decimal_number" "a spreadsheet made the number a decimal: format the column as text and export again";
    /// `=+91…`.
    Formula "formula" "the cell is a formula: format the column as text and export again";
    /// `NULL`, `N/A`, `#REF!`.
    Placeholder "placeholder" "the cell says that there is no value: fill it in";
    /// An address instead of a number.
    EmailAddress "email_address" "this is an e-mail address: is the right column named as the phone's?";
    /// Letters in the number.
    Letters "letters" "the phone number holds letters: write digits only";
    /// `x12`, `ext. 12`.
    Extension "extension" "an extension cannot be written to: leave it out, or take another number";
    /// Two numbers in a cell.
    TwoNumbers "two_numbers" "the cell holds two numbers: keep one";
    /// `-5512345678`.
    NegativeNumber "negative_number" "the number is negative: a spreadsheet calculated with it";
    /// Neither digits nor anything above.
    NotANumber "not_a_number" "this is not a phone number";
    /// Callers pay extra.
    PremiumRate "premium_rate" "a premium-rate number cannot have WhatsApp";
    /// Caller and callee share the price.
    SharedCost "shared_cost" "a shared-cost number cannot have WhatsApp";
    /// Free for callers.
    TollFree "toll_free" "a toll-free number is a company's, not a person's";
    /// One number for all branches of a company.
    UniversalAccess "universal_access" "a universal access number is a company's, not a person's";
    /// A pager.
    Pager "pager" "a pager cannot have WhatsApp";
    /// A mailbox.
    Voicemail "voicemail" "a voicemail access number cannot have WhatsApp";
    /// +800, +870, +883 …: no country.
    NonGeographic "non_geographic" "the number belongs to no country (satellite, global service): no price and no rule exist for it";
    /// The person stands in the list already.
    Duplicate "duplicate" "the same person stands in the list already: the first row counts";
    /// One of our own sending numbers.
    OwnNumber "own_number" "this is one of the sending numbers themselves";
    /// Fewer cells than the header.
    RowTooShort "row_too_short" "the row has fewer cells than the header: a cell or a delimiter is missing";
    /// More cells than the header.
    RowTooLong "row_too_long" "the row has more cells than the header: put cells that hold the delimiter into quotes";
    /// The file ends within the row.
    UnfinishedRow "unfinished_row" "the file ends in the middle of this row: was it uploaded completely?";
    /// Bytes that are no text in the list's encoding.
    BadEncoding "bad_encoding" "the cell is not in the list's encoding: name the encoding, or export again as UTF-8";
    /// A NUL byte.
    NulByte "nul_byte" "the cell holds a NUL byte: the file is damaged, export it again";
    /// Quotes escaped with backslashes.
    BadQuoting "bad_quoting" "quotes are escaped with backslashes: CSV doubles them, export again";
    /// No such time zone.
    InvalidTimezone "invalid_timezone" "no such time zone: write an IANA name, such as America/Mexico_City";
    /// Not a language tag.
    InvalidLanguage "invalid_language" "this is not a language: write a tag, such as es_MX";
}

impl Reason {
    /// Whether it counts towards the limit of bad rows. A person who stands there twice does not make a list bad.
    pub fn is_bad(self) -> bool {
        self != Reason::Duplicate
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}
