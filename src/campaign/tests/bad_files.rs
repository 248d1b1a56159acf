//! The 31 bad campaign files of `reliability.md`, section 4.5, each with exactly what is said about it.
//!
//! Some are about YAML and stand here with their counterparts in TOML; some are about parts that do not exist yet (schedules, budgets,
//! the template catalogue) and are refused at their place.

use super::*;

/// 1. An unknown key is an error with a suggestion, never ignored.
#[test]
fn unknown_key_with_a_suggestion() {
    says(
        &small_and("langauge = \"es\"\n[pacing]\nraet = \"70/s\""),
        &[
            "11:1: error[unknown_key]: unknown key `langauge` in `template` — did you mean `language`?",
            "13:1: error[unknown_key]: unknown key `raet` in `pacing` — did you mean `rate`?",
        ],
    );
}

/// 2.
#[test]
fn duplicate_key() {
    says(
        &small_with("purpose = ", "name = \"other\"\npurpose = "),
        &["2:1: error[duplicate_key]: `name` is given twice — keep one of them"],
    );
}

/// 3. YAML's anchors and aliases do not exist in TOML.
#[test]
fn anchors_and_aliases() {
    says(
        &small_with("\"utility\"", "&bomb [1]\nsender = *bomb").replace("sender = \"demo\"\n", ""),
        &[
            "2:11: error[syntax]: TOML has no anchors and aliases — write the value out",
            "3:10: error[syntax]: TOML has no anchors and aliases — write the value out",
        ],
    );
}

/// 4. Tabs indent and separate, and do no harm.
#[test]
fn tabs() {
    assert_eq!(said(&small_with("language = ", "\tlanguage\t=\t")), "");
}

/// 5. YAML's booleans are said to be written otherwise, and hide nothing else.
#[test]
fn yes_and_no() {
    says(
        &small_and("[free_form]\nkind = \"text\"\nbody = \"Hola\"\npreview_url = yes"),
        &["14:15: error[syntax]: `yes` is no TOML value — write `true` or `false`"],
    );
}

/// 6.
#[test]
fn octal_looking_number() {
    says(
        &format!("{SMALL}[pacing]\npriority = 007\nin_flight = 0"),
        &[
            "12:12: error[syntax]: a number with a leading zero — leave the zero out, or put it in quotes when it is a text; octal numbers are written `0o755`",
            "13:13: error[out_of_range]: `in_flight` is 0, outside 1 to 1000 — write a whole number from 1 to 1000",
        ],
    );
}

/// 7.
#[test]
fn numbers_as_texts() {
    says(
        &format!("{SMALL}[pacing]\nrate = 70\nin_flight = \"8\""),
        &[
            r#"12:8: error[wrong_type]: `rate` must be a text, not a whole number — put it in quotes, as in `rate = "70/s"`"#,
            "13:13: error[wrong_type]: `in_flight` must be a whole number, not a text — write it without quotes: `in_flight = 8`",
        ],
    );
}

/// 8.
#[test]
fn ten_megabytes() {
    says(
        &format!("{SMALL}{}", "# filler\n".repeat(10 << 20 >> 3)),
        &[
            "1:1: error[too_large]: the file is larger than 1048576 bytes — a campaign file holds texts only; put lists of people into the audience's file",
        ],
    );
}

/// 9.
#[test]
fn thousand_deep() {
    says(
        &format!("{SMALL}body = {}{}", "[".repeat(1000), "]".repeat(1000)),
        &["11:88: error[too_deep]: nested too deeply — no part of a campaign is nested more than 16 deep"],
    );
}

/// 10. There is nothing to send.
#[test]
fn missing_template() {
    says(
        &small_with("[template]\nname = \"spring_sale\"\nlanguage = \"es_MX\"\n", ""),
        &["1:1: error[missing_key]: the campaign has nothing to send — add a [template], a [free_form] message, or both"],
    );
}

/// 11. Approval is known to the provider's catalogue alone, which is not read yet; a file cannot claim it.
#[test]
fn template_of_the_catalogue() {
    says(
        &small_and("status = \"approved\""),
        &[
            "11:1: error[unknown_key]: unknown key `status` in `template` — known here: `name`, `language`, `fallback_language`, `header`, `body`, `coupon`, `offer_expires`, `buttons`, `cards`",
        ],
    );
}

