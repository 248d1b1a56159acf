//! Words that mean yes. Everything else means no: consent is never guessed.

use super::Consent;

/// English, Spanish, Portuguese, French, German, Italian, and what forms and databases write.
const YES: [&str; 20] = [
    "yes",
    "y",
    "true",
    "t",
    "1",
    "on",
    "si",
    "sí",
    "si\u{301}",
    "s",
    "sim",
    "oui",
    "ja",
    "sì",
    "opt-in",
    "opt_in",
    "opted-in",
    "opted_in",
    "subscribed",
    "granted",
];

/// Reads a cell of the consent column; case and surrounding spaces do not matter.
pub(super) fn read(cell: &str) -> Consent {
    let word = cell.trim();
    // Longer than every word of the list: no need to fold it.
    if word.len() > 16 {
        return Consent::No;
    }
    let yes = YES.contains(&word) || YES.contains(&word.to_lowercase().as_str());
    if yes { Consent::Yes } else { Consent::No }
}
