//! What every value must mean, and what is said when it does not.

use super::*;

/// A marketing campaign with `lines` in its template.
fn carousel(lines: &str) -> String {
    let small = small_with("\"utility\"", "\"marketing\"");
    format!("{}{lines}\n", small.replace("[template]", "consent = \"ok\"\n[template]"))
}

#[test]
fn names_of_campaigns() {
    says(
        &small_with("\"spring-sale\"", "\"Spring Sale\""),
        &[
            "1:9: error[bad_name]: no name of a campaign — write 1 to 64 lower-case letters, digits, `-` and `_`, a letter or digit first",
        ],
    );
}

#[test]
fn names_that_are_too_long() {
    says(
        &small_with("spring-sale", &"x".repeat(65)),
        &[
            "1:9: error[bad_name]: no name of a campaign — write 1 to 64 lower-case letters, digits, `-` and `_`, a letter or digit first",
        ],
    );
}

#[test]
fn a_sender_named_twice() {
    says(
        &small_with("\"demo\"", "[\"demo\", \"demo\"]"),
        &["3:20: error[duplicate]: sender `demo` stands here twice — name it once"],
    );
}

#[test]
fn no_senders() {
    says(
        &small_with("\"demo\"", "[]"),
        &["3:10: error[out_of_range]: `sender` has a length of 0, outside 1 to 64 — give from 1 to 64"],
    );
}

#[test]
fn lengths_of_time_that_are_none() {
    says(
        &small_with("[audience]", "expires = \"soon\"\n[audience]"),
        &["5:12: error[bad_duration]: no length of time — write a time such as `12h`, `90m` or `2d`, at most `30d`"],
    );
}

#[test]
fn a_run_that_expires_at_once() {
    says(
        &small_with("[audience]", "expires = \"0h\"\n[audience]"),
        &[
            "5:12: error[bad_duration]: a run that expires at once would send nothing — write a time such as `12h`, `90m` or `2d`, at most `30d`",
        ],
    );
}

#[test]
fn a_run_that_expires_before_it_starts() {
    says(
        &small_with("[audience]", "expires = \"-2h\"\n[audience]"),
        &["5:12: error[bad_duration]: no length of time — write a time such as `12h`, `90m` or `2d`, at most `30d`"],
    );
}

#[test]
fn a_run_that_never_expires() {
    says(
        &small_with("[audience]", "expires = \"31d\"\n[audience]"),
        &["5:12: error[bad_duration]: longer than 30 days — write a time such as `12h`, `90m` or `2d`, at most `30d`"],
    );
}

#[test]
fn marketing_without_consent() {
    says(
        &small_with("utility", "marketing"),
        &[
            r#"5:11: warning[no_consent_column]: no column says who agreed to get marketing — name it with `consent = "…"`, or be sure that everyone in the list agreed"#,
        ],
    );
}

#[test]
fn columns_in_two_roles() {
    says(
        &small_with("spring.csv\"\n", "spring.csv\"\nphone = \"tel\"\nconsent = \"tel\"\nlanguage = \"{{x}}\"\n"),
        &[
            "8:12: error[bad_column]: column `tel` cannot be both `phone` and `consent` — give each its own column",
            "9:13: error[bad_column]: no name of a column — write the name as it stands in the audience's first row, without `{{` and `}}`",
        ],
    );
}

#[test]
fn countries() {
    says(
        &small_with("spring.csv\"\n", "spring.csv\"\ncountry = \"UK\"\n"),
        &["7:12: error[bad_country]: no country with phone numbers — write `GB` for the United Kingdom"],
    );
}

#[test]
fn countries_in_small_letters() {
    says(
        &small_with("spring.csv\"\n", "spring.csv\"\ncountry = \"mx\"\n"),
        &["7:12: error[bad_country]: no country with phone numbers — write it in capitals: `MX`"],
    );
}

#[test]
fn delimiters() {
    says(
        &small_with("spring.csv\"\n", "spring.csv\"\ndelimiter = \";;\"\nencoding = \"klingon\"\n"),
        &[
            r"7:14: error[bad_delimiter]: no field separator — write one character: `,`, `;`, `|` or `\t`; leave it out to have it guessed",
            "8:13: error[unknown_encoding]: no encoding that is known — write `utf-8`, `windows-1252`, `iso-8859-1` or `utf-16le`; leave it out to have it guessed",
        ],
    );
}