/// 12. Of its shape; whether the template exists in it, the catalogue knows.
#[test]
fn wrong_language() {
    says(&small_with("es_MX", "es-MX"), &["10:13: error[bad_language]: no language of a template — did you mean `es_MX`?"]);
}

/// 13. More than any body can have; how many a template has, the catalogue knows.
#[test]
fn too_many_variables() {
    says(
        &small_and(&format!("body = [{}]", "\"x\", ".repeat(171))),
        &["11:8: error[out_of_range]: `body` has a length of 171, outside 0 to 170 — give from 0 to 170"],
    );
}

/// 14.
#[test]
fn wrong_component_type() {
    says(
        &small_and("header = { sticker = \"https://cdn.example/a.webp\" }"),
        &[
            "11:12: error[unknown_key]: unknown key `sticker` in `header` — it belongs into [free_form] of kind `sticker`; known here: `text`, `name`, `image`, `video`, `document`, `filename`, `location`",
        ],
    );
}

/// 16. A warning: the sender's own limit holds all the same.
#[test]
fn rate_above_the_senders() {
    says(
        &format!("{SMALL}[pacing]\nrate = \"81/s\""),
        &[
            "12:9: warning[rate_above_senders]: `81/s` is more than the senders may send: 80.0/s together — each sender's own limit holds; lower the rate or add senders",
        ],
    );
}

/// 17. Budgets of any kind are refused until there are budgets.
#[test]
fn budgets() {
    says(
        &format!("{SMALL}[budget]\nlimit = \"-250 EUR\""),
        &[
            "11:2: error[not_supported_yet]: `budget` is not supported yet — leave it out and hold the price of `fanfare plan` against your budget before `fanfare run`",
        ],
    );
}

/// 18. Schedules are refused until there are schedules.
#[test]
fn start_after_expiry() {
    says(
        &format!("{SMALL}[schedule]\nat = \"2026-12-02T10:00\"\nexpires = \"12h\""),
        &[
            "11:2: error[not_supported_yet]: `schedule` is not supported yet — leave it out and start the campaign with `fanfare run`; `expires` stands at the top of the file",
        ],
    );
}

/// 19.
#[test]
fn past_start() {
    says(
        &format!("{SMALL}[schedule]\nat = \"2020-12-01T10:00\""),
        &[
            "11:2: error[not_supported_yet]: `schedule` is not supported yet — leave it out and start the campaign with `fanfare run`; `expires` stands at the top of the file",
        ],
    );
}

/// 20.
#[test]
fn invalid_cron() {
    says(
        &format!("{SMALL}[schedule]\ncron = \"61 25 * * *\""),
        &[
            "11:2: error[not_supported_yet]: `schedule` is not supported yet — leave it out and start the campaign with `fanfare run`; `expires` stands at the top of the file",
        ],
    );
}

/// 21.
#[test]
fn cron_every_second() {
    says(
        &format!("{SMALL}[schedule]\ncron = \"* * * * * *\""),
        &[
            "11:2: error[not_supported_yet]: `schedule` is not supported yet — leave it out and start the campaign with `fanfare run`; `expires` stands at the top of the file",
        ],
    );
}

/// 22.
#[test]
fn unknown_time_zone() {
    says(
        &format!("{SMALL}[schedule]\ntimezone = \"Mars/Olympus\""),
        &[
            "11:2: error[not_supported_yet]: `schedule` is not supported yet — leave it out and start the campaign with `fanfare run`; `expires` stands at the top of the file",
        ],
    );
}

/// 23.
#[test]
fn quiet_hours_all_day() {
    says(
        &format!("{SMALL}[schedule]\nquiet_hours = \"00:00-25:00\""),
        &[
            "11:2: error[not_supported_yet]: `schedule` is not supported yet — leave it out and start the campaign with `fanfare run`; `expires` stands at the top of the file",
        ],
    );
}

/// 24. Of the file's name; a list without people is found when it is read.
#[test]
fn empty_audience() {
    says(
        &small_with("audiences/spring.csv", ""),
        &["6:9: error[bad_file]: no file — write a path inside the campaign's folder, such as `audiences/spring.csv`"],
    );
}

