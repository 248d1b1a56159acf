//! Stored numbers and texts back into values. A number that this version never writes is [`LedgerError::Corrupt`].

use super::cells::Cells;
use crate::audience::Phone;
use crate::campaign::OnUnknown;
use crate::outbound::ledger::{LedgerError, RouteTaken, SenderNo};
use crate::outbound::status::{Flags, RunState, Standing, State};
use crate::time::Timestamp;

pub(super) fn corrupt(what: &'static str, value: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Corrupt { what, value: value.to_string() }
}

/// The numbers of [`OnUnknown`] in the ledger.
pub(super) const fn on_unknown_code(value: OnUnknown) -> i64 {
    match value {
        OnUnknown::Auto => 0,
        OnUnknown::AtMostOnce => 1,
        OnUnknown::AtLeastOnce => 2,
        OnUnknown::Hold => 3,
    }
}

pub(super) fn on_unknown(code: i64) -> Result<OnUnknown, LedgerError> {
    [OnUnknown::Auto, OnUnknown::AtMostOnce, OnUnknown::AtLeastOnce, OnUnknown::Hold]
        .into_iter()
        .find(|value| on_unknown_code(*value) == code)
        .ok_or_else(|| corrupt("policy for unknown outcomes", &code))
}

pub(super) fn run_state(code: i64) -> Result<RunState, LedgerError> {
    RunState::from_code(code).ok_or_else(|| corrupt("run state", &code))
}

pub(super) fn state(code: i64) -> Result<State, LedgerError> {
    State::from_code(code).ok_or_else(|| corrupt("delivery state", &code))
}

pub(super) fn phone(digits: i64) -> Result<Phone, LedgerError> {
    // The number itself is not repeated: errors are logged.
    u64::try_from(digits).ok().and_then(Phone::from_digits).ok_or_else(|| corrupt("phone number", &"not 7 to 15 digits"))
}

pub(super) fn person(phone: Phone) -> i64 {
    // At most 15 digits: always fits.
    phone.digits().cast_signed()
}

pub(super) fn sender(no: i64) -> Result<SenderNo, LedgerError> {
    i16::try_from(no).map(SenderNo).map_err(|_| corrupt("sender number", &no))
}

/// The route of the latest intent; 0 before there is one.
pub(super) fn route(code: i64) -> Result<Option<RouteTaken>, LedgerError> {
    match code {
        0 => Ok(None),
        1 => Ok(Some(RouteTaken::FreeForm)),
        2 => Ok(Some(RouteTaken::Template)),
        _ => Err(corrupt("route", &code)),
    }
}

pub(super) fn small(what: &'static str, value: i64) -> Result<u16, LedgerError> {
    u16::try_from(value).map_err(|_| corrupt(what, &value))
}

/// The columns `state, tries, gen, flags, due_at`, from `at` on.
pub(super) fn standing(row: &impl Cells, at: usize) -> Result<Standing, LedgerError> {
    Ok(Standing {
        state: state(row.int(at)?)?,
        tries: small("number of tries", row.int(at + 1)?)?,
        generation: small("generation", row.int(at + 2)?)?,
        flags: Flags(row.int(at + 3)?),
        due_at: Timestamp(row.int(at + 4)?),
    })
}