#[test]
fn absolute_paths() {
    says(
        &small_with("audiences/spring.csv", "/etc/passwd"),
        &[
            "6:9: error[outside_root]: the audience must lie inside the campaign's folder — write a path inside the campaign's folder, such as `audiences/spring.csv`",
        ],
    );
}

#[test]
fn windows_paths() {
    says(
        &small_with("audiences/spring.csv", "C:/lists/spring.csv"),
        &[
            "6:9: error[outside_root]: the audience must lie inside the campaign's folder — write a path inside the campaign's folder, such as `audiences/spring.csv`",
        ],
    );
}

#[test]
fn backslashes() {
    says(
        &small_with("\"audiences/spring.csv\"", "'audiences\\spring.csv'"),
        &[r"6:9: error[bad_file]: a path with `\` — separate folders with `/` on every system"],
    );
}

#[test]
fn paths_with_a_line_break() {
    says(
        &small_with("audiences/spring.csv", "audiences/a\\nb.csv"),
        &[
            "6:9: error[bad_file]: a path with a control character — write a path inside the campaign's folder, such as `audiences/spring.csv`",
        ],
    );
}

#[test]
fn spreadsheets() {
    says(
        &small_with("spring.csv", "spring.xlsx"),
        &["6:9: error[not_supported_yet]: spreadsheets are not supported yet — save the sheet as CSV (UTF-8)"],
    );
}

#[test]
fn routes_of_later() {
    says(
        &small_and("[route]\nprefer = \"cheapest\"\nfrequency = \"2 per 7d\""),
        &[
            "12:10: error[not_supported_yet]: `cheapest` is not supported yet — write `free_form` or `template`",
            "13:1: error[not_supported_yet]: `frequency` is not supported yet — leave people who had enough out of the audience's file",
        ],
    );
}

#[test]
fn words_nobody_knows() {
    says(
        &small_and("[route]\nprefer = \"free-form\"\non_unknown = \"whatever\""),
        &[
            "12:10: error[unknown_word]: `prefer` cannot be `free-form` — did you mean `free_form`?",
            "13:14: error[unknown_word]: `on_unknown` cannot be `whatever` — write one of `auto`, `at_most_once`, `at_least_once`, `hold`",
        ],
    );
}

#[test]
fn free_form_alone() {
    says(
        &small_with(
            "[template]\nname = \"spring_sale\"\nlanguage = \"es_MX\"\n",
            "[free_form]\nkind = \"text\"\nbody = \"Hola\"\n",
        ),
        &["8:2: warning[free_form_only]: people without an open window are left out — add a [template] to reach them"],
    );
}

#[test]
fn a_template_to_prefer_is_missing() {
    says(
        &small_with(
            "[template]\nname = \"spring_sale\"\nlanguage = \"es_MX\"\n",
            "[route]\nprefer = \"template\"\n[free_form]\nkind = \"text\"\nbody = \"Hola\"\n",
        ),
        &[
            "9:10: error[conflict]: there is no [template] to prefer — add a [template], or leave `prefer` out",
            "10:2: warning[free_form_only]: people without an open window are left out — add a [template] to reach them",
        ],
    );
}

#[test]
fn a_free_form_message_that_is_never_sent() {
    says(
        &small_and("[route]\nprefer = \"template\"\n[free_form]\nkind = \"text\"\nbody = \"Hola\""),
        &["13:2: warning[never_used]: [free_form] is never sent while the template is preferred — leave one of them out"],
    );
}

#[test]
fn confirmed_duplicates() {
    assert_eq!(said(&small_and("[route]\non_unknown = \"at_least_once\"\nconfirm = \"i_accept_duplicates\"")), "");
}

#[test]
fn marketing_asks_for_the_stronger_word() {
    says(
        &carousel("[route]\non_unknown = \"at_least_once\"\nconfirm = \"i_accept_duplicates\""),
        &[
            r#"13:14: error[needs_confirm]: `at_least_once` may send twice: sender `demo` (meta) cannot recognise a repeated request — write `on_unknown = "auto"`, or add `confirm = "i_accept_duplicate_marketing"`"#,
        ],
    );
}