/// 25.
#[test]
fn audience_outside_the_root() {
    says(
        &small_with("audiences/spring.csv", "../../etc/passwd"),
        &[
            "6:9: error[outside_root]: the audience must lie inside the campaign's folder — write a path inside the campaign's folder, such as `audiences/spring.csv`",
        ],
    );
}

/// 26. Campaign files do not read the environment, so none can be missing.
#[test]
fn environment_variable() {
    says(
        &small_with("\"es_MX\"", "\"${TEMPLATE_LANGUAGE}\""),
        &[
            "10:13: error[environment_variable]: `${TEMPLATE_LANGUAGE}` would be sent as it stands — campaign files do not read the environment: write the value, or a column as `{{column}}`",
        ],
    );
}

/// 27.
#[test]
fn secret_literal() {
    says(
        &small_with("purpose", "token = \"hunter2-hunter2\"\npurpose")
            .replace("\"spring_sale\"", "\"EAAGm0PX4ZCpsBAKZCexampleexample\""),
        &[
            "2:10: error[secret_in_file]: this looks like a credential — take it out and revoke it if the file was shared; settings name the environment variable or file that holds it",
            "10:9: error[secret_in_file]: this looks like a credential — take it out and revoke it if the file was shared; settings name the environment variable or file that holds it",
        ],
    );
}

/// 28. Files do not include others, so none can include itself.
#[test]
fn include_loop() {
    says(
        &small_with("purpose", "include = [\"c.toml\"]\npurpose"),
        &[
            "2:1: error[not_supported_yet]: `include` is not supported yet — write everything into this file: campaign files do not include others",
        ],
    );
}

/// 30. Campaigns name senders, which name their providers.
#[test]
fn provider_name_unknown() {
    says(
        &small_with("\"demo\"", "\"demo-3\""),
        &["3:11: error[unknown_sender]: the settings have no sender `demo-3` — did you mean `demo-2`?"],
    );
}

/// 31.
#[test]
fn at_least_once_without_confirm() {
    says(
        &format!("{SMALL}[route]\non_unknown = \"at_least_once\""),
        &[
            r#"12:14: error[needs_confirm]: `at_least_once` may send twice: sender `demo` (meta) cannot recognise a repeated request — write `on_unknown = "auto"`, or add `confirm = "i_accept_duplicates"`"#,
        ],
    );
}

/// 15. Negative, zero, no number, huge.
#[test]
fn rates_that_are_none() {
    for (rate, said) in [
        (
            "-5/s",
            "12:9: error[bad_rate]: `-5/s` is no rate — write a whole number and a unit, such as `70/s`, `1000/m` or `5/s burst 10`",
        ),
        (
            "NaN/s",
            "12:9: error[bad_rate]: `NaN/s` is no rate — write a whole number and a unit, such as `70/s`, `1000/m` or `5/s burst 10`",
        ),
        ("0/s", "12:9: error[bad_rate]: a rate of zero would never send anything — write at least `1/h`"),
        (
            "1000000/s",
            "12:9: error[bad_rate]: `1000000/s` is above 64000/s, more than 64 of the fastest numbers together are allowed — write at most `64000/s`",
        ),
    ] {
        says(&small_and(&format!("[pacing]\nrate = \"{rate}\"")), &[said]);
    }
    says(
        &small_and("[pacing]\nrate = nan"),
        &["12:8: error[wrong_type]: `rate` must be a text, not a fraction — put it in quotes, as in `rate = \"70/s\"`"],
    );
}

/// 29. Texts are compiled by the message module, which refuses partials; it is given each text with its exact place.
#[test]
fn handlebars_recursion() {
    let text = small_and("body = [\"{{> self}}\"]");
    let (campaign, warnings) = accepted(&text);
    assert_eq!(warnings, []);
    let crate::message::Values::Positional(values) = campaign.template.unwrap().message.body else { panic!("a list") };
    let [crate::message::Value::Text(source)] = values.as_slice() else { panic!("one text") };
    assert_eq!((source.text.as_str(), &text[source.span.clone()]), ("{{> self}}", "{{> self}}"));
}
