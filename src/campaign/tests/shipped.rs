//! The campaigns under `campaigns/`: nothing is said about them, and their lists are what they say.

use std::path::Path;

use super::*;

fn campaigns() -> impl Iterator<Item = (std::path::PathBuf, String)> {
    ["demo", "carousel", "coupon_offer"].into_iter().map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("campaigns/{name}.toml"));
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    })
}

#[test]
fn nothing_is_said_about_them() {
    for (path, text) in campaigns() {
        let text = text.as_str();
        let shown = match parse(text, &Context { senders: Some(demo()), now: NOW }) {
            Ok((_, problems)) | Err(problems) => diagnostic::lines(&problems, &path.to_string_lossy(), text),
        };
        assert_eq!(shown, "");
        assert!(super::schema::valid(&schema(), &super::schema::document(text)), "{}", path.display());
    }
}

/// The demo's senders as its settings have them, without limits of their own.
fn demo() -> BTreeMap<String, KnownSender> {
    let sender = KnownSender { provider: "meta".to_owned(), idempotent: false, rate: None };
    ["demo", "demo-2"].into_iter().map(|name| (name.to_owned(), sender.clone())).collect()
}

/// Of the numbers in a list (without the 1 that Mexican mobile numbers once had after the country's code) at most 1 % are none, the others are mobile numbers; every column a text names is in the header.
#[test]
fn their_lists_are_of_realistic_shape() {
    let util = &rlibphonenumber::PHONE_NUMBER_UTIL;
    for (path, text) in campaigns() {
        let (campaign, _) = parse(&text, &Context { senders: None, now: NOW }).unwrap();
        let AudienceFile::Path(file) = &campaign.audience.file else { panic!("a file") };
        let bytes = std::fs::read(path.parent().unwrap().join(file)).unwrap();
        let encoding = campaign.audience.encoding.as_deref().unwrap_or("utf-8");
        let (list, _, damaged) = encoding_rs::Encoding::for_label(encoding.as_bytes()).unwrap().decode(&bytes);
        assert!(!damaged);
        let delimiter = campaign.audience.delimiter.unwrap_or(b',');
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(list.as_bytes());
        let header = reader.headers().unwrap().clone();
        let column = header.iter().position(|name| Some(name) == campaign.audience.phone.as_deref()).unwrap();
        let (mut rows, mut bad) = (0, 0);
        for row in reader.records() {
            rows += 1;
            let row = row.unwrap();
            let number = util.parse(row.get(column).unwrap().replace("+52 1 ", "+52 "), Some(rlibphonenumber::Region::MX));
            if !number.is_ok_and(|number| util.is_valid_number(&number)) {
                bad += 1;
            }
        }
        assert!(rows >= 300 && bad > 0 && bad * 100 <= rows, "{}: {bad} of {rows}", path.display());
        let message = crate::message::Message::Template(campaign.template.unwrap().message);
        message.visit(|slot, source| {
            for name in source.text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap()) {
                assert!(header.iter().any(|column| column == name), "{slot}: {name}");
            }
        });
    }
}