#[test]
fn forced_duplicates_of_marketing() {
    assert_eq!(said(&carousel("[route]\non_unknown = \"at_least_once\"\nconfirm = \"i_accept_duplicate_marketing\"")), "");
}

#[test]
fn a_provider_that_recognises_repeats_needs_no_confirm() {
    assert_eq!(said(&small_with("\"demo\"\n", "\"steady\"\nroute.on_unknown = \"at_least_once\"\n")), "");
}

#[test]
fn empty_texts() {
    says(
        &small_and("[free_form]\nkind = \"text\"\nbody = \"  \""),
        &["13:9: error[empty]: an empty text — write something: providers refuse empty texts"],
    );
}

#[test]
fn long_texts() {
    says(
        &small_and(&format!("[free_form]\nkind = \"text\"\nbody = \"{}\"", "ñ".repeat(4097))),
        &["13:9: error[too_long]: 4097 characters, at most 4096 are allowed — make it shorter"],
    );
}

#[test]
fn captions_of_stickers() {
    says(
        &small_and("[free_form]\nkind = \"sticker\"\nsticker = \"https://cdn.example/a.webp\"\ncaption = \"no\""),
        &[
            "14:1: error[unknown_key]: unknown key `caption` in `free_form` of kind `sticker` — it belongs into [free_form] of kind `image` or [free_form] of kind `video` or [free_form] of kind `document`; known here: `kind`, `sticker`, `link`, `id`",
        ],
    );
}

#[test]
fn kinds_of_later() {
    says(
        &small_and("[free_form]\nkind = \"list\"\nbody = \"x\"\nsections = []"),
        &["12:8: error[not_supported_yet]: `list` is not supported yet — send `buttons`, at most three"],
    );
}

#[test]
fn kinds_nobody_knows() {
    says(
        &small_and("[free_form]\nkind = \"pictur\"\nbody = \"x\""),
        &[
            "12:8: error[unknown_word]: `kind` cannot be `pictur` — write one of `text`, `image`, `video`, `audio`, `document`, `sticker`, `buttons`",
        ],
    );
}

#[test]
fn no_kind() {
    says(
        &small_and("[free_form]\nbody = \"x\""),
        &[
            r#"11:12: error[missing_key]: `free_form` lacks `kind` — add `kind = "…"`: `text`, `image`, `video`, `audio`, `document`, `sticker`, `buttons`"#,
        ],
    );
}

#[test]
fn two_places_of_a_file() {
    says(
        &small_and("[free_form]\nkind = \"image\"\nimage = \"https://cdn.example/a.jpg\"\nid = \"12\""),
        &["14:1: error[conflict]: `image` and `id` exclude each other — keep one of them"],
    );
}

#[test]
fn local_files() {
    says(
        &small_and("[free_form]\nkind = \"image\"\nimage = \"media/spring.jpg\""),
        &[
            r#"13:10: error[not_supported_yet]: uploading local files is not supported yet — give an `https://` link, or upload the file and give `{ id = "…" }`"#,
        ],
    );
}

#[test]
fn links_that_are_not_https() {
    says(
        &small_and("[free_form]\nkind = \"image\"\nlink = \"http://cdn.example/a.jpg\""),
        &[
            r#"13:9: error[bad_link]: a link that does not begin with `https://` — providers fetch media over https only; give an https link or `{ id = "…" }`"#,
        ],
    );
}

#[test]
fn links_that_run_code() {
    says(
        &small_and("header = { image = \"javascript:alert(1)\" }"),
        &[
            r#"11:21: error[bad_link]: a link that does not begin with `https://` — providers fetch media over https only; give an https link or `{ id = "…" }`"#,
        ],
    );
}

#[test]
fn links_that_are_whole_variables() {
    assert_eq!(said(&small_and("[free_form]\nkind = \"image\"\nimage = \"{{picture}}\"")), "");
}

