//! The helper that writes amounts of money.

use std::borrow::Cow;

use super::{Arguments, number};
use crate::message::currency;
use crate::message::program::Val;
use crate::message::row::{Fault, Rule, excerpt};

pub(super) fn money<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    let code = with.get(1);
    let exponent = currency::exponent(code).ok_or_else(|| Fault::new(Rule::Currency, unknown(code)))?;
    let mut amount = number::read(with, exponent)?.normalize();
    if amount.scale() > exponent {
        return Err(Fault::new(
            Rule::Currency,
            format!("{} has more decimals than {code}, which has {exponent}; round it in the list", excerpt(with.get(0))),
        ));
    }
    amount.rescale(exponent);
    Ok(Val::Text(Cow::Owned(with.locale()?.money(&amount, code))))
}

fn unknown(code: &str) -> String {
    format!("{} is not a currency; write its ISO 4217 code, such as 'MXN'", excerpt(code))
}

pub(super) fn check(values: &[Option<String>], options: &[(&str, Option<String>)]) -> Result<(), String> {
    match values.get(1) {
        Some(Some(code)) if currency::exponent(code).is_none() => Err(unknown(code)),
        _ => number::check(values, options),
    }
}
