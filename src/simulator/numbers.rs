//! The business numbers of the simulated account.
//!
//! In: the settings, or any id when none are set. Out: what a number is called, whom it belongs to, and its limit.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::config::NumberConfig;
use super::limits::NumberLimit;

/// One number at work.
#[derive(Debug)]
pub(super) struct Number {
    /// Its settings.
    pub(super) config: NumberConfig,
    /// The digits of the number people see.
    pub(super) digits: String,
    /// What it may send.
    pub(super) limit: NumberLimit,
}

impl Number {
    fn new(config: NumberConfig) -> Self {
        let limit = config.hidden_limit_per_second.unwrap_or(config.limit_per_second);
        let digits = config.display_phone_number.chars().filter(char::is_ascii_digit).collect();
        Self { limit: NumberLimit::new(limit), digits, config }
    }

    /// Its country calling code, by the lengths of the numbering plan: 1 and 7 stand alone, 44 codes have two digits.
    pub(super) fn country_code(&self) -> &str {
        const TWO: [&str; 44] = [
            "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51",
            "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90",
            "91", "92", "93", "94", "95", "98",
        ];
        let length = match self.digits.as_bytes() {
            [b'1' | b'7', ..] => 1,
            _ if TWO.iter().any(|code| self.digits.starts_with(code)) => 2,
            _ => 3,
        };
        self.digits.get(..length).unwrap_or("")
    }
}

/// All numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    any: bool,
    by_id: RwLock<HashMap<String, Arc<Number>>>,
}

impl Numbers {
    /// The numbers of the settings; any id at all when there are none.
    pub(super) fn new(configs: &[NumberConfig]) -> Self {
        let by_id = configs.iter().map(|config| (config.id.clone(), Arc::new(Number::new(config.clone())))).collect();
        Self { any: configs.is_empty(), by_id: RwLock::new(by_id) }
    }

    /// The number `id`, if it exists.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Number>> {
        if let Some(number) = self.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Some(Arc::clone(number));
        }
        let looks_like_an_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if !self.any || !looks_like_an_id {
            return None;
        }
        let mut by_id = self.by_id.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Number::new(NumberConfig { id: id.to_owned(), ..NumberConfig::default() }));
        Some(Arc::clone(by_id.entry(id.to_owned()).or_insert_with(new)))
    }

    /// The numbers of an account that are known by now, in the order of their ids.
    pub(super) fn of_account(&self, waba_id: &str) -> Vec<Arc<Number>> {
        let by_id = self.by_id.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = by_id.values().filter(|number| number.config.waba_id == waba_id).cloned().collect();
        all.sort_by(|a, b| a.config.id.cmp(&b.config.id));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn country_codes_have_one_two_or_three_digits() {
        let code = |display: &str| {
            let config = NumberConfig { display_phone_number: display.into(), ..NumberConfig::default() };
            Number::new(config).country_code().to_owned()
        };
        assert_eq!([code("+1 555 078 3881"), code("+52 55 1234 5678"), code("+351 21 000 0000")], ["1", "52", "351"]);
    }

    #[test]
    fn unknown_ids_exist_only_when_none_are_set() {
        let strict = Numbers::new(&[NumberConfig { id: "7".into(), ..NumberConfig::default() }]);
        assert!(strict.get("7").is_some() && strict.get("8").is_none());
        let open = Numbers::new(&[]);
        assert!(open.get("8").is_some() && open.get("message_templates").is_none());
    }
}