#[test]
fn reply_buttons() {
    says(
        &small_and(
            "[free_form]\nkind = \"buttons\"\nbody = \"¿Sí?\"\nbuttons = [{ id = \"a\", title = \"Sí\" }, { id = \"a\", title = \"Sí\" }, { id = \"b\", title = \"Un título demasiado largo\" }]",
        ),
        &[
            "14:48: error[duplicate]: two buttons with the same id — give each button its own",
            "14:61: error[duplicate]: two buttons with the same title — give each button its own",
            "14:89: error[too_long]: 25 characters, at most 20 are allowed — make it shorter",
        ],
    );
}

#[test]
fn four_reply_buttons() {
    says(
        &small_and(
            "[free_form]\nkind = \"buttons\"\nbody = \"x\"\nbuttons = [{id=\"a\",title=\"1\"},{id=\"b\",title=\"2\"},{id=\"c\",title=\"3\"},{id=\"d\",title=\"4\"}]",
        ),
        &["14:11: error[out_of_range]: `buttons` has a length of 4, outside 1 to 3 — give from 1 to 3"],
    );
}

#[test]
fn template_names() {
    says(
        &small_with("\"spring_sale\"", "\"Spring-Sale\""),
        &[
            "9:9: error[bad_name]: no name of a template — template names have lower-case letters, digits and `_` only; copy it from the provider's catalogue",
        ],
    );
}

#[test]
fn fallbacks_never_taken() {
    says(
        &small_and("fallback_language = \"es\""),
        &[
            r#"11:22: warning[never_used]: `language` is the same for everyone, so the fallback is never taken — leave `fallback_language` out, or write `language = "{{column}}"`"#,
        ],
    );
}

#[test]
fn fallbacks_that_are_no_language() {
    says(
        &small_with("\"es_MX\"", "\"{{idioma}}\"\nfallback_language = \"español\""),
        &[
            "11:22: error[bad_language]: no language of a template — write it as the provider's catalogue does: `es`, `es_MX`, `pt_BR`",
        ],
    );
}

#[test]
fn line_breaks_in_values() {
    says(
        &small_and("body = [\"a\\nb\", \"c     d\", \"\"]"),
        &[
            "11:10: error[bad_text]: a value with a line break, a tab or more than four spaces in a row — write it in one line; providers refuse it otherwise",
            "11:18: error[bad_text]: a value with a line break, a tab or more than four spaces in a row — write it in one line; providers refuse it otherwise",
            "11:29: error[empty]: an empty text — write something: providers refuse empty texts",
        ],
    );
}

#[test]
fn names_of_variables() {
    says(
        &small_and("body = { First = \"x\", \"1\" = \"y\" }"),
        &[
            r#"11:10: error[bad_name]: no name of a template's variable — write lower-case letters, digits and `_`, no digit first; numbered variables are a list: `body = ["…"]`"#,
            r#"11:23: error[bad_name]: no name of a template's variable — write lower-case letters, digits and `_`, no digit first; numbered variables are a list: `body = ["…"]`"#,
        ],
    );
}

#[test]
fn money_and_dates() {
    says(
        &small_and(
            "body = [{ currency = \"usd\", amount = \"1,50\", fallback = \"x\" }, { amount = \"3\" }, { currency = \"USD\" }, { date = \"\" }]",
        ),
        &[
            "11:23: error[bad_currency]: no currency — write the three letters of ISO 4217, such as `USD`",
            "11:39: error[bad_number]: no amount of money — write digits with a decimal point and at most three decimals, such as `100.99`",
            "11:66: error[conflict]: `amount` goes with `currency` only — leave `amount` out",
            r#"11:79: error[missing_key]: `body` lacks one of `currency`, `date` — write one of them, such as `currency = "USD"`"#,
            r#"11:101: error[missing_key]: `body` lacks `amount` — add `amount = "{{total}}"`"#,
            r#"11:101: error[missing_key]: `body` lacks `fallback` — add `fallback = "${{total}}"`"#,
            "11:114: error[empty]: an empty text — write something: providers refuse empty texts",
        ],
    );
}

