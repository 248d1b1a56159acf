//! Currencies: which codes exist, how many decimals each has, and exact amounts.

use super::Value;

/// How many decimals a currency has; `None` when the code is not one of ISO 4217 (table A.1; funds, metals and test codes left out).
pub(super) fn exponent(code: &str) -> Option<u32> {
    Some(match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV" | "XAF" | "XOF"
        | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "AED" | "AFN" | "ALL" | "AMD" | "AOA" | "ARS" | "AUD" | "AWG" | "AZN" | "BAM" | "BBD" | "BDT" | "BGN" | "BMD" | "BND"
        | "BOB" | "BRL" | "BSD" | "BTN" | "BWP" | "BYN" | "BZD" | "CAD" | "CDF" | "CHF" | "CNY" | "COP" | "CRC" | "CUP"
        | "CVE" | "CZK" | "DKK" | "DOP" | "DZD" | "EGP" | "ERN" | "ETB" | "EUR" | "FJD" | "FKP" | "GBP" | "GEL" | "GHS"
        | "GIP" | "GMD" | "GTQ" | "GYD" | "HKD" | "HNL" | "HTG" | "HUF" | "IDR" | "ILS" | "INR" | "IRR" | "JMD" | "KES"
        | "KGS" | "KHR" | "KPW" | "KYD" | "KZT" | "LAK" | "LBP" | "LKR" | "LRD" | "LSL" | "MAD" | "MDL" | "MGA" | "MKD"
        | "MMK" | "MNT" | "MOP" | "MRU" | "MUR" | "MVR" | "MWK" | "MXN" | "MYR" | "MZN" | "NAD" | "NGN" | "NIO" | "NOK"
        | "NPR" | "NZD" | "PAB" | "PEN" | "PGK" | "PHP" | "PKR" | "PLN" | "QAR" | "RON" | "RSD" | "RUB" | "SAR" | "SBD"
        | "SCR" | "SDG" | "SEK" | "SGD" | "SHP" | "SLE" | "SOS" | "SRD" | "SSP" | "STN" | "SVC" | "SYP" | "SZL" | "THB"
        | "TJS" | "TMT" | "TOP" | "TRY" | "TTD" | "TWD" | "TZS" | "UAH" | "USD" | "UYU" | "UZS" | "VED" | "VES" | "WST"
        | "XCD" | "XCG" | "YER" | "ZAR" | "ZMW" | "ZWG" => 2,
        _ => return None,
    })
}

impl Value<String> {
    /// A currency's amount in thousandths, the provider's unit, exactly; `None` for other values and for an amount that is no number or
    /// has more than three decimals.
    pub fn amount_1000(&self) -> Option<i64> {
        match self {
            Self::Currency { amount, .. } => thousandths(amount),
            Self::Text(_) | Self::DateTime { .. } => None,
        }
    }
}

/// An amount in thousandths, exactly.
pub(super) fn thousandths(amount: &str) -> Option<i64> {
    let thousandths = super::helper::plain_number(amount).ok()?.checked_mul(rust_decimal::Decimal::ONE_THOUSAND)?;
    if thousandths.fract().is_zero() { i64::try_from(thousandths.trunc()).ok() } else { None }
}
