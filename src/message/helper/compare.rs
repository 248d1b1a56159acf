//! Helpers for conditions.

use std::cmp::Ordering;

use super::{Arguments, number};
use crate::message::program::Val;
use crate::message::row::Fault;

pub(super) fn eq<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    Val::Bool(with.get(0) == with.get(1))
}

pub(super) fn ne<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    Val::Bool(with.get(0) != with.get(1))
}

pub(super) fn gt<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    numbers(with, Ordering::is_gt)
}

pub(super) fn gte<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    numbers(with, Ordering::is_ge)
}

pub(super) fn lt<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    numbers(with, Ordering::is_lt)
}

pub(super) fn lte<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    numbers(with, Ordering::is_le)
}

fn numbers<'a>(with: &Arguments<'_, 'a>, holds: fn(Ordering) -> bool) -> Result<Val<'a>, Fault> {
    Ok(Val::Bool(holds(number::plain(with.get(0))?.cmp(&number::plain(with.get(1))?))))
}

pub(super) fn and<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    Val::Bool(with.values.iter().all(Val::is_true))
}

pub(super) fn or<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    Val::Bool(with.values.iter().any(Val::is_true))
}

pub(super) fn not<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    Val::Bool(!with.values.iter().any(Val::is_true))
}