#[test]
fn headers_with_two_things() {
    says(
        &small_and("header = { text = \"x\", image = \"https://cdn.example/a.jpg\" }"),
        &["11:24: error[conflict]: `text` and `image` exclude each other — keep one of them"],
    );
}

#[test]
fn file_names_of_pictures() {
    says(
        &small_and("header = { image = \"https://cdn.example/a.jpg\", filename = \"a.jpg\" }"),
        &["11:49: error[conflict]: `filename` goes with `document` only — leave `filename` out"],
    );
}

#[test]
fn places_off_the_globe() {
    says(
        &small_and("header = { location = { latitude = \"91\", longitude = \"abc\", name = \"x\", address = \"y\" } }"),
        &[
            "11:37: error[bad_number]: no latitude — write decimal degrees from -90 to 90, such as `19.4326`",
            "11:55: error[bad_number]: no longitude — write decimal degrees from -180 to 180, such as `19.4326`",
        ],
    );
}

#[test]
fn buttons_at_the_same_index() {
    says(
        &small_and("coupon = \"SALE10\"\nbuttons = [{ url_suffix = \"a\" }, { index = 1, quick_reply = \"b\" }]"),
        &[
            "12:12: error[duplicate]: two buttons at index 0 — give each its place among all the template's buttons, from 0: `index = 1`; `coupon` takes 0",
        ],
    );
}

#[test]
fn buttons_beyond_the_tenth() {
    says(
        &small_and("buttons = [{ index = 10, url_suffix = \"a\" }]"),
        &["11:22: error[out_of_range]: `index` is 10, outside 0 to 9 — write a whole number from 0 to 9"],
    );
}

#[test]
fn three_url_buttons() {
    says(
        &small_and("buttons = [{ url_suffix = \"a\" }, { url_suffix = \"b\" }, { url_suffix = \"c\" }]"),
        &["11:56: error[bad_button]: a third URL button — a template has at most two"],
    );
}

#[test]
fn two_coupons() {
    says(
        &small_and("coupon = \"SALE-10\"\nbuttons = [{ index = 1, copy_code = \"ABCDEFGHIJKLMNOPQRSTU\" }]"),
        &[
            "11:11: error[bad_coupon]: a coupon with something else than letters and digits — write 1 to 20 letters and digits, without accents and spaces",
            "12:22: error[bad_button]: a second copy-code button — a template has one at most; `coupon` is one already",
            "12:38: error[too_long]: 21 characters, at most 20 are allowed — make it shorter",
        ],
    );
}

#[test]
fn coupons_in_offers() {
    says(
        &small_and(
            "coupon = \"ABCDEFGHIJKLMNOP\"\noffer_expires = \"2030-12-08T23:59-06:00\"\nbuttons = [{ index = 2, url_suffix = \"a\" }, { index = 3, quick_reply = \"b\" }]",
        ),
        &[
            "11:11: error[too_long]: 16 characters, at most 15 are allowed — make it shorter",
            "13:22: error[bad_button]: in a limited-time offer the URL button is at index 1, not 2 — write `index = 1`",
            "13:55: error[bad_button]: a limited-time offer has no quick replies — leave it out",
        ],
    );
}

#[test]
fn offers_under_a_text() {
    says(
        &small_and("header = { text = \"x\" }\noffer_expires = \"{{until}}\""),
        &[
            "11:1: error[conflict]: a limited-time offer has a picture or a video above it — give `image` or `video`, as the template was approved",
        ],
    );
}

#[test]
fn offers_that_are_over() {
    says(
        &small_and("offer_expires = \"2026-11-20T23:59-00:00\"\nheader = { image = \"https://cdn.example/a.jpg\" }"),
        &["11:18: error[offer_over]: the offer is over: it is 2026-11-21T00:00:00Z now — write an instant in the future"],
    );
}

#[test]
fn offers_now_over() {
    says(
        &small_and("offer_expires = \"2026-11-21T00:00:00Z\""),
        &["11:18: error[offer_over]: the offer is over: it is 2026-11-21T00:00:00Z now — write an instant in the future"],
    );
}

#[test]
fn instants_without_an_offset() {
    says(
        &small_and("offer_expires = \"2030-12-08T23:59\""),
        &["11:18: error[bad_instant]: no instant — write date, time and offset from UTC: `2030-12-08T23:59-06:00`"],
    );
}

