//! Finds the columns the campaign needs in the list's header, and says everything that does not fit at once.

use super::{AudienceSpec, HeaderProblem, Region};

/// A spreadsheet has at most 16,384 columns; a list of people never comes near a quarter of that.
const MOST_COLUMNS: usize = 4096;

/// Header names, folded by [`letters`], that obviously are the phone's. English, Spanish, Portuguese, French, German, Italian.
const PHONES: [&str; 38] = [
    "phone",
    "phonenumber",
    "phoneno",
    "mobile",
    "mobilephone",
    "mobilenumber",
    "mobileno",
    "mobil",
    "cell",
    "cellphone",
    "cellnumber",
    "cellular",
    "tel",
    "telephone",
    "telephonenumber",
    "telefono",
    "telefonomovil",
    "telefonocelular",
    "numerodetelefono",
    "numerotelefono",
    "telefone",
    "celular",
    "numerocelular",
    "movil",
    "whatsapp",
    "whatsappnumber",
    "numerowhatsapp",
    "waid",
    "msisdn",
    "handy",
    "handynummer",
    "telefon",
    "telefonnummer",
    "mobilnummer",
    "gsm",
    "fone",
    "cellulare",
    "numerodecelular",
];

/// Where the columns stand.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) phone: usize,
    pub(super) country: Option<usize>,
    pub(super) consent: Option<usize>,
    pub(super) language: Option<usize>,
    pub(super) timezone: Option<usize>,
    pub(super) values: Vec<usize>,
}

/// Finds the columns, from `names` (which stand from `first` on in a record). Problems are added to `problems`.
pub(super) fn find(names: &[String], first: usize, spec: &AudienceSpec, problems: &mut Vec<HeaderProblem>) -> Columns {
    if names.len() > MOST_COLUMNS {
        problems.push(HeaderProblem::TooManyColumns { count: names.len(), limit: MOST_COLUMNS });
        return Columns::default();
    }
    let before = problems.len();
    let mut look = |role: &'static str, wanted: &str| match look_up(names, role, wanted) {
        Ok(at) => Some(at + first),
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let country = spec.country_column.as_deref().and_then(|name| look("the country", name));
    let consent = spec.consent.as_deref().and_then(|name| look("the consent", name));
    let language = spec.language.as_deref().and_then(|name| look("the language", name));
    let timezone = spec.timezone.as_deref().and_then(|name| look("the time zone", name));
    let values = spec.columns.iter().filter_map(|name| look("the campaign's texts", name)).collect();
    let phone = match spec.phone.as_deref() {
        Some(name) => look("the phone number", name).unwrap_or_default(),
        None => match guess_phone(names) {
            Ok(at) => at + first,
            Err(problem) => {
                problems.push(problem);
                0
            }
        },
    };
    // Without a header every name is missing: one sentence says more than ten.
    if problems.len() > before && names.iter().any(|name| is_number(name)) {
        problems.truncate(before);
        problems.push(HeaderProblem::NoHeader);
    }
    Columns { phone, country, consent, language, timezone, values }
}

fn look_up(names: &[String], role: &'static str, wanted: &str) -> Result<usize, HeaderProblem> {
    let ambiguous = |count| HeaderProblem::Ambiguous { role, wanted: wanted.to_owned(), count };
    let mut exact = names.iter().enumerate().filter(|(_, name)| *name == wanted);
    if let Some((at, _)) = exact.next() {
        return match exact.count() {
            0 => Ok(at),
            more => Err(ambiguous(more + 1)),
        };
    }
    let key = folded(wanted);
    let mut close = names.iter().enumerate().filter(|(_, name)| folded(name) == key);
    match (close.next(), close.count()) {
        (Some((at, _)), 0) => Ok(at),
        (Some(_), more) => Err(ambiguous(more + 1)),
        (None, _) => Err(HeaderProblem::Missing { role, wanted: wanted.to_owned(), suggestion: nearest(names, &key) }),
    }
}

fn guess_phone(names: &[String]) -> Result<usize, HeaderProblem> {
    let fitting: Vec<usize> =
        (0..names.len()).filter(|&i| names.get(i).is_some_and(|n| PHONES.contains(&letters(n).as_str()))).collect();
    match *fitting.as_slice() {
        [at] => Ok(at),
        [] => Err(HeaderProblem::NoPhoneColumn),
        _ => Err(HeaderProblem::SeveralPhoneColumns { names: fitting.iter().filter_map(|&i| names.get(i).cloned()).collect() }),
    }
}

/// The name that was probably meant: as near as one slip in three letters.
fn nearest(names: &[String], key: &str) -> Option<String> {
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&folded(name), key), name))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, _)| distance * 3 <= key.chars().count())
        .map(|(_, name)| name.clone())
}

/// Case and spaces do not make a different column.
fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Letters and digits only, lower case, without the accents of the languages above.
fn letters(name: &str) -> String {
    let plain = |c: char| match c {
        'á' | 'à' | 'ã' | 'â' => 'a',
        'é' | 'è' | 'ê' => 'e',
        'í' | 'ì' => 'i',
        'ó' | 'ò' | 'õ' | 'ô' => 'o',
        'ú' | 'ù' | 'ü' => 'u',
        other => other,
    };
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).map(plain).collect()
}

/// Whether a header cell is a phone number, so that the header is a row.
fn is_number(name: &str) -> bool {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    (7..=15).contains(&digits) && !name.chars().any(char::is_alphabetic)
}

/// The campaign's default country, checked.
pub(super) fn country(spec: &AudienceSpec, problems: &mut Vec<HeaderProblem>) -> Option<Region> {
    let code = spec.country.as_deref()?;
    let region = Region::parse(code);
    if region.is_none() {
        problems.push(HeaderProblem::UnknownCountry(code.to_owned()));
    }
    region
}