#[test]
fn instants_without_quotes() {
    says(
        &small_and("offer_expires = 2030-12-08T23:59:00-06:00"),
        &[
            r#"11:17: error[wrong_type]: `offer_expires` must be a text, not a date without quotes — put it in quotes, as in `offer_expires = "2030-12-08T23:59-06:00"`"#,
        ],
    );
}

#[test]
fn a_single_card() {
    says(
        &carousel("[[template.cards]]\nheader = { image = \"https://cdn.example/1.jpg\" }"),
        &["12:1: error[out_of_range]: `cards` has a length of 1, outside 2 to 10 — give from 2 to 10"],
    );
}

#[test]
fn uneven_cards() {
    says(
        &carousel(
            "[[template.cards]]\nheader = { image = \"https://cdn.example/1.jpg\" }\n[[template.cards]]\nheader = { video = \"https://cdn.example/2.mp4\" }\n[[template.cards]]\nheader = { image = \"https://cdn.example/3.jpg\" }\nbody = [\"x\"]\n[[template.cards]]\nheader = { image = \"https://cdn.example/4.jpg\" }\nbuttons = [{ quick_reply = \"x\" }]",
        ),
        &[
            "14:1: error[uneven_cards]: this card has a video where the first card has a picture — all cards of a carousel have the same parts",
            "16:1: error[uneven_cards]: this card has other body values than the first card — all cards of a carousel have the same parts",
            "19:1: error[uneven_cards]: this card has other buttons than the first card — all cards of a carousel have the same parts",
        ],
    );
}

#[test]
fn product_cards() {
    says(
        &carousel(
            "[[template.cards]]\nheader = { product = { retailer_id = \"1\", catalog_id = \"9\" } }\nbody = [\"x\"]\n[[template.cards]]\nheader = { product = { retailer_id = \"2\", catalog_id = \"8\" } }\nbody = [\"x\"]\nbuttons = [{ quick_reply = \"a\" }]",
        ),
        &[
            "14:1: error[conflict]: a product card has no body — leave it out: the provider shows the product's own text",
            "15:1: error[uneven_cards]: this card has other buttons than the first card — all cards of a carousel have the same parts",
            "17:1: error[conflict]: a product card has no body — leave it out: the provider shows the product's own text",
            "18:1: error[bad_button]: a product card has one URL button at index 0, not button 0 — leave the others out",
        ],
    );
}

#[test]
fn cards_beside_a_header() {
    says(
        &carousel(
            "header = { image = \"https://cdn.example/0.jpg\" }\ncoupon = \"A1\"\n[[template.cards]]\nheader = { image = \"https://cdn.example/1.jpg\" }\n[[template.cards]]\nheader = { image = \"https://cdn.example/2.jpg\" }",
        ),
        &[
            "12:1: error[conflict]: `header` does not go with cards — a carousel has a body and cards; headers and buttons stand on the cards",
            "13:1: error[conflict]: `coupon` does not go with cards — a carousel has a body and cards; headers and buttons stand on the cards",
        ],
    );
}

#[test]
fn cards_of_utility() {
    says(
        &small_and(
            "cards = [{ header = { image = \"https://cdn.example/1.jpg\" } }, { header = { image = \"https://cdn.example/2.jpg\" } }]",
        ),
        &[
            r#"11:1: error[wrong_purpose]: carousels are for marketing only — write `purpose = "marketing"`, or leave the cards out"#,
        ],
    );
}

#[test]
fn buttons_of_cards() {
    says(
        &carousel(
            "[[template.cards]]\nheader = { image = \"https://cdn.example/1.jpg\" }\nbuttons = [{ copy_code = \"A1\" }, { index = 2, url_suffix = \"x\" }]\n[[template.cards]]\nheader = { image = \"https://cdn.example/2.jpg\" }",
        ),
        &[
            "14:14: error[unknown_key]: unknown key `copy_code` in `buttons` — it belongs into [template.buttons]; known here: `index`, `url_suffix`, `quick_reply`",
            "14:44: error[out_of_range]: `index` is 2, outside 0 to 1 — write a whole number from 0 to 1",
        ],
    );
}

#[test]
fn keys_of_other_tables() {
    says(
        &small_with("[audience]", "rate = \"70/s\"\nfile = \"x.csv\"\n[audience]"),
        &[
            "5:1: error[unknown_key]: unknown key `rate` in the campaign — it belongs into [pacing]; known here: `name`, `purpose`, `sender`, `expires`, `audience`, `pacing`, `route`, `free_form`, `template`",
            "6:1: error[unknown_key]: unknown key `file` in the campaign — it belongs into [audience]; known here: `name`, `purpose`, `sender`, `expires`, `audience`, `pacing`, `route`, `free_form`, `template`",
        ],
    );
}

#[test]
fn control_characters() {
    says(
        &small_with("spring_sale\"", "spring\u{0}_sale\""),
        &[
            "9:15: error[control_character]: control character U+0000 — delete it: editors do not show it, and no message may hold it",
        ],
    );
}

#[test]
fn yaml() {
    says(
        "name: spring\npurpose: marketing\n",
        &[
            "1:5: error[syntax]: a key with something else than letters, digits, `-` and `_` — TOML puts `=` between key and value, not `:`; other keys stand in quotes",
            "2:10: error[syntax]: a line that is no `key = value` — TOML puts `=` between key and value, not `:`",
        ],
    );
}

#[test]
fn unclosed_texts() {
    says(
        &small_with("\"es_MX\"", "\"es_MX"),
        &["10:18: error[syntax]: a text that does not end — close it with the quote it began with"],
    );
}

#[test]
fn an_unclosed_long_text() {
    says(
        &small_with("purpose = \"utility\"", "purpose = \"\"\"utility"),
        &["11:1: error[syntax]: a text that does not end — close it with the quote it began with"],
    );
}

#[test]
fn unclosed_tables() {
    says(
        &small_with("[audience]", "[audience"),
        &["5:10: error[syntax]: unclosed table, expected `]` — see https://toml.io for how TOML is written"],
    );
}

#[test]
fn an_empty_file() {
    says(
        "",
        &[
            r#"1:1: error[missing_key]: the campaign lacks `name` — add `name = "spring-sale"`"#,
            r#"1:1: error[missing_key]: the campaign lacks `purpose` — add `purpose = "marketing"`"#,
            r#"1:1: error[missing_key]: the campaign lacks `sender` — add `sender = "shop"`"#,
            r#"1:1: error[missing_key]: the campaign lacks `audience` — add `audience = { file = "audiences/spring.csv" }`"#,
            "1:1: error[missing_key]: the campaign has nothing to send — add a [template], a [free_form] message, or both",
        ],
    );
}

#[test]
fn a_web_page() {
    says(
        "<!DOCTYPE html>\n<html><body>Not found</body></html>\n",
        &[
            "1:1: error[syntax]: a key with something else than letters, digits, `-` and `_` — TOML puts `=` between key and value, not `:`; other keys stand in quotes",
            "2:17: error[syntax]: a line that is no `key = value` — TOML puts `=` between key and value, not `:`",
        ],
    );
}

#[test]
fn secrets_in_comments_and_values() {
    says(
        &small_with("[audience]", "# Authorization: Bearer abcdefghijklmnop1234\napi_key = \"short\"\n[audience]"),
        &[
            "5:18: error[secret_in_file]: this looks like a credential — take it out and revoke it if the file was shared; settings name the environment variable or file that holds it",
            "6:1: error[unknown_key]: unknown key `api_key` in the campaign — known here: `name`, `purpose`, `sender`, `expires`, `audience`, `pacing`, `route`, `free_form`, `template`",
        ],
    );
}

#[test]
fn nothing_of_a_hostile_key_reaches_the_terminal() {
    says(
        &small_with("[audience]", "\"a\\u001b[2Jb\\nc\" = 1\n[audience]"),
        &[
            "5:1: error[unknown_key]: unknown key `a�[2Jb�c` in the campaign — known here: `name`, `purpose`, `sender`, `expires`, `audience`, `pacing`, `route`, `free_form`, `template`",
        ],
    );
}
